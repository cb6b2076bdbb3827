// The warnings that stand nowhere but in a pod's Events: a volume, a device or a network that the node cannot give it. Events are
// not watched, because a busy cluster has more of them than of anything else; those of a stuck pod are listed, and not again soon.
import type { PodProblem } from '../api/conditions.ts';
import type { Client } from '../kube/client.ts';
import type { KubeObject, Resource } from '../kube/types.ts';
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import type { PodFacts } from './podFacts.ts';
import { EVENTS_AGAIN_AFTER_MS, isStuckBeforeStart, type PodWarning } from './podProblems.ts';

/** core/v1, not events.k8s.io/v1: only here can the server select by the object that an event is about. */
const coreEvents: Resource = { group: '', version: 'v1', kind: 'Event', plural: 'events', namespaced: true };

interface CoreEvent extends KubeObject {
  reason?: string;
  message?: string;
  lastTimestamp?: string;
  eventTime?: string;
}

/** Reasons of Events that explain why nothing of a pod has started, and what that is to a deployment. */
const telling: Readonly<Record<string, PodProblem>> = {
  FailedMount: 'FailedMount',
  FailedAttachVolume: 'FailedMount',
  FailedMapVolume: 'FailedMount',
  FailedBinding: 'FailedMount',
  // The node's runtime lacks the handler of the RuntimeClass, or its network plugin gives no address.
  FailedCreatePodSandBox: 'CreateContainerError',
  NetworkNotReady: 'CreateContainerError',
  FailedPrepareDynamicResources: 'CreateContainerError',
};
const isTelling = (reason: string): boolean => Object.hasOwn(telling, reason);

const REMEMBERED = 1000;
const MAX_EVENTS = 50;

export interface PodWarnings {
  /** Warnings of the stuck pods among these, by pod uid. Never throws: without permission there are none. */
  of(pods: readonly PodFacts[], signal: AbortSignal): Promise<ReadonlyMap<string, PodWarning>>;
}

export function createPodWarnings({ client, clock, log }: { client: Client; clock: Clock; log: Logger }): PodWarnings {
  const known = new Map<string, { warning: PodWarning | undefined; readAt: number }>();

  async function read({ metadata }: PodFacts, signal: AbortSignal): Promise<PodWarning | undefined> {
    const { items } = await client.list<CoreEvent>(coreEvents, {
      ...(metadata.namespace && { namespace: metadata.namespace }),
      fieldSelector: `involvedObject.uid=${metadata.uid},type=Warning`,
      limit: MAX_EVENTS,
      signal,
    });
    const time = (event: CoreEvent) => event.lastTimestamp ?? event.eventTime ?? '';
    const latest = items
      .filter(({ reason = '' }) => isTelling(reason))
      .sort((a, b) => time(b).localeCompare(time(a)))[0];
    const problem = telling[latest?.reason ?? ''];
    return problem && { reason: problem, message: `${latest?.reason}: ${latest?.message}` };
  }

  function remember(uid: string, warning: PodWarning | undefined, readAt: number): void {
    known.delete(uid);
    known.set(uid, { warning, readAt });
    const oldest = known.keys().next();
    if (known.size > REMEMBERED && !oldest.done) known.delete(oldest.value);
  }

  return {
    async of(pods, signal) {
      const now = clock.now();
      const warnings = new Map<string, PodWarning>();
      for (const pod of pods.filter((p) => isStuckBeforeStart(p, now))) {
        const uid = pod.metadata.uid ?? '';
        const before = known.get(uid);
        if (!before || now - before.readAt >= EVENTS_AGAIN_AFTER_MS) {
          try {
            remember(uid, await read(pod, signal), now);
          } catch (error) {
            log.warn({ pod: pod.metadata.name, err: error }, 'events of a stuck pod could not be read');
            remember(uid, before?.warning, now);
          }
        }
        const warning = known.get(uid)?.warning;
        if (warning) warnings.set(uid, warning);
      }
      return warnings;
    },
  };
}
