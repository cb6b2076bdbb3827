// npm run bench -- operator: runs the passes, prints the tables, and judges the budgets.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { bundle } from '../../src/cli/build/bundle.ts';
import { type Binaries, findBinaries } from '../controlplane/binaries.ts';
import type { Progress } from '../controlplane/progress.ts';
import { machine } from './machine.ts';
import { sourceProgram } from './operatorProcess.ts';
import type { BenchOptions } from './options.ts';
import { type FloorPass, floorPass, type OperatorPass, operatorPass, type PassOptions } from './passes.ts';
import { absolutes, breakdown, budgets, limit, type Run, ratios, table, withinBudget } from './report.ts';

const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** Floor, operator, floor, operator, … floor: what the machine does meanwhile falls on both. A smoke run has one of each. */
async function runPasses(options: BenchOptions, program: string, binaries: Binaries, progress: Progress): Promise<Run> {
  const during = <T>(title: string, work: Promise<T>): Promise<T> => progress.during(title, () => '', work);
  const { count, edits, repeat, nodes, smoke, workers, profile } = options;
  const operator = { program, workers, ...(profile && { profile: resolve(profile) }) };
  const pass: PassOptions = { ...options, binaries, nodes: 0, kind: 'smallest', operator };
  const floors: FloorPass[] = [await during('Floor', floorPass(pass))];
  const operators: OperatorPass[] = [];
  for (let round = 1; round <= repeat; round++) {
    operators.push(await during(`Operator, ${round} of ${repeat}`, operatorPass(pass)));
    if (!smoke) floors.push(await during(`Floor, ${round} of ${repeat}`, floorPass(pass)));
  }
  if (nodes === 0) return { floors, operators, count, edits };
  const crowded = await during(`Operator, ${nodes} nodes`, operatorPass({ ...pass, nodes, kind: 'ladder' }));
  return { floors, operators, count, edits, crowded };
}

function printTables(run: Run, options: BenchOptions): void {
  const { durable, source, count, repeat } = options;
  const how = [
    `${count} deployments`,
    `${repeat} ${repeat === 1 ? 'pass' : 'passes'}`,
    durable ? 'durable etcd' : 'etcd without fsync',
    source ? 'operator from source' : 'operator bundled',
  ];
  print(`\n${how.join(', ')}\n`);
  print(table('Ratios', ratios(run)));
  print(table('Requests to the API server, worst pass', budgets(run)));
  print(table('By themselves', absolutes(run)));
  print(table('Requests per deployment, by verb and resource', breakdown(run, 'create', count)));
  print(table('Requests per edit, by verb and resource', breakdown(run, 'edits', options.edits)));
  print(table('Requests of a restart', breakdown(run, 'restart', 1)));
}

/** Runs it, prints the tables, and sets the exit code where a smoke run is over a budget. */
export async function benchOperator(options: BenchOptions, progress: Progress): Promise<void> {
  const { paths, origin } = await findBinaries({ env: process.env, progress });
  progress.say(origin);
  const where = machine();
  print(
    `${where.cores} cores (${where.cpu}), load ${where.load}, Node ${where.node}, Kubernetes ${where.kubernetes}, etcd ${where.etcd}`,
  );
  const folder = await mkdtemp(join(tmpdir(), 'lmo-bench-'));
  try {
    const root = resolve(import.meta.dirname, '../..');
    const program = options.source ? sourceProgram : (await bundle(root, folder)).operator;
    const run = await runPasses(options, program, paths, progress);
    printTables(run, options);
    const figures = { ratios: ratios(run), budgets: budgets(run), absolutes: absolutes(run) };
    const text = JSON.stringify({ machine: where, options, ...figures, passes: run }, null, 2);
    if (options.json) await writeFile(options.json, `${text}\n`);
    if (options.smoke) judge(run);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Only what no machine can excuse. */
function judge(run: Run): void {
  for (const figure of budgets(run).filter(({ budget }) => budget))
    if (!withinBudget(figure)) {
      print(`Over budget: ${figure.name}: ${figure.value}, at most ${limit(figure)}`);
      process.exitCode = 1;
    }
}
