// What bodies take of the gateway's memory, in a process of its own with the flags of the pod.
import { readFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { expect, it, onTestFinished } from 'vitest';
import { builtInDefaults } from '../../src/api/defaults.ts';
import { gatewayNodeEnv, gatewayNodeFlags } from '../../src/gateway/nodeFlags.ts';
import { unitsOf } from '../../src/kube/quantity.ts';
import { testConfig } from '../unit/gateway/config.ts';
import { digest } from '../unit/gateway/pod.ts';
import { startGatewayProcess } from './gatewayProcess.ts';
import { startScriptedOllama } from './scriptedOllama.ts';

const MiB = 2 ** 20;
const name = `localmodels.dev/source/tiny:${'a'.repeat(64)}`;

/** The most that it ever had in memory (proc_pid_status(5)). */
async function peakBytes(pid: number | undefined): Promise<number> {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

it.skipIf(platform() !== 'linux')(
  'has room for a body of 64 MiB in what the operator gives it',
  { timeout: 120_000 },
  async () => {
    const runtime = await startScriptedOllama();
    onTestFinished(runtime.close);
    Object.assign(runtime, {
      brings: [{ name, digest: 'a'.repeat(64), size: 1000, size_vram: 0, context_length: 4096 }],
    });
    const gateway = await startGatewayProcess({
      runtimePort: runtime.port,
      pulled: { name, digest, sourceDigest: digest, sizeBytes: 1000 },
      changes: { limits: { ...testConfig().limits, maxBodyBytes: 64 * MiB } },
      nodeFlags: gatewayNodeFlags,
      env: gatewayNodeEnv,
    });
    onTestFinished(gateway.stop);
    await gateway.secondsUntil(/^Serving/);
    const [head, foot] = ['{"model":"assistant","stream":false,"prompt":"', '"}'].map((text) => Buffer.from(text));
    const prompt = Buffer.alloc(64 * MiB - (head?.length ?? 0) - (foot?.length ?? 0), 0x61);
    const body = new Blob([head ?? '', prompt, foot ?? '']);
    const before = await peakBytes(gateway.pid());
    const answer = await fetch(`${gateway.url}/api/generate`, { method: 'POST', body });
    expect(answer.status).toBe(200);
    const peak = await peakBytes(gateway.pid());
    const { memory } = builtInDefaults.gatewayResources.limits ?? {};
    expect(peak).toBeLessThan(unitsOf(memory ?? 0));
    // It is there once, and not once more while it is put together or rewritten.
    expect(peak - before).toBeLessThan(1.5 * 64 * MiB);
  },
);
