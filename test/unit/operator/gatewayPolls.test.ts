import { describe, expect, test } from 'vitest';
import { labels } from '../../../src/api/types.ts';
import { createGatewayPolls, type Gateways } from '../../../src/operator/gatewayPolls.ts';
import { GatewayError } from '../../../src/operator/gatewayReader.ts';
import type { PodFacts } from '../../../src/operator/podFacts.ts';
import { silentLogger } from '../../../src/process/logger.ts';
import { createVirtualClock, type VirtualClock } from '../virtualClock.ts';
import { GIB, gatewayDocument, pullingDocument } from './gatewayDocument.ts';
import { at, type PodChoices, pod } from './observation.ts';

const ready = (more: Partial<PodChoices> = {}): PodFacts =>
  pod({ revision: 'r', ...more, pod: { ip: '10.0.0.1', ...more.pod } });
const unready = (more: Partial<PodChoices> = {}): PodFacts => ready({ ...more, pod: { ready: false } });

type Answer = unknown | ((signal: AbortSignal) => Promise<unknown>);

interface Scene {
  clock: VirtualClock;
  gateways: Gateways;
  /** As the cache would have them. */
  pods: Map<string, PodFacts>;
  known: Set<string>;
  /** Pods that were asked, with the virtual second. */
  asked: { pod: string; second: number }[];
  changes: string[];
  answer: Answer;
  /** Questions that were open at the same time, at most. */
  readonly mostAtOnce: number;
  put(...pods: PodFacts[]): void;
  heard(name?: string): string | undefined;
  start(): { stop(): Promise<void> };
}

/** Polls without jitter: `random` is the middle of its range. */
function scene(answer: Answer = gatewayDocument('r'), random = 0.5): Scene {
  const clock = createVirtualClock();
  const pods = new Map<string, PodFacts>();
  const asked: Scene['asked'] = [];
  const changes: string[] = [];
  let open = 0;
  let mostAtOnce = 0;
  const made: Scene = {
    clock,
    pods,
    known: new Set(['ai/model']),
    asked,
    changes,
    answer,
    get mostAtOnce() {
      return mostAtOnce;
    },
    put: (...given) => {
      for (const one of given) pods.set(one.metadata.name, one);
    },
    heard: (name = 'model-1') => {
      const one = pods.get(name);
      return one && gateways.heardOf([one]).get(one.metadata.uid ?? '')?.kind;
    },
    start() {
      const stopping = new AbortController();
      const ended = gateways.run(stopping.signal);
      return {
        async stop() {
          stopping.abort();
          await ended;
        },
      };
    },
    get gateways() {
      return gateways;
    },
  };
  const gateways = createGatewayPolls({
    reader: {
      async read({ metadata }, signal) {
        asked.push({ pod: metadata.name, second: Math.round(clock.monotonic() / 1000) });
        open += 1;
        mostAtOnce = Math.max(mostAtOnce, open);
        try {
          const { answer: now } = made;
          if (now instanceof Error) throw now;
          return typeof now === 'function' ? await now(signal) : now;
        } finally {
          open -= 1;
        }
      },
    },
    pods: () => pods.values(),
    deploymentOf: ({ metadata }) => `${metadata.namespace}/${metadata.labels?.[labels.deployment]}`,
    isKnown: (key) => made.known.has(key),
    onChange: (key) => changes.push(key),
    clock,
    random: () => random,
    log: silentLogger,
  });
  return made;
}

const unreachable = new GatewayError('Unreachable', 'refused');
const seconds = ({ asked }: Scene) => asked.map(({ second }) => second);

