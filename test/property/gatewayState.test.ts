// The state machine under random observations: what it may never say, whatever it has seen.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LoadedModel, Observation } from '../../src/gateway/observation.ts';
import { phaseOf, reasons } from '../../src/gateway/reasons.ts';
import { canaryDue, initialState, type State, step, wantsLoad } from '../../src/gateway/state.ts';
import { doorOf, drained, verdictsOf } from '../../src/gateway/verdicts.ts';
import { digest, gpuRules, lists, model, otherDigest, target, up } from '../unit/gateway/pod.ts';

const aDigest = fc.constantFrom(digest, otherDigest, undefined);
const aName = fc.constantFrom('tiny:latest', 'other:latest');
const loaded: fc.Arbitrary<LoadedModel> = fc
  .record({ name: aName, digest: aDigest, sizeBytes: fc.nat(10), deviceBytes: fc.nat(10) })
  .map(({ digest: found, ...rest }) => ({ ...rest, ...(found && { digest: found }) }));

const simple = <K extends Observation['kind']>(kind: K) => fc.constant({ kind } as Observation);
const outcome = fc.constantFrom('Passed' as const, 'Wrong' as const, 'Failed' as const, 'Silent' as const);

/** Weighted so that a pod often gets as far as serving. */
const observation: fc.Arbitrary<Observation> = fc.oneof(
  simple('Tick'),
  { weight: 3, arbitrary: fc.constant<Observation>({ kind: 'Runtime', answer: 'Up' }) },
  fc.constantFrom<Observation[]>({ kind: 'Runtime', answer: 'Refused' }, { kind: 'Runtime', answer: 'Silent' }),
  fc.constant<Observation>({ kind: 'Problems', problems: [] }),
  fc.constant<Observation>({ kind: 'Problems', problems: [{ reason: 'SecretMissing', message: 'no keys' }] }),
  fc.record({ kind: fc.constant('Pull' as const), done: fc.boolean() }),
  {
    weight: 2,
    arbitrary: fc.record({ name: aName, digest: aDigest }).map(
      ({ name, digest: found }): Observation => ({
        kind: 'Target',
        target: { name, ...(found && { digest: found }) },
      }),
    ),
  },
  { weight: 3, arbitrary: simple('LoadBegan') },
  { weight: 3, arbitrary: simple('LoadEnded') },
  fc.constant<Observation>({ kind: 'LoadFailed', message: 'no' }),
  {
    weight: 4,
    arbitrary: fc.array(loaded, { maxLength: 2 }).map((models): Observation => ({ kind: 'Models', loaded: models })),
  },
  fc
    .constantFrom('Succeeded' as const, 'Progress' as const, 'Failed' as const)
    .map((result): Observation => ({ kind: 'Request', outcome: result, startedAt: 0 })),
  outcome.map((result): Observation => ({ kind: 'Canary', outcome: result, seconds: 1 })),
);

interface Seen {
  /** Milliseconds since what was seen before. */
  after: number;
  what: Observation;
}

const after = fc.constantFrom(0, 10, 1000, 40_000, 200_000);
const seen: fc.Arbitrary<Seen> = fc.record({ after, what: observation });

/** The way to serving, which chance alone seldom finds; a step may be missing. */
const way: readonly Observation[] = [
  up,
  { kind: 'Target', target },
  { kind: 'LoadBegan' },
  { kind: 'LoadEnded' },
  lists(model),
];
const chapter: fc.Arbitrary<Seen[]> = fc.oneof(
  { weight: 3, arbitrary: fc.array(seen, { maxLength: 6 }) },
  { weight: 1, arbitrary: fc.constant(way.map((what) => ({ after: 10, what }))) },
  { weight: 1, arbitrary: fc.shuffledSubarray([...way]).map((steps) => steps.map((what) => ({ after: 10, what }))) },
);
const history = fc.array(chapter, { maxLength: 12 }).map((chapters) => chapters.flat());

type Life = [before: Seen[], afterDrain: Seen[] | undefined];
/** With a drain somewhere, or none. */
const wholeLife: fc.Arbitrary<Life> = fc.tuple(history, fc.option(history, { nil: undefined }));

