// npm run demo: arguments, signals and exit code of the demo.
import { ApiError } from '../../src/kube/errors.ts';
import { systemClock } from '../../src/process/clock.ts';
import { BinariesError } from '../controlplane/binaries.ts';
import { ControlPlaneError } from '../controlplane/cluster.ts';
import { createProgress, type Progress } from '../controlplane/progress.ts';
import { type Cluster, saveLog, startOwnCluster, useGivenCluster } from './cluster.ts';
import { DemoError } from './demoError.ts';
import { operatorLog } from './operatorProcess.ts';
import { type DemoOptions, help, readOptions, UsageError } from './options.ts';
import { playOnRealNode } from './realNode.ts';
import { createScreen, type Screen } from './screen.ts';
import { describeCluster, type Stage, setStage } from './stage.ts';
import { story, tell } from './story.ts';
import { createUndoing, type Undoing } from './undoing.ts';
import { connectTo, crdFile, namespaceName } from './world.ts';

const exitCodes = { well: 0, fault: 1, usage: 2, interrupted: 130 } as const;

/** What a slow reader needs for a line. */
const readingMs = 150;

/** A person has pressed Ctrl-C. */
class Interruption extends Error {
  override name = 'Interruption';
}

interface Run {
  options: DemoOptions;
  screen: Screen;
  /** Aborted with an Interruption, or with why the operator has ended. */
  over: AbortController;
  undoing: Undoing;
  /** What did not end as it should, in sentences. */
  faults: string[];
  /** As soon as there is one. */
  cluster?: Cluster;
  /** Once there is an operator. */
  stage?: Stage;
}

const { stdout } = process;

function openCluster({ options, screen, over: { signal } }: Run): Promise<Cluster> {
  const { kubeconfig, context, keep } = options;
  if (kubeconfig) return useGivenCluster({ env: process.env, kubeconfig, ...(context && { context }) });
  const output = { write: (text: string) => stdout.write(text), isTTY: stdout.isTTY === true };
  const progress = createProgress(output, systemClock);
  return startOwnCluster({ env: process.env, keep, progress: indented(progress, screen), signal });
}

/** Like everything else that stands under a heading. */
const indented = ({ during }: Progress, { say }: Screen): Progress => ({
  say,
  during: (title, state, work) => during(`  ${title}`, state, work),
});

/** What is going to happen, before it does. */
function announce({ options, screen }: Run): void {
  screen.heading('local-model-operator: what it does, shown on a real Kubernetes control plane');
  if (!options.kubeconfig) {
    screen.say('It is started on this machine, without root or containers, and leaves nothing behind.');
    return;
  }
  screen.say(
    `On the cluster of ${options.kubeconfig}: makes the CustomResourceDefinition unless it is there, the namespace ` +
      `${namespaceName} and, in it, what the samples need; images and models may be fetched. The operator runs on this ` +
      `machine, for that namespace alone. ${options.keep ? 'All of it stays.' : 'All of it is removed afterwards.'}`,
  );
}

async function play(run: Run): Promise<void> {
  const { screen, over, undoing, faults } = run;
  announce(run);
  const { signal } = over;
  const headings = story.length + 2;
  screen.heading(`1/${headings}  A cluster`);
  const cluster = await openCluster(run);
  run.cluster = cluster;
  undoing.add(cluster.close);
  const api = await connectTo(cluster);
  undoing.add(api.transport.close, 'always');
  const setting = { cluster, screen, signal, undoing, onEnd: (error: Error) => over.abort(error) };
  await describeCluster(setting, api);
  screen.heading(`2/${headings}  The operator`);
  const stage = await setStage(setting, api);
  run.stage = stage;
  await screen.pause(signal);
  await tell({ ...setting, ...stage, fault: (sentence) => faults.push(sentence) }, 3, headings);
}