describe('who is asked', () => {
  test('pods that are not ready every few seconds, the others once a minute', async () => {
    const slow = scene();
    slow.put(ready());
    const quick = scene();
    quick.put(unready());
    for (const one of [slow, quick]) {
      const polls = one.start();
      await one.clock.advance(120_000);
      await polls.stop();
    }
    expect(seconds(slow)).toEqual([15, 75]);
    expect(seconds(quick)).toHaveLength(24);
  });

  test('no pod whose gateway does not run, that has no address, or that is going', async () => {
    const given = scene();
    given.put(
      unready({ name: 'a', gateway: { waiting: { reason: 'ImagePullBackOff', message: '' } } }),
      unready({ name: 'b', gateway: { terminated: { exitCode: 1, reason: 'Error', message: '' } } }),
      pod({ name: 'c', revision: 'r', pod: { ready: false } }),
      unready({ name: 'd', metadata: { deletionTimestamp: at(1) } }),
      ready({ name: 'e', pod: { phase: 'Failed' } }),
    );
    const polls = given.start();
    await given.clock.advance(300_000);
    await polls.stop();
    expect(given.asked).toEqual([]);
    expect(given.gateways.heardOf([...given.pods.values()]).size).toBe(0);
  });

  test('no pod of a deployment that we do not know', async () => {
    const given = scene();
    given.put(unready({ metadata: { labels: { [labels.deployment]: 'other' } } }));
    const polls = given.start();
    await given.clock.advance(60_000);
    expect(given.asked).toEqual([]);
    given.known.add('ai/other');
    await given.clock.advance(2_000);
    expect(given.asked).toHaveLength(1);
    await polls.stop();
  });

  test('at once, a pod that turns ready or whose gateway was started again', async () => {
    const given = scene();
    given.put(ready());
    const polls = given.start();
    await given.clock.advance(20_000);
    given.put(unready());
    await given.clock.advance(1_500);
    expect(seconds(given)).toEqual([15, 21]);
    given.put(ready());
    await given.clock.advance(1_000);
    given.put(ready({ gateway: { startedAt: at(99) } }));
    await given.clock.advance(1_500);
    expect(seconds(given)).toEqual([15, 21, 22, 23]);
    await polls.stop();
  });

  test('again, a pod that turned while it was being asked: the answer may be of before', async () => {
    let release = (_document: unknown) => undefined as unknown;
    const given = scene(() => new Promise((resolve) => (release = resolve)));
    given.put(ready());
    const polls = given.start();
    await given.clock.advanceUntil(() => given.asked.length === 1);
    given.put(unready());
    await given.clock.advance(3_000);
    expect(given.asked).toHaveLength(1);
    given.answer = gatewayDocument('r');
    release(gatewayDocument('r'));
    await given.clock.advance(1_500);
    expect(given.asked).toHaveLength(2);
    await polls.stop();
  });

  test('not all at the same moment, and not too many at once', async () => {
    const jittering = scene(undefined, 0.9);
    jittering.put(ready());
    const polls = jittering.start();
    await jittering.clock.advance(100_000);
    await polls.stop();
    expect(seconds(jittering)).toEqual([27, 97]);

    const many = scene(() => new Promise((resolve) => many.clock.after(900, () => resolve(gatewayDocument('r')))));
    many.put(...Array.from({ length: 100 }, (_, i) => unready({ name: `model-${i}` })));
    const crowd = many.start();
    await many.clock.advance(5_000);
    await crowd.stop();
    expect(many.mostAtOnce).toBe(32);
    expect(new Set(many.asked.map(({ pod: name }) => name)).size).toBe(100);
  });
});

