// One pass of the bench: the same deployments on a fresh control plane, carried out by the operator or by the floor.
import { localModelDeployments, type StoredDeployment } from '../../src/api/types.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import { type AuditEvent, countRequests, type RequestCounts, readAudit } from './audit.ts';
import { ownerOf, renamed } from './copies.ts';
import { answerEdits, timeEdits } from './edits.ts';
import { createFloor } from './floor.ts';
import {
  type OperatorProcess,
  type OperatorProcessOptions,
  operatorUserAgent,
  startOperator,
} from './operatorProcess.ts';
import type { BenchOptions } from './options.ts';
import { onStage, type Rehearsal, rehearse, type Stage as StageOf, type StageOptions } from './rehearsal.ts';
import { sample } from './sample.ts';
import type { Usage } from './usage.ts';
import { forEachAtOnce } from './workers.ts';

export interface Times {
  /** Milliseconds from the first write until every deployment was accepted by the API server. */
  writtenMs: number;
  /** … until every child of every deployment existed. */
  childrenMs: number;
  /** … until every deployment was Ready. */
  readyMs: number;
  /** CPU seconds of kube-apiserver and etcd from the first write until then. */
  serverCpuSeconds: number;
}

export interface FloorPass {
  times: Times;
  editsMs: readonly number[];
}

export interface OperatorPass {
  times: Times;
  childrenPerDeployment: number;
  editsMs: readonly number[];
  requests: Record<'create' | 'idle' | 'edits' | 'restart', RequestCounts>;
  /** Seconds that the idle stretch lasted. */
  idleSeconds: number;
  startMs: number;
  restartMs: number;
  stopMs: number;
  /** CPU seconds of the operator for all that was created. */
  createCpuSeconds: number | undefined;
  idleCpuSeconds: number | undefined;
  /** At rest after everything was made, and at rest after the restart. */
  usage: { rest: Usage | undefined; restarted: Usage | undefined };
}

/** How a pass is run. */
export interface PassOptions extends StageOptions, Pick<BenchOptions, 'count' | 'edits' | 'idleSeconds' | 'inFlight'> {
  operator: OperatorProcessOptions;
}

type Stage = StageOf<PassOptions>;

/** Long enough for put-off status writes and events to be over. */
const SETTLE_MS = 4_000;

const deadlineOf = ({ count }: PassOptions): number => 120_000 + count * 2_000;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const nameOf = (index: number): string => `model-${String(index).padStart(4, '0')}`;

/** Writes all deployments and takes the times. The rehearsal's one counts with those that are waited for. */
async function makeAll(
  { lab, spectator, options }: Stage,
  { children }: Rehearsal,
  onMade: (deployment: StoredDeployment) => void,
): Promise<Times> {
  const { count, inFlight, kind } = options;
  const deadlineMs = deadlineOf(options);
  const all = count + 1;
  const cpuBefore = await lab.serverCpuSeconds();
  const startedAt = performance.now();
  const allChildren = spectator.until('all children exist', () => spectator.childCount() >= all * children, deadlineMs);
  const allReady = spectator.until('all are ready', () => spectator.readyCount() >= all, deadlineMs);
  for (const end of [allChildren, allReady]) end.catch(() => undefined); // the first that fails is told
  await forEachAtOnce(count, inFlight, async (index) => {
    onMade(
      await lab.client.create(localModelDeployments, sample(lab.namespace, nameOf(index), kind) as StoredDeployment),
    );
  });
  const writtenMs = performance.now() - startedAt;
  const childrenMs = (await allChildren) - startedAt;
  const readyMs = (await allReady) - startedAt;
  return { writtenMs, childrenMs, readyMs, serverCpuSeconds: (await lab.serverCpuSeconds()) - cpuBefore };
}