/** What to do with everything that stays up. */
function handOver({ screen, stage }: Run, cluster: Cluster): void {
  const end = cluster.keep();
  const kubectl = `kubectl${cluster.context ? ` --context ${cluster.context}` : ''}`;
  screen.say('Everything stays up. To use it:');
  screen.command(`export KUBECONFIG=${cluster.kubeconfig}`);
  screen.command(`${kubectl} get lmd -n ${namespaceName} -o wide`);
  screen.say('To end it:');
  if (!cluster.own) screen.command(`${kubectl} delete namespace ${namespaceName}`);
  if (!cluster.own && stage?.installed) screen.command(`${kubectl} delete -f ${crdFile}`);
  screen.command(end);
}

/** Errors whose message tells a person everything. */
const speaking = [BinariesError, ControlPlaneError, DemoError, ApiError];

function describe(error: unknown): string {
  if (speaking.some((type) => error instanceof type)) return (error as Error).message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function sayWhereToGoOn(screen: Screen): void {
  screen.say('npm run demo -- --keep leaves it all up, to try things out; manifests/samples/ has more to apply.');
  screen.say('README.md goes on from here; docs/reference/ has every field and every condition.');
}

async function conclude(run: Run): Promise<number> {
  const { options, screen, over, undoing, faults, cluster } = run;
  const interrupted = over.signal.reason instanceof Interruption;
  const kept = options.keep && !interrupted && cluster !== undefined && run.stage !== undefined;
  if (!interrupted) screen.heading(faults.length > 0 ? 'Not as it should be' : 'The end');
  for (const fault of faults) screen.output(fault);
  if (faults.length > 0 && cluster) {
    const log = kept ? operatorLog(cluster) : await saveLog(operatorLog(cluster));
    if (log) screen.say(`The operator's log: ${log}`);
  }
  if (kept) handOver(run, cluster);
  const failures = await undoing.run({ kept });
  for (const failure of failures) screen.say(`Could not be cleared away: ${failure}`);
  faults.push(...failures);
  if (!kept && (cluster || (options.realNode && !options.keep)) && failures.length === 0) {
    screen.say('Everything that was started has ended, and nothing is left of it.');
  }
  if (!kept && !interrupted && faults.length === 0) sayWhereToGoOn(screen);
  if (interrupted) return exitCodes.interrupted;
  return faults.length > 0 ? exitCodes.fault : exitCodes.well;
}

function listenForInterruption({ over, screen }: Run): void {
  stdout.on('error', () => over.abort(new Interruption('nobody reads on'))); // as under `| head`
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (over.signal.reason instanceof Interruption) process.exit(exitCodes.interrupted);
      over.abort(new Interruption(name));
      screen.heading('Interrupted: ending what was started …');
    });
  }
}

async function main(): Promise<number> {
  const isTerminal = stdout.isTTY === true;
  const options = readOptions(process.argv.slice(2), isTerminal);
  if (options.help) {
    stdout.write(help);
    return exitCodes.well;
  }
  const color = isTerminal && !process.env.NO_COLOR;
  const screen = createScreen({ output: stdout, clock: systemClock, readingMs: options.fast ? 0 : readingMs, color });
  const run: Run = { options, screen, over: new AbortController(), undoing: createUndoing(), faults: [] };
  listenForInterruption(run);
  const { realNode, keep } = options;
  const story = realNode ? playOnRealNode({ ...run, keep, env: process.env, output: stdout }) : play(run);
  await story.catch((error: unknown) => {
    const { signal } = run.over;
    if (!(signal.reason instanceof Interruption)) run.faults.push(describe(signal.aborted ? signal.reason : error));
  });
  return conclude(run);
}

main().then(
  (code) => process.exit(code), // a search or a build that was interrupted would go on
  (error: unknown) => {
    const expected = error instanceof UsageError;
    process.stderr.write(`${expected ? error.message : describe(error)}\n`);
    process.exit(expected ? exitCodes.usage : exitCodes.fault);
  },
);
