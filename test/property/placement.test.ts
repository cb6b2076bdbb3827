// What holds of every decision, whatever the ladder, the cluster and the time.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Rung } from '../../src/api/hardware.ts';
import { accelerators } from '../../src/placement/accelerators.ts';
import type { Decision } from '../../src/placement/decision.ts';
import { decide, decisionIsOpen, type LadderInput } from '../../src/placement/ladder.ts';
import { backendOf, vendorOf } from '../../src/placement/requests.ts';
import type { NodeFacts, World } from '../../src/placement/world.ts';
import { foundryLocal } from '../../src/runtimes/foundryLocal.ts';
import { ollama } from '../../src/runtimes/ollama.ts';

// Chances are small that a runtime, a ladder and a cluster meet where a rule bites.
fc.configureGlobal({ numRuns: 1000 });

const resource = fc.constantFrom(
  ...accelerators.flatMap((row) => row.resources),
  'nvidia.com/mig-1g.5gb',
  'amd.com/cpx_nps4',
  'example.com/npu',
);
const label = fc.record({ zone: fc.constantFrom('a', 'b'), 'kubernetes.io/arch': fc.constantFrom('amd64', 'arm64') });
const taint = fc.record({
  key: fc.constantFrom('team', 'nvidia.com/gpu', 'node.kubernetes.io/not-ready'),
  effect: fc.constantFrom('NoSchedule', 'PreferNoSchedule', 'NoExecute'),
});