function serviceOf({ pattern, model }: Rehearsal, deployment: StoredDeployment): KubeObject {
  const service = pattern.early.find(({ kind, metadata }) => kind === 'Service' && metadata.name === model.name);
  if (!service) throw new Error('the rehearsal has no Service');
  return renamed(service, model, ownerOf(deployment));
}

const editedOnes = ({ lab, options }: Stage) =>
  Array.from({ length: options.edits }, (_, index) => ({
    namespace: lab.namespace,
    name: nameOf(index % options.count),
  }));

export function floorPass(options: PassOptions): Promise<FloorPass> {
  return onStage(options, async (stage) => {
    const { lab, spectator } = stage;
    const operator = await startOperator(lab, { program: options.operator.program, workers: options.operator.workers });
    const rehearsal = await rehearse(stage).finally(() => operator.stop());
    const floor = createFloor({ lab, spectator, ...rehearsal, workers: options.operator.workers });
    const failed = floor.done(options.count);
    const times = await Promise.race([
      makeAll(stage, rehearsal, floor.take),
      failed.then(() => new Promise<never>(() => {})),
    ]);
    await failed;
    await pause(SETTLE_MS);
    const stop = answerEdits(lab.client, spectator, (deployment) => serviceOf(rehearsal, deployment));
    const editsMs = await timeEdits(lab.client, spectator, editedOnes(stage));
    await stop();
    return { times, editsMs };
  });
}

export function operatorPass(options: PassOptions): Promise<OperatorPass> {
  return onStage(options, async (stage) => {
    const { lab, spectator } = stage;
    const operator = await startOperator(lab, options.operator);
    let running = operator;
    try {
      const rehearsal = await rehearse(stage);
      await pause(SETTLE_MS);
      const cpu = await cpuOf(operator);
      const created = await stretched(() => makeAll(stage, rehearsal, () => undefined));
      const cpuCreated = await cpuOf(operator);
      const idle = await stretched(() => pause(options.idleSeconds * 1000), 0);
      const rest = await operator.usage();
      const edits = await stretched(() => timeEdits(lab.client, spectator, editedOnes(stage)));
      const restart = await stretched(async () => {
        const stopMs = await operator.stop();
        running = await startOperator(lab, options.operator);
        await running.quiet(options.count + 1, deadlineOf(options));
        return stopMs;
      });
      const restarted = await running.usage();
      const events = await readAudit(lab.auditLog, operatorUserAgent);
      return {
        times: created.result,
        childrenPerDeployment: rehearsal.children,
        editsMs: edits.result,
        requests: requestsIn(events, { create: created, idle, edits, restart }),
        idleSeconds: options.idleSeconds,
        startMs: operator.startMs,
        restartMs: running.startMs,
        stopMs: restart.result,
        createCpuSeconds: difference(cpu, cpuCreated),
        idleCpuSeconds: difference(cpuCreated, rest?.cpuSeconds),
        usage: { rest, restarted },
      };
    } finally {
      await running.stop();
    }
  });
}

const cpuOf = async (operator: OperatorProcess): Promise<number | undefined> => (await operator.usage())?.cpuSeconds;
const difference = (from: number | undefined, to: number | undefined): number | undefined =>
  from === undefined || to === undefined ? undefined : to - from;

interface Stretched<T> {
  result: T;
  from: number;
  until: number;
}

/** Does something and lets what follows from it come to rest; says in which stretch of time that was. */
async function stretched<T>(act: () => Promise<T>, settleMs = SETTLE_MS): Promise<Stretched<T>> {
  const from = Date.now();
  const result = await act();
  await pause(settleMs);
  return { result, from, until: Date.now() };
}

function requestsIn<Name extends string>(
  events: readonly AuditEvent[],
  stretches: Record<Name, Stretched<unknown>>,
): Record<Name, RequestCounts> {
  const counted = Object.entries<Stretched<unknown>>(stretches).map(([name, s]) => [name, countRequests(events, s)]);
  return Object.fromEntries(counted) as Record<Name, RequestCounts>;
}
