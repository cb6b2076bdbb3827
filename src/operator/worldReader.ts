// Reads what the cluster offers, when a hardware decision is open: in pages, shared between decisions that are open together,
// and not at all at rest.
import type { Client } from '../kube/client.ts';
import { ApiError } from '../kube/errors.ts';
import { resources } from '../kube/resources.ts';
import { type DeviceClass, deviceClassFactsOf, type Node, nodeFactsOf } from '../placement/nodeFacts.ts';
import type { DeviceClassFacts, NodeFacts, World } from '../placement/world.ts';
import type { Clock } from '../process/clock.ts';

/** Decisions that open within this time look at the same picture (milliseconds). */
const SHARED_FOR_MS = 5_000;
/** Nodes per page: one with many images and devices is 20 kB, and only a line of it is kept. */
const PAGE_SIZE = 100;

export interface WorldReader {
  read(signal: AbortSignal): Promise<World>;
}

/** Nodes without any extended resource offer nothing that a rung could ask for, and are not kept. */
const offersDevices = ({ allocatable }: NodeFacts): boolean =>
  Object.keys(allocatable).some((name) => name.includes('/'));

async function readNodes(client: Client, signal: AbortSignal): Promise<World['nodes']> {
  const facts: NodeFacts[] = [];
  try {
    for await (const page of client.pages<Node>(resources.node, { limit: PAGE_SIZE, signal }))
      facts.push(...page.items.map(nodeFactsOf).filter(offersDevices));
    return facts;
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'forbidden') return 'forbidden';
    throw error;
  }
}

async function readDeviceClasses(client: Client, signal: AbortSignal): Promise<World['deviceClasses']> {
  try {
    const { items } = await client.list<DeviceClass>(resources.deviceClass, { limit: PAGE_SIZE, signal });
    return items.map((item): DeviceClassFacts => deviceClassFactsOf(item));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.reason === 'forbidden') return 'forbidden';
    if (error.reason === 'notFound') return 'absent';
    throw error;
  }
}

export function createWorldReader({ client, clock }: { client: Client; clock: Clock }): WorldReader {
  let shared: { world: Promise<World>; until: number } | undefined;
  return {
    read(signal) {
      const now = clock.monotonic();
      if (shared && now < shared.until) return abortable(shared.world, signal);
      // The reading outlives the reconcile that began it: others wait for it too.
      const world = Promise.all([readNodes(client, neverAborted), readDeviceClasses(client, neverAborted)]).then(
        ([nodes, deviceClasses]) => ({ nodes, deviceClasses }),
      );
      const entry = { world, until: now + SHARED_FOR_MS };
      shared = entry;
      world.catch(() => {
        if (shared === entry) shared = undefined;
      });
      clock.after(SHARED_FOR_MS, () => {
        if (shared === entry) shared = undefined;
      });
      return abortable(world, signal);
    },
  };
}

const neverAborted = new AbortController().signal;

/** The promise, or the signal's reason, whichever comes first. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
