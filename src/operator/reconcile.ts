// The spine: observe, plan, apply, report.

import { KIND, localModelDeployments, type StoredDeployment } from '../api/types.ts';
import type { Reconcile } from '../kube/controller.ts';
import type { EventRecorder, ObjectReference } from '../kube/recorder.ts';
import { apiVersionOf, type Key, keyOf } from '../kube/types.ts';
import { TransientError } from '../kube/verdict.ts';
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import type { Applier } from './apply.ts';
import { intentOf, needsWorld, type PlanConfig } from './intent.ts';
import type { Observe } from './observe.ts';
import type { Applied, Observed } from './observed.ts';
import { type Plan, plan } from './plan.ts';
import type { Reporter } from './reporter.ts';
import { isUpgrading } from './status.ts';
import type { Upgrades } from './upgrades.ts';
import type { WorldReader } from './worldReader.ts';

export interface Spine {
  observe: Observe;
  world: WorldReader;
  applier: Applier;
  reporter: Reporter;
  recorder: EventRecorder;
  upgrades: Upgrades;
  config: PlanConfig;
  clock: Clock;
  log: Logger;
}

/** What time can mend is thrown, so that the queue tries again with backoff. */
export class ChildNotWritten extends TransientError {
  override readonly name = 'ChildNotWritten';
}

const referenceTo = ({ metadata }: StoredDeployment): ObjectReference => ({
  apiVersion: apiVersionOf(localModelDeployments),
  kind: KIND,
  name: metadata.name,
  namespace: metadata.namespace,
  uid: metadata.uid,
});

export function createReconcile(spine: Spine): Reconcile {
  const { observe, applier, reporter, recorder, upgrades, clock, log } = spine;

  async function planFor(observed: Observed, signal: AbortSignal): Promise<Plan> {
    const now = clock.now();
    const intent = intentOf(observed, now);
    const seen = needsWorld(intent) ? { ...observed, world: await spine.world.read(signal) } : observed;
    const next = plan(seen, spine.config, now, intent);
    if (!next.upgrades || upgrades.begin(observed.key)) return next;
    return plan({ ...seen, mayUpgrade: false }, spine.config, now, intent);
  }

  async function carryOut(observed: Observed, next: Plan, signal: AbortSignal): Promise<Applied> {
    const possible = next.children.filter(({ kind }) => !observed.forbiddenKinds.has(kind));
    const missing = next.children.filter(({ kind }) => observed.forbiddenKinds.has(kind));
    const applied = await applier.apply(
      observed.deployment,
      observed.children,
      { children: possible, removals: next.removals },
      signal,
    );
    const failures = missing.map(({ kind, metadata }) => ({
      child: `${kind}/${metadata.name}`,
      reason: 'Forbidden' as const,
      message: `the operator may not list ${kind} objects; grant get, list, watch, create, patch, update and delete`,
    }));
    return { ...applied, failures: [...applied.failures, ...failures] };
  }

  function forget(key: Key): void {
    applier.forget(key);
    reporter.forget(key);
    upgrades.forget(key);
  }

  return async (key, signal) => {
    const observed = await observe(key, signal);
    // Gone, or going: owner references do the rest.
    if (!observed || observed.deployment.metadata.deletionTimestamp) {
      forget(key);
      return {};
    }
    const next = await planFor(observed, signal);
    const applied = await carryOut(observed, next, signal);
    const status = next.status(applied);
    const { written, waitMs } = await reporter.report(observed.deployment, status, signal);
    if (written)
      for (const event of next.events(status)) {
        log.info(
          { deployment: keyOf(observed.deployment.metadata), reason: event.reason, note: event.note },
          'condition changed',
        );
        recorder.record(referenceTo(observed.deployment), event);
      }
    upgrades.note(key, isUpgrading(status));
    const failed = applied.failures.find(({ reason }) => reason === 'Failed');
    if (failed) throw new ChildNotWritten(`${failed.child}: ${failed.message}`);
    const waits = [next.requeueAfterMs(applied), waitMs].filter((ms): ms is number => ms !== undefined);
    return waits.length > 0 ? { requeueAfterMs: Math.min(...waits) } : {};
  };
}
