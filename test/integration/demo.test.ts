// The demo as a person runs it: what it prints, how it ends, and that nothing is left of it.
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { connect } from '../controlplane/access.ts';
import { waitFor } from '../controlplane/wait.ts';
import { collection, installCrd } from './apiServer.ts';

const root = resolve(import.meta.dirname, '../..');
const access = connect(inject('controlPlane'));
const timeout = 180_000;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'demo-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Demo {
  output(): string;
  /** Resolves with the exit code. */
  ended: Promise<number | null>;
  interrupt(): void;
}

/** All its files go into `folder`, by which its processes can be told from others. */
function demo(...argv: string[]): Demo {
  const child = spawn(process.execPath, [join(root, 'test/demo/main.ts'), '--fast', ...argv], {
    env: { ...process.env, TMPDIR: folder, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pieces: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (piece: string) => pieces.push(piece));
  }
  return {
    output: () => pieces.join(''),
    ended: new Promise((settle) => child.once('close', settle)),
    interrupt: () => child.kill('SIGINT'),
  };
}

async function processesOf(place: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-ww', '-o', 'pid=,args=']);
  return stdout.split('\n').filter((line) => line.includes(place));
}

async function expectNothingLeft(): Promise<void> {
  expect(await processesOf(folder)).toEqual([]);
  expect(await readdir(folder)).toEqual([]);
}

describe('on a control plane of its own', () => {
  test('shows every end state, a rollout, scaling and repair, and leaves nothing', { timeout }, async () => {
    const { ended, output } = demo();
    const code = await ended;
    const shown = output();
    expect(code, shown).toBe(0);
    for (const line of [
      /The nodes are simulated and run no model/,
      /^ {2}phi4-mini +Ready on CPU: http/m,
      /^ {2}qwen-gpu +Ready on GPU nvidia: http/m,
      /^ {2}qwen-ladder +Ready on GPU nvidia: .*\n +Passed over: NPU intel\. Ollama has no NPU backend/m,
      /^ {2}llama-volume +Not ready \(Unschedulable\): .*\n? *.*"model-library" not found/m,
      /^ {2}npu-only +Refused \(NothingFits\)/m,
      /spec\.ollama: .*remove it/,
      /lmd\/phi4-mini .*\n {2}localmodeldeployment\.localmodels\.dev\/phi4-mini condition met/,
      /Rolled out in [\d.]+ s: revision \w+ became \w+\./,
      /3 replicas answer after [\d.]+ s\. Revision \w+ and the choice of hardware are what they were/,
      /The operator has made it anew \d+ ms after it was deleted/,
    ]) {
      expect(shown).toMatch(line);
    }
    expect(shown).not.toMatch(/"level":|\n {4}at /);
    await expectNothingLeft();
  });

  test('leaves nothing when it is interrupted in the middle', { timeout }, async () => {
    const { ended, output, interrupt } = demo();
    const isOn = async () => output().includes('Samples are applied') || undefined;
    await waitFor('samples are applied', isOn, { deadlineMs: 120_000 });
    interrupt();
    expect(await ended, output()).toBe(130);
    expect(output()).toContain('Interrupted');
    await expectNothingLeft();
  });
});

describe('on a cluster of the user', () => {
  test('removes what it made, and nothing that was there before', { timeout }, async () => {
    await installCrd(access);
    const { ended, output } = demo('--kubeconfig', access.kubeconfig);
    expect(await ended, output()).toBe(0);
    expect(output()).toContain('The CustomResourceDefinition is there already, and stays as it is.');
    expect(output()).toMatch(/^ {2}npu-only +Refused/m);
    expect((await access.call('GET', '/api/v1/namespaces/local-model-demo')).status).toBe(404);
    expect((await access.call('GET', collection('default'))).status).toBe(200);
    await expectNothingLeft();
  });

  test('touches no namespace that has the name of its own', { timeout }, async () => {
    await installCrd(access);
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'local-model-demo' } };
    expect((await access.call('POST', '/api/v1/namespaces', { body })).status).toBe(201);
    const { ended, output } = demo('--kubeconfig', access.kubeconfig);
    expect(await ended, output()).toBe(1);
    expect(output()).toContain('kubectl delete namespace local-model-demo');
    const { body: found } = await access.call('GET', '/api/v1/namespaces/local-model-demo');
    expect(found).toMatchObject({ status: { phase: 'Active' } });
    await access.call('DELETE', '/api/v1/namespaces/local-model-demo');
    await expectNothingLeft();
  });

  test('says in a sentence when the kubeconfig cannot be used', { timeout }, async () => {
    const { ended, output } = demo('--kubeconfig', join(folder, 'nowhere'));
    expect(await ended).toBe(1);
    expect(output()).toMatch(/nowhere cannot be used: .*no such file/);
    expect(output()).not.toMatch(/\n +at /);
    await expectNothingLeft();
  });
});