interface Moment {
  state: State;
  now: number;
  what: Observation;
}

function live([before, afterDrain]: Life): Moment[] {
  const drain: Seen = { after: 0, what: { kind: 'Drain' } };
  let state = initialState(gpuRules, 0);
  let now = 0;
  return [...before, ...(afterDrain ? [drain, ...afterDrain] : [])].map(({ after: ms, what }) => {
    now += ms;
    state = step(state, what, now);
    return { state, now, what };
  });
}

const always = (check: (moment: Moment, moments: readonly Moment[]) => void) =>
  fc.assert(
    fc.property(wholeLife, (life) => {
      const moments = live(life);
      for (const moment of moments) check(moment, moments);
    }),
    { numRuns: 800 },
  );

test('ready only with the declared model, loaded, on its device, in a runtime that answers', () => {
  let ready = 0;
  always(({ state, now }) => {
    if (!verdictsOf(state, now).runtime.readiness.ok) return;
    ready++;
    const { target, loaded: models = [], load, runtime, problems, drainingSince } = state.facts;
    const same = models.find((model) =>
      target?.digest && model.digest ? model.digest === target.digest : model.name === target?.name,
    );
    expect(same).toBeDefined();
    if (same?.sizeBytes) expect(same.deviceBytes ?? 0).toBeGreaterThanOrEqual(same.sizeBytes);
    expect([load.phase, problems.length, drainingSince]).toEqual(['Done', 0, undefined]);
    expect(runtime.answer).not.toBe('Refused');
  });
  expect(ready).toBeGreaterThan(100);
});

test('never ready without a load that ended after the runtime last came up', () => {
  always(({ state, now }, moments) => {
    if (!verdictsOf(state, now).runtime.readiness.ok) return;
    const until = moments.findIndex((moment) => moment.state === state);
    const past = moments.slice(0, until + 1).map(({ what }) => what);
    const gone = past.findLastIndex((what) => what.kind === 'Runtime' && what.answer === 'Refused');
    expect(past.slice(gone + 1).some(({ kind }) => kind === 'LoadEnded')).toBe(true);
  });
});

test('phase, reason, readiness and door agree', () => {
  always(({ state, now }) => {
    const { phase, reason, message, facts, fitness } = state;
    expect(phase).toBe(phaseOf(reason, facts.served));
    expect(reasons).toHaveProperty(reason);
    expect(message).not.toBe('');
    const { runtime, gateway } = verdictsOf(state, now);
    expect(runtime.readiness).toEqual(gateway.readiness);
    expect(runtime.readiness.ok).toBe(phase === 'Serving');
    expect(doorOf(state, now) === 'Open').toBe(
      fitness.reason === 'Serving' &&
        (facts.drainingSince === undefined || now - facts.drainingSince < gpuRules.lameDuckMs),
    );
    if (wantsLoad(state, now)) expect(phase).not.toBe('Serving');
    if (canaryDue(state, now)) expect(['Serving', 'Degraded']).toContain(phase);
  });
});

test('a drain has no end but the end', () => {
  always(({ state, now }, moments) => {
    const draining = state.facts.drainingSince !== undefined;
    expect(state.phase === 'Draining').toBe(draining);
    if (!draining) return expect(drained(state, 0, now)).toBe(false);
    expect(verdictsOf(state, now).runtime.liveness.ok).toBe(true);
    expect([wantsLoad(state, now), canaryDue(state, now)]).toEqual([false, false]);
    const began = moments.findIndex(({ what }) => what.kind === 'Drain');
    for (const later of moments.slice(began)) expect(later.state.phase).toBe('Draining');
  });
});

test('liveness fails only on a runtime that has been silent or gone for a minute at least', () => {
  always(({ state, now }) => {
    if (verdictsOf(state, now).runtime.liveness.ok) return;
    const { missingSince } = state.facts.runtime;
    const { outcome: last, failingSince } = state.facts.canary;
    const missing = missingSince !== undefined && now - missingSince >= 60_000;
    const mute = last === 'Silent' && failingSince !== undefined && now - failingSince >= 180_000;
    expect(missing || mute).toBe(true);
  });
});
