// npm run bench -- gateway: the same load direct and through the gateway, tables, and that no token was lost.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { bundle } from '../../../src/cli/build/bundle.ts';
import { gatewayNodeEnv, gatewayNodeFlags } from '../../../src/gateway/nodeFlags.ts';
import type { Progress } from '../../controlplane/progress.ts';
import { type GatewayProcess, startGatewayProcess } from '../../fault/gatewayProcess.ts';
import { machine } from '../machine.ts';
import { table } from '../report.ts';
import { mean } from '../statistics.ts';
import { usageOf } from '../usage.ts';
import { asFastAsPossible, steadily, streaming, type Target } from './load.ts';
import type { GatewayBenchOptions } from './options.ts';
import { type GatewayRound, gatewayAbsolutes, gatewayRatios, type Way } from './report.ts';

const root = resolve(import.meta.dirname, '../../..');
const print = (text: string): void => void process.stdout.write(`${text}\n`);

const SERVED = 'bench';
const digest = `sha256:${'b'.repeat(64)}`;
const name = `localmodels.dev/source/bench:${'b'.repeat(64)}`;
const listed = { name, model: name, digest: 'b'.repeat(64), size: 1, size_vram: 0, context_length: 4096 };

/** Clients at once, where they are not streams. */
const CONNECTIONS = 32;
const TOKENS_PER_SECOND = 50;

async function startUpstream(): Promise<{ process: ChildProcess; port: number }> {
  const program = join(import.meta.dirname, 'upstream.ts');
  const child = spawn(process.execPath, [program, JSON.stringify([listed])], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { process: child, port: Number(line) };
}

interface Lab {
  direct: Target;
  through: Target;
  gateway: GatewayProcess;
  options: GatewayBenchOptions;
}

const cpuOf = async ({ gateway }: Lab): Promise<number> =>
  (await usageOf(gateway.pid() ?? 0))?.cpuSeconds ?? Number.NaN;

async function runRound(lab: Lab): Promise<GatewayRound> {
  const { direct, through, options } = lab;
  const { seconds, streams, rate } = options;
  const fast = (target: Target) => asFastAsPossible(target, CONNECTIONS, seconds);
  const rates = [await fast(direct), await fast(through), await fast(direct)] as const;
  const steadyRate = rate ?? rates[1] / 2;
  const load = { connections: CONNECTIONS, perSecond: steadyRate, seconds };
  const times = [await steadily(direct, load), await steadily(through, load), await steadily(direct, load)] as const;
  const stream = (target: Target) => streaming(target, streams, seconds * TOKENS_PER_SECOND);
  const before = await stream(direct);
  const cpuBefore = await cpuOf(lab);
  const between = await stream(through);
  const streamCpuSeconds = (await cpuOf(lab)) - cpuBefore;
  const after = await stream(direct);
  const way = (index: 0 | 1 | 2, streamed: Way['streamed']): Way => ({
    perSecond: rates[index],
    steadyMs: times[index],
    streamed,
  });
  return {
    direct: [way(0, before), way(2, after)],
    through: way(1, between),
    steadyRate,
    streamCpuSeconds,
    usage: await usageOf(lab.gateway.pid() ?? 0),
  };
}

async function runRounds(options: GatewayBenchOptions, progress: Progress): Promise<GatewayRound[]> {
  const folder = await mkdtemp(join(tmpdir(), 'lmo-bench-'));
  const upstream = await startUpstream();
  let gateway: GatewayProcess | undefined;
  try {
    const program = options.source ? undefined : (await bundle(root, folder)).gateway;
    gateway = await startGatewayProcess({
      runtimePort: upstream.port,
      pulled: { name, digest, sourceDigest: digest, sizeBytes: 1 },
      changes: {
        model: { reference: SERVED, servedNames: [SERVED], maxContext: 4096 },
        limits: {
          maxInFlight: Math.max(CONNECTIONS, options.streams),
          maxQueue: 64,
          queueTimeoutSeconds: 60,
          requestTimeoutSeconds: 600,
          maxBodyBytes: 1e7,
        },
      },
      ...(program && { program }),
      nodeFlags: gatewayNodeFlags,
      env: gatewayNodeEnv,
    });
    await gateway.secondsUntil(/^Serving/);
    const direct = { url: `http://127.0.0.1:${upstream.port}`, model: SERVED };
    const lab: Lab = { direct, through: { url: gateway.url, model: SERVED }, gateway, options };
    const rounds: GatewayRound[] = [];
    for (let round = 1; round <= options.repeat; round++)
      rounds.push(await progress.during(`Round ${round} of ${options.repeat}`, () => '', runRound(lab)));
    return rounds;
  } finally {
    await gateway?.stop();
    upstream.process.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs it, prints the tables, and sets the exit code where a smoke run has lost a token. */
export async function benchGateway(options: GatewayBenchOptions, progress: Progress): Promise<void> {
  const { repeat, seconds, streams, source, json } = options;
  const { kubernetes: _, etcd: __, ...where } = machine();
  print(`${where.cores} cores (${where.cpu}), load ${where.load}, Node ${where.node}`);
  const rounds = await runRounds(options, progress);
  const [ratios, absolutes] = [gatewayRatios(rounds, options.rate), gatewayAbsolutes(rounds)];
  const how = [
    `${repeat} ${repeat === 1 ? 'round' : 'rounds'} of ${seconds} s`,
    `${streams} streams`,
    source ? 'from source' : 'bundled',
  ];
  print(`\n${how.join(', ')}\n`);
  print(table('What the gateway adds', ratios));
  print(table('By themselves', absolutes));
  if (json) await writeFile(json, `${JSON.stringify({ machine: where, options, ratios, absolutes }, null, 2)}\n`);
  const wanted = streams * seconds * TOKENS_PER_SECOND;
  const got = mean(rounds.map(({ through }) => through.streamed.tokens));
  if (got === wanted) return;
  print(`Tokens lost: ${got} of ${wanted} arrived`);
  process.exitCode = 1;
}
