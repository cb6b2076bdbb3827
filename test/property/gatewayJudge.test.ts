// A runtime that comes to every kind of harm, in any order: the pod is never ready for long without serving the declared model,
// and always ready again once all is well.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAdmission } from '../../src/gateway/admission.ts';
import { createCanary } from '../../src/gateway/canary.ts';
import { createPreload } from '../../src/gateway/preload.ts';
import { createTruth } from '../../src/gateway/truth.ts';
import { watchRuntime } from '../../src/gateway/watchRuntime.ts';
import { silentLogger } from '../../src/process/logger.ts';
import { cpuRules, model, otherDigest, target } from '../unit/gateway/pod.ts';
import { createScriptedRuntime, type ScriptedRuntime } from '../unit/gateway/scriptedRuntime.ts';
import { createVirtualClock } from '../unit/virtualClock.ts';

const other = { ...model, name: 'other:latest', digest: otherDigest };

const faults = {
  crash: (runtime) => runtime.crash(),
  start: (runtime) => {
    runtime.up = true;
  },
  hang: (runtime) => {
    runtime.hangs = true;
  },
  goOn: (runtime) => {
    runtime.hangs = false;
    runtime.listHangs = false;
  },
  hideList: (runtime) => {
    runtime.listHangs = true;
  },
  unload: (runtime) => {
    runtime.loaded = [];
  },
  intrude: (runtime) => {
    runtime.loaded = [other];
  },
  spoil: (runtime) => {
    runtime.brings = [other];
  },
  breakLoads: (runtime) => {
    runtime.loadFails = 'no';
  },
  mendLoads: (runtime) => {
    runtime.loadFails = undefined;
    runtime.brings = [model];
  },
  fallSilent: (runtime) => {
    runtime.answer = '';
  },
  speak: (runtime) => {
    runtime.answer = 'Hello';
  },
} as const satisfies Record<string, (runtime: ScriptedRuntime) => void>;

type Fault = keyof typeof faults;

const story = fc.array(
  fc.record({
    fault: fc.constantFrom(...(Object.keys(faults) as Fault[])),
    thenMs: fc.integer({ min: 1, max: 30_000 }),
  }),
  { maxLength: 12 },
);

/** Three probes, of which each may wait for the list. */
const TOLD_WITHIN_MS = 10_000;
/** An interval, two canaries, and what they wait for each other; the first may just have passed. */
const SENSELESS_WITHIN_MS = 40_000;
/** The longest wait between two loads, and some looks. */
const WELL_WITHIN_MS = 120_000;
const STEP_MS = 500;

function createPod(runtime: ScriptedRuntime) {
  const clock = createVirtualClock();
  const log = silentLogger;
  const canaryIntervalMs = 10_000;
  const truth = createTruth({ rules: { ...cpuRules, canaryIntervalMs }, clock, log });
  const over = new AbortController();
  const watch = watchRuntime({ client: runtime, truth, clock, log, signal: over.signal });
  const preload = createPreload({ client: runtime, truth, clock, log, loadTimeoutMs: 30_000 });
  const admission = createAdmission({
    maxInFlight: 1,
    maxQueue: 1,
    queueTimeoutMs: 1000,
    clock,
    refusal: () => undefined,
  });
  const config = { intervalSeconds: canaryIntervalMs / 1000 };
  const canary = createCanary({ config, client: runtime, truth, admission, clock, log, kind: preload.kind });
  truth.observe({ kind: 'Pull', done: true });
  truth.observe({ kind: 'Target', target });
  return {
    clock,
    isReady: () => truth.state.phase === 'Serving',
    state: () => truth.state,
    async stop() {
      over.abort();
      truth.stop();
      preload.stop();
      canary.stop();
      await watch.ended;
    },
  };
}

const hasModel = ({ up, hangs, listHangs, loaded }: ScriptedRuntime): boolean =>
  up && !hangs && !listHangs && loaded.some(({ digest }) => digest === model.digest);

test('ready means served, whatever happens to the runtime', async () => {
  await fc.assert(
    fc.asyncProperty(story, async (events) => {
      const runtime = createScriptedRuntime();
      runtime.brings = [model];
      const pod = createPod(runtime);
      let [goneSince, senselessSince]: (number | undefined)[] = [];

      async function pass(ms: number): Promise<void> {
        for (let left = ms; left > 0; left -= STEP_MS) {
          await pod.clock.advance(Math.min(STEP_MS, left));
          const now = pod.clock.monotonic();
          goneSince = hasModel(runtime) ? undefined : (goneSince ?? now);
          senselessSince = pod.isReady() && runtime.answer === '' ? (senselessSince ?? now) : undefined;
          if (!pod.isReady()) continue;
          expect(now - (goneSince ?? now), 'ready without the model').toBeLessThanOrEqual(TOLD_WITHIN_MS);
          expect(now - (senselessSince ?? now), 'ready without sense').toBeLessThanOrEqual(SENSELESS_WITHIN_MS);
        }
      }

      await pass(2000);
      expect(pod.isReady()).toBe(true);
      for (const { fault, thenMs } of events) {
        faults[fault](runtime);
        await pass(thenMs);
      }
      for (const cure of ['start', 'goOn', 'mendLoads', 'speak'] as const) faults[cure](runtime);
      await pass(WELL_WITHIN_MS);
      expect(pod.state()).toMatchObject({ phase: 'Serving', reason: 'Serving' });
      await pod.stop();
    }),
    { numRuns: 100, seed: 20_260_923 },
  );
});
