// Asks the gateways of model pods how they are: those that are not ready every few seconds, the others about once a minute.
//
// Level-triggered like everything here: each second it looks over the pods that there are, and asks those whose time has come.
// A deployment is looked at again only when an answer would change its status.
import { createTurns } from '../kube/turns.ts';
import type { Key } from '../kube/types.ts';
import { type Clock, delay, type Random } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import { createGatewayBook, type Due, type Entry } from './gatewayBook.ts';
import { GatewayError, type GatewayReader } from './gatewayReader.ts';
import { fallenSilent, type Heard, heardAgain, readingOf, soundsTheSame, unasked } from './gatewayReading.ts';
import { gatewayStartedAt, type PodFacts } from './podFacts.ts';

const LOOK_EVERY_MS = 1_000;
/** Failures in a row: one question may be lost to a busy moment of either side. */
const SILENT_AFTER = 3;
const AT_ONCE = 32;

export interface GatewayPollsOptions {
  reader: Pick<GatewayReader, 'read'>;
  /** All model pods, as they are now. */
  pods(): Iterable<PodFacts>;
  deploymentOf(pod: PodFacts): Key;
  /** Pods of others are not asked. */
  isKnown(deployment: Key): boolean;
  /** What the status of this deployment says may be another now. */
  onChange(deployment: Key): void;
  clock: Clock;
  random: Random;
  log: Logger;
}

export interface Gateways {
  /** Asks until the signal aborts; resolves once no question is open. Forgets what it knew before. */
  run(signal: AbortSignal): Promise<void>;
  /** What is known of each pod whose gateway runs, by uid. The others have nothing to say. */
  heardOf(pods: readonly PodFacts[]): ReadonlyMap<string, Heard>;
  /** Pods by what was heard of them, for metrics. */
  counts(): Readonly<Record<Heard['kind'], number>>;
}

/** For an operator that asks nobody. */
export const noGateways: Gateways = {
  run: async () => undefined,
  heardOf: () => new Map(),
  counts: () => ({ unasked: 0, silent: 0, read: 0 }),
};

type Ask = (due: Due, signal: AbortSignal) => Promise<void>;
type Common = Pick<GatewayPollsOptions, 'reader' | 'deploymentOf' | 'clock' | 'log'>;

/** One question, and what its answer means for the entry. */
function createQuestion({ reader, deploymentOf, clock, log }: Common): Ask {
  function failed({ entry, pod }: Due, { reason: problem, message: note }: GatewayError): void {
    entry.failuresInARow += 1;
    if (entry.failuresInARow !== SILENT_AFTER) return;
    entry.heard = fallenSilent(entry.heard);
    const { namespace, name } = pod.metadata;
    // A pod that is ready is being asked by the kubelet as well: that only we do not hear it is worth a word.
    log[pod.pod.ready ? 'warn' : 'debug']({ pod: `${namespace}/${name}`, problem, note }, 'gateway cannot be read');
  }

  async function readingFrom(pod: PodFacts, signal: AbortSignal) {
    const deployment = deploymentOf(pod);
    const document = await reader.read(pod, signal);
    const reading = readingOf(document, pod, deployment.slice(deployment.indexOf('/') + 1));
    if (typeof reading === 'string')
      throw new GatewayError(reading, 'what answers there is not the gateway of this pod');
    return reading;
  }

  return async (due, signal) => {
    const { entry, pod } = due;
    try {
      const reading = await readingFrom(pod, signal);
      entry.failuresInARow = 0;
      entry.heard = heardAgain(entry.heard, reading, clock.now());
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof GatewayError) failed(due, error);
      else {
        log.error({ err: error, pod: pod.metadata.name }, 'asking a gateway failed in a way that nobody expected');
        failed(due, new GatewayError('Unreachable', 'a fault of the operator', { cause: error }));
      }
    }
  };
}

export function createGatewayPolls(options: GatewayPollsOptions): Gateways {
  const { pods, deploymentOf, isKnown, onChange, clock, log } = options;
  const book = createGatewayBook(options);
  const question = createQuestion(options);
  const inTurn = createTurns(AT_ONCE);

  function* knownPods(): Generator<PodFacts> {
    for (const pod of pods()) if (isKnown(deploymentOf(pod))) yield pod;
  }

  async function ask(due: Due, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { entry, pod } = due;
    const { heard, occasion }: Entry = entry;
    await question(due, signal);
    book.settle(entry, occasion);
    if (!signal.aborted && !soundsTheSame(heard, entry.heard)) onChange(deploymentOf(pod));
  }

  return {
    async run(signal) {
      book.clear();
      const open = new Set<Promise<void>>();
      while (!signal.aborted) {
        try {
          for (const due of book.lookOver(knownPods())) {
            due.entry.busy = true;
            const asked = inTurn(() => ask(due, signal)).finally(() => open.delete(asked));
            open.add(asked);
          }
        } catch (err) {
          log.error({ err }, 'gateways could not be looked over');
        }
        await delay(clock, LOOK_EVERY_MS, signal);
      }
      await Promise.all(open);
    },
    heardOf(given) {
      const heard = new Map<string, Heard>();
      for (const pod of given) {
        const { uid } = pod.metadata;
        if (uid && gatewayStartedAt(pod) !== undefined) heard.set(uid, book.get(uid)?.heard ?? unasked);
      }
      return heard;
    },
    counts() {
      const counts = { unasked: 0, silent: 0, read: 0 };
      for (const { heard } of book.entries()) counts[heard.kind] += 1;
      return counts;
    },
  };
}