describe('what is made of it', () => {
  test('the first answer is news, the same again is none', async () => {
    const given = scene();
    given.put(unready());
    const polls = given.start();
    expect(given.heard()).toBe('unasked');
    await given.clock.advance(60_000);
    expect(given.heard()).toBe('read');
    expect(given.asked.length).toBeGreaterThan(10);
    expect(given.changes).toEqual(['ai/model']);
    await polls.stop();
  });

  test('a pull is news at each of its twenty steps, however often it is asked', async () => {
    const given = scene();
    given.put(unready());
    let bytes = 0;
    given.answer = async () => pullingDocument('r', (bytes += GIB / 50));
    const polls = given.start();
    await given.clock.advanceUntil(() => bytes >= 10 * GIB);
    await polls.stop();
    expect(given.asked.length).toBeGreaterThanOrEqual(500);
    expect(given.changes.length).toBeGreaterThanOrEqual(20);
    expect(given.changes.length).toBeLessThanOrEqual(22);
  });

  test.each([
    ['refuses', unreachable],
    ['breaks', new TypeError('a bug')],
    ['answers something else', { status: 'ok' }],
    ['is another', gatewayDocument('of another revision')],
  ])('one that %s is silent after the third time, and asked less and less', async (_title, answer) => {
    const given = scene();
    given.put(unready());
    const polls = given.start();
    await given.clock.advanceUntil(() => given.changes.length === 1);
    given.answer = answer;
    const from = given.asked.length;
    await given.clock.advanceUntil(() => given.asked.length === from + 2);
    await given.clock.settle();
    expect(given.heard()).toBe('read');
    await given.clock.advanceUntil(() => given.asked.length === from + 3);
    await given.clock.settle();
    expect(given.heard()).toBe('silent');
    expect(given.changes).toHaveLength(2);
    await given.clock.advance(600_000);
    expect(given.asked.length - from).toBeLessThan(12);
    expect(given.changes).toHaveLength(2);
    given.answer = gatewayDocument('r');
    await given.clock.advance(150_000);
    expect(given.heard()).toBe('read');
    expect(given.changes).toHaveLength(3);
    await polls.stop();
  });

  test('one that answers every other time is never silent', async () => {
    const given = scene();
    given.put(unready());
    let turn = 0;
    given.answer = async () => {
      turn += 1;
      if (turn % 2 === 0) throw unreachable;
      return gatewayDocument('r');
    };
    const polls = given.start();
    await given.clock.advance(300_000);
    expect(turn).toBeGreaterThan(40);
    expect(given.changes).toEqual(['ai/model']);
    await polls.stop();
  });

  test('a look that breaks is followed by the next one', async () => {
    const given = scene();
    given.put(unready());
    const { values } = given.pods;
    let breaks = 3;
    given.pods.values = () => {
      if (breaks-- > 0) throw new TypeError('a bug');
      return values.call(given.pods);
    };
    const polls = given.start();
    await given.clock.advance(10_000);
    await polls.stop();
    expect(given.heard()).toBe('read');
  });

  test('a pod that is gone is forgotten', async () => {
    const given = scene();
    given.put(ready());
    const polls = given.start();
    await given.clock.advance(30_000);
    expect(given.gateways.counts()).toEqual({ unasked: 0, silent: 0, read: 1 });
    given.pods.clear();
    await given.clock.advance(1_500);
    expect(given.gateways.counts()).toEqual({ unasked: 0, silent: 0, read: 0 });
    await polls.stop();
  });
});

describe('a term that ends', () => {
  test('leaves no timer, and cuts the question that is open', async () => {
    const given = scene(
      (signal: AbortSignal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    given.put(unready(), ready({ name: 'model-2' }));
    const polls = given.start();
    await given.clock.advance(5_000);
    expect(given.asked).toHaveLength(1);
    await polls.stop();
    expect(given.clock.pending).toBe(0);
    await given.clock.advance(300_000);
    expect(given.asked).toHaveLength(1);
    expect(given.changes).toEqual([]);
  });

  test('is followed by one that knows nothing yet', async () => {
    const given = scene();
    given.put(unready());
    await (async () => {
      const polls = given.start();
      await given.clock.advance(10_000);
      await polls.stop();
    })();
    expect(given.heard()).toBe('read');
    const next = given.start();
    expect(given.heard()).toBe('unasked');
    await given.clock.advance(10_000);
    expect(given.heard()).toBe('read');
    await next.stop();
  });
});