const device: fc.Arbitrary<Rung> = fc.record(
  {
    class: fc.constantFrom('GPU' as const, 'NPU' as const),
    vendor: fc.constantFrom('nvidia', 'amd', 'intel', 'qualcomm', 'huawei', 'hailo'),
    count: fc.integer({ min: 1, max: 4 }),
    image: fc.constant('registry.example.org/own:1'),
    resourceName: resource,
    nodeSelector: fc.constantFrom({ zone: 'a' }, { zone: 'c' }),
    tolerations: fc.constantFrom([{ key: 'team', operator: 'Exists' as const }], []),
    whenAbsent: fc.constantFrom('Skip' as const, 'Wait' as const),
    resourceClaims: fc.constant([{ name: 'device', resourceClaimTemplateName: 't' }]),
  },
  { requiredKeys: ['class'] },
);
const rung = fc.oneof(
  { weight: 1, arbitrary: fc.constant<Rung>({ class: 'CPU' }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Rung>({ class: 'GPU' }, { class: 'NPU', image: 'registry.example.org/own:1' }),
  },
  { weight: 3, arbitrary: device },
);
const ladder = fc.array(rung, { minLength: 1, maxLength: 8 });

const node: fc.Arbitrary<NodeFacts> = fc.record({
  name: fc.constantFrom('n1', 'n2', 'n3'),
  labels: label,
  allocatable: fc.dictionary(resource, fc.constantFrom('0', '1', '4')),
  taints: fc.array(taint, { maxLength: 2 }),
  unschedulable: fc.boolean(),
});
const deviceClasses: fc.Arbitrary<World['deviceClasses']> = fc.oneof(
  fc.constantFrom('forbidden' as const, 'absent' as const),
  fc.array(fc.record({ name: fc.constant('c'), extendedResourceName: resource }, { requiredKeys: ['name'] }), {
    maxLength: 2,
  }),
);
const world: fc.Arbitrary<World> = fc.record({
  nodes: fc.oneof(
    { weight: 1, arbitrary: fc.constant('forbidden' as const) },
    { weight: 5, arbitrary: fc.array(node, { maxLength: 4 }) },
  ),
  deviceClasses,
});

const pods = fc.record({ wanted: fc.integer({ min: 0, max: 3 }), everScheduled: fc.boolean() });
const START = Date.parse('2026-11-23T10:00:00Z');
const FALLBACK_MS = 600_000;

const input: fc.Arbitrary<LadderInput & { world: World }> = fc.record({
  ladder,
  world,
  runtime: fc.constantFrom(ollama, foundryLocal),
  pod: fc.record({ nodeSelector: fc.constant({ zone: 'a' }) }, { requiredKeys: [] }),
  inputsHash: fc.constant('aaaa'),
  pods,
  now: fc.constant(START),
  fallbackAfterMs: fc.constant(FALLBACK_MS),
});

/** A decision and a later pass over it, with another world, other pods and another time. */
const pass = fc.record({ world, pods, afterMs: fc.integer({ min: 0, max: 3 * FALLBACK_MS }) });

const first = (state: LadderInput): Decision | undefined => {
  const outcome = decide(state);
  return outcome.kind === 'placed' ? outcome.decision : undefined;
};

test('the same input gives the same outcome', () => {
  fc.assert(
    fc.property(input, ({ runtime, ...state }) => {
      expect(decide({ ...structuredClone(state), runtime })).toEqual(decide({ ...state, runtime }));
    }),
  );
});

test('rejected names exactly the rungs above the chosen one, in their order', () => {
  fc.assert(
    fc.property(input, (state) => {
      const outcome = decide(state);
      const rejected = outcome.kind === 'placed' ? outcome.decision.rejected : outcome.rejected;
      const above = outcome.kind === 'placed' ? state.ladder.slice(0, outcome.decision.choice.rung) : state.ladder;
      expect(rejected.map((rejection) => rejection.class)).toEqual(above.map((passed) => passed.class));
      expect(rejected.map((rejection) => rejection.vendor)).toEqual(above.map(vendorOf));
    }),
  );
});

test('no rung is chosen that neither the runtime nor an image has a backend for', () => {
  fc.assert(
    fc.property(input, (state) => {
      const choice = first(state)?.choice;
      const chosen = choice && state.ladder[choice.rung];
      if (choice && chosen && !chosen.image)
        expect(backendOf(state.runtime, choice.class, choice.vendor)).toBeDefined();
    }),
  );
});

test('where nodes may not be read, no extended resource is taken for absent', () => {
  fc.assert(
    fc.property(input, (state) => {
      const outcome = decide({ ...state, world: { ...state.world, nodes: 'forbidden' } });
      const rejected = outcome.kind === 'placed' ? outcome.decision.rejected : outcome.rejected;
      const wrong = rejected.filter(
        ({ reason }, index) => reason === 'NotOffered' && !state.ladder[index]?.resourceClaims,
      );
      expect(wrong).toEqual([]);
    }),
  );
});

test('scaling, other nodes and time never change a decision that had a pod scheduled', () => {
  fc.assert(
    fc.property(input, pass, (state, later) => {
      const previous = first(state);
      fc.pre(previous !== undefined);
      const outcome = decide({
        ...state,
        ...later,
        previous,
        pods: { ...later.pods, everScheduled: true },
        now: START + later.afterMs,
      });
      expect(outcome).toMatchObject({ kind: 'placed', decision: previous });
      expect(outcome).not.toHaveProperty('nextCheckMs');
    }),
  );
});

test('without new inputs it only ever goes down, only in time, and keeps what it rejected', () => {
  fc.assert(
    fc.property(input, fc.array(pass, { maxLength: 6 }), (state, passes) => {
      let decision = first(state);
      fc.pre(decision !== undefined);
      let now = START;
      for (const later of passes) {
        const before: Decision | undefined = decision;
        if (!before) return;
        now += later.afterMs;
        const outcome = decide({ ...state, ...later, previous: before, now });
        expect(outcome.kind).toBe('placed');
        if (outcome.kind !== 'placed') return;
        decision = outcome.decision;
        if (decision === before) continue;
        expect(decision.choice.rung).toBeGreaterThan(before.choice.rung);
        expect(now - Date.parse(before.since)).toBeGreaterThanOrEqual(FALLBACK_MS);
        expect(later.pods).toMatchObject({ everScheduled: false });
        expect(later.pods.wanted).toBeGreaterThan(0);
        expect(decision.rejected.slice(0, before.rejected.length)).toEqual(before.rejected);
        expect(decision.rejected).toHaveLength(decision.choice.rung);
        expect(decision.rejected[before.choice.rung]?.reason).toBe('NotScheduledInTime');
      }
    }),
  );
});

test('where the world need not be read, it makes no difference', () => {
  fc.assert(
    fc.property(input, fc.option(pass, { nil: undefined }), (state, later) => {
      const previous = later && first(state);
      const next = later ? { ...state, ...later, previous, now: START + later.afterMs } : state;
      if (!decisionIsOpen(next)) expect(decide({ ...next, world: undefined })).toEqual(decide(next));
    }),
  );
});

test('what it says is bounded and does not change with time', () => {
  fc.assert(
    fc.property(input, fc.integer({ min: 1, max: FALLBACK_MS - 1 }), (state, ms) => {
      const outcome = decide(state);
      expect(outcome.message.length).toBeLessThan(8192);
      if (outcome.kind !== 'placed') return;
      const again = decide({
        ...state,
        pods: { ...state.pods, everScheduled: false },
        previous: outcome.decision,
        now: START + ms,
      });
      expect(again.message).toBe(outcome.message);
    }),
  );
});
