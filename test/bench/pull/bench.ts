// npm run bench -- pull: rounds of all contenders, tables, and the budget of requests.
import { mkdir, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { bundle } from '../../../src/cli/build/bundle.ts';
import { formatBytes } from '../../../src/models/bytes.ts';
import type { Progress } from '../../controlplane/progress.ts';
import { findOllama } from '../../runtime/ollama/binaries.ts';
import { findRegistries } from '../../runtime/registries/binaries.ts';
import { type RunningRegistry, startRegistry } from '../../runtime/registries/server.ts';
import { versions } from '../../runtime/versions.ts';
import { machine } from '../machine.ts';
import { isMet, table } from '../report.ts';
import { type Contender, curl, ollama, ours } from './contenders.ts';
import { type UploadedModel, uploadModel } from './model.ts';
import type { PullBenchOptions } from './options.ts';
import {
  type ContenderName,
  contenderNames,
  type Pass,
  pullAbsolutes,
  pullBudgets,
  pullRatios,
  type Round,
} from './report.ts';

const root = resolve(import.meta.dirname, '../../..');
const print = (text: string): void => void process.stdout.write(`${text}\n`);

const requestsIn = async ({ log }: RunningRegistry): Promise<number> =>
  (await log()).split('\n').filter((line) => / (GET|HEAD) \/\S*(blobs|manifests|sha256)\//.test(line)).length;

interface Lab {
  contenders: Record<ContenderName, Contender>;
  registry: RunningRegistry;
  model: UploadedModel;
  folder: string;
  progress: Progress;
}

/** Seconds until all files below are on disk. */
async function syncSeconds(folder: string): Promise<number> {
  const begun = performance.now();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    await using file = await open(join(entry.parentPath, entry.name), 'r+');
    await file.sync();
  }
  return (performance.now() - begun) / 1000;
}

async function runPass(name: ContenderName, { contenders, registry, model, folder }: Lab): Promise<Pass> {
  const place = join(folder, name);
  await mkdir(place);
  const before = await requestsIn(registry);
  const cost = await contenders[name](model, place);
  const durableSeconds = cost.seconds + (await syncSeconds(place));
  const requests = (await requestsIn(registry)) - before;
  await rm(place, { recursive: true });
  return { ...cost, durableSeconds, requests };
}

async function runRound(lab: Lab, title: string): Promise<Round> {
  const passes: Partial<Record<ContenderName, Pass>> = {};
  for (const name of contenderNames)
    passes[name] = await lab.progress.during(`${title}, ${name}`, () => '', runPass(name, lab));
  return passes as Round;
}

async function runRounds(
  { size, repeat, source, folder: chosen }: PullBenchOptions,
  progress: Progress,
): Promise<Round[]> {
  const found = { env: process.env, progress };
  const [ollamaBinaries, binaries] = [await findOllama(found), await findRegistries(found)];
  const folder = await mkdtemp(join(chosen ?? tmpdir(), 'lmo-bench-'));
  const registry = await startRegistry({ binaries, kind: 'gcr', redirects: true });
  try {
    const program = source ? join(root, 'src/puller/main.ts') : (await bundle(root, folder)).pull;
    const contenders = { pull: ours(program), curl, ollama: ollama(ollamaBinaries) };
    const model = await progress.during(`Making ${formatBytes(size)}`, () => '', uploadModel(registry, folder, size));
    const lab: Lab = { contenders, registry, model, folder, progress };
    const rounds: Round[] = [];
    for (let round = 1; round <= repeat; round++) rounds.push(await runRound(lab, `Round ${round} of ${repeat}`));
    return rounds;
  } finally {
    await registry.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs it, prints the tables, and sets the exit code where a smoke run is over its budget. */
export async function benchPull(options: PullBenchOptions, progress: Progress): Promise<void> {
  const { size, repeat, source, smoke, json } = options;
  const { kubernetes: _, etcd: __, ...where } = machine();
  print(`${where.cores} cores (${where.cpu}), load ${where.load}, Node ${where.node}, Ollama ${versions.ollama}`);
  const rounds = await runRounds(options, progress);
  const ratios = pullRatios(rounds);
  const budgets = pullBudgets(rounds, size);
  const absolutes = pullAbsolutes(rounds, size);
  const how = `${formatBytes(size)}, ${repeat} ${repeat === 1 ? 'round' : 'rounds'}, ${source ? 'from source' : 'bundled'}`;
  print(`\n${how}\n`);
  print(table('Ratios', ratios));
  print(table('Requests', budgets));
  print(table('By themselves', absolutes));
  const figures = { machine: where, ollama: versions.ollama, options, ratios, budgets, absolutes, rounds };
  if (json) await writeFile(json, `${JSON.stringify(figures, null, 2)}\n`);
  if (!smoke || budgets.every((figure) => isMet(figure) !== false)) return;
  print('Over budget: requests');
  process.exitCode = 1;
}
