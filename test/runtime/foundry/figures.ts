// Figures of Foundry Local with a tiny model, by hand: node test/runtime/foundry/figures.ts
//
// A model of 300 KB says nothing of how fast real ones are: what is measured is what this project and the core add to them.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../../controlplane/wait.ts';
import { startGatewayProcess } from '../../fault/gatewayProcess.ts';
import { tinyOnnx } from '../models/onnxLlama.ts';
import { findFoundryLocal } from './natives.ts';
import { createFoundryPod, writeModelFolder } from './pod.ts';

const id = 'tiny-generic-cpu:1';
const rounds = 5;
const tokens = 400;

const acts: (() => Promise<unknown>)[] = [];
const print = (what: string, value: string) => process.stdout.write(`${what.padEnd(46)} ${value}\n`);
const middle = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

async function residentMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

async function childOf(pid: number): Promise<number> {
  return Number((await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ')[0]);
}

/** Of streams one after the other: tokens per second of each, and seconds to the first. */
async function stream(url: string, model: string): Promise<{ first: number; rate: number }> {
  const begun = performance.now();
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, stream: true, max_tokens: tokens, messages: [{ role: 'user', content: 'hi' }] }),
  });
  let first = 0;
  for await (const _ of response.body!) first ||= performance.now() - begun;
  return { first, rate: tokens / ((performance.now() - begun) / 1000) };
}

async function measure(what: string, url: string, model: string): Promise<void> {
  await stream(url, model);
  const runs: { first: number; rate: number }[] = [];
  for (let round = 0; round < rounds; round++) runs.push(await stream(url, model));
  print(`${what}: tokens per second`, middle(runs.map(({ rate }) => rate)).toFixed(0));
  print(`${what}: first token after`, `${middle(runs.map(({ first }) => first)).toFixed(1)} ms`);
}

/** Servers of tests hold nobody back who waits for them. */
const awake = setInterval(() => undefined, 60_000);
const pod = await createFoundryPod(await findFoundryLocal({ env: process.env }), (act) => acts.unshift(act));
const path = await writeModelFolder(join(pod.folder, 'volume'), tinyOnnx({ endless: true }));
const { seconds, progress } = await pod.pull(id, { source: { kind: 'Volume', path, claimName: 'mine' } });
if (!progress?.model) throw new Error('not pulled');
print('pull of what is there, the process as a whole', `${seconds.toFixed(2)} s`);
const starts: number[] = [];
for (let round = 0; round < rounds; round++) {
  const once = await pod.serve(id);
  starts.push(once.seconds);
  const begun = performance.now();
  once.kill('SIGTERM');
  await once.ended();
  if (round === 0) print('SIGTERM to the end, at rest', `${((performance.now() - begun) / 1000).toFixed(2)} s`);
}
print('start to ready', `${middle(starts).toFixed(2)} s`);
const server = await pod.serve(id);
await measure('direct', server.url, id);
const pid = server.pid() ?? 0;
print('resident: the server', `${(await residentMib(pid)).toFixed(0)} MiB`);
print('resident: its core', `${(await residentMib(await childOf(pid))).toFixed(0)} MiB`);
const runtimePort = Number(new URL(server.url).port);
const gateway = await startGatewayProcess({
  runtimePort,
  pulled: progress.model,
  changes: { runtime: { kind: 'FoundryLocal', port: runtimePort } },
});
acts.unshift(gateway.stop);
await gateway.secondsUntil(/^Serving/);
await waitFor('canary', async () => (await gateway.status()).canary.outcome, { deadlineMs: 60_000 });
await measure('through the gateway', gateway.url, 'assistant');
for (const act of acts) await act();
clearInterval(awake);
process.exit(0);
