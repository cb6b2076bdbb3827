import { describe, expect, it } from 'vitest';
import { doorOf, drained, HUNG_AFTER_MS, MUTE_AFTER_MS, verdictsOf } from '../../../src/gateway/verdicts.ts';
import { canary, createPod, lists, model, type Pod, refused, servingPod, silent, succeeds, target, up } from './pod.ts';

const of = (pod: Pod) => {
  const { gateway, runtime } = verdictsOf(pod.state, pod.now);
  return { startup: runtime.startup.ok, ready: runtime.readiness.ok, live: runtime.liveness.ok, gateway };
};

describe('startup', () => {
  it('of the runtime is that it answers, of the gateway that it is there', () => {
    const pod = createPod().sees({ kind: 'Pull', done: true });
    expect(of(pod)).toMatchObject({ startup: false, gateway: { startup: { ok: true }, liveness: { ok: true } } });
    expect(of(pod.sees(up)).startup).toBe(true);
  });

  it('is asked again after a restart, and tells the truth then too', () => {
    expect(of(servingPod().sees(refused)).startup).toBe(false);
  });
});

describe('readiness', () => {
  it('is the same for both containers, and names the reason', () => {
    const pod = servingPod();
    expect(of(pod)).toMatchObject({ ready: true, gateway: { readiness: { ok: true } } });
    pod.sees(lists());
    expect(of(pod)).toMatchObject({ ready: false, gateway: { readiness: { ok: false } } });
    expect(verdictsOf(pod.state, pod.now).runtime.readiness.message).toContain('ModelLost');
  });

  it('goes at once with the drain', () => {
    expect(of(servingPod().sees({ kind: 'Drain' })).ready).toBe(false);
  });
});

describe('liveness of the runtime', () => {
  it('fails on a runtime that has not answered for a minute, and not before', () => {
    const pod = servingPod().later(20_000).sees(silent);
    expect(of(pod.later(HUNG_AFTER_MS - 1)).live).toBe(true);
    expect(of(pod.later(1)).live).toBe(false);
    expect(of(pod.sees(up)).live).toBe(true);
  });

  it('fails on one that answers probes and never the model', () => {
    const pod = servingPod().later(20_000);
    for (let i = 0; i < 10; i++) pod.sees(up, canary('Silent')).later(MUTE_AFTER_MS / 10);
    expect(of(pod).live).toBe(false);
  });

  it('holds while the model is lost, wrong or not loading: a restart would not mend it', () => {
    for (const seen of [lists(), lists({ ...model, digest: 'sha256:other' })])
      expect(of(servingPod().sees(seen).later(1e7)).live).toBe(true);
    const failing = servingPod();
    for (let i = 0; i < 50; i++) failing.later(10_000).sees(canary('Failed'));
    expect(of(failing).live).toBe(true);
  });

  it('holds for a gateway that has just come, whatever it has seen so far', () => {
    expect(of(createPod()).live).toBe(true);
    expect(of(createPod().sees(silent, silent, silent, silent)).live).toBe(true);
  });

  it('holds while a long load keeps the runtime silent, as long as the load may take', () => {
    const pod = createPod().sees(up, { kind: 'Target', target }, { kind: 'LoadBegan' }, silent).later(599_000);
    expect(of(pod).live).toBe(true);
    expect(of(pod.later(1000)).live).toBe(false);
  });

  it('holds while tokens arrive and while the pod is being stopped', () => {
    const pod = servingPod().sees(silent).later(HUNG_AFTER_MS).sees(succeeds(servingPod()));
    expect(of(pod).live).toBe(true);
    expect(of(servingPod().sees(silent, { kind: 'Drain' }).later(1e6)).live).toBe(true);
  });
});

describe('the door', () => {
  it('is open while the model is served, and for the lame duck time of a drain', () => {
    const pod = servingPod();
    expect(doorOf(pod.state, pod.now)).toBe('Open');
    pod.sees({ kind: 'Drain' }).later(4999);
    expect(doorOf(pod.state, pod.now)).toBe('Open');
    expect(doorOf(pod.later(1).state, pod.now)).toBe('Draining');
  });

  it('is shut while the model is not served', () => {
    expect(doorOf(createPod().state, 0)).toBe('NotReady');
    const pod = servingPod().sees(lists(), { kind: 'Drain' });
    expect(doorOf(pod.state, pod.now)).toBe('NotReady');
  });

  it('does not begin its drain anew when asked twice', () => {
    const pod = servingPod().sees({ kind: 'Drain' }).later(4000).sees({ kind: 'Drain' }).later(1000);
    expect(doorOf(pod.state, pod.now)).toBe('Draining');
  });
});

describe('main may be stopped', () => {
  it('when the door is shut and nothing runs', () => {
    const pod = servingPod();
    expect(drained(pod.state, 0, pod.now)).toBe(false);
    pod.sees({ kind: 'Drain' }).later(4000);
    expect(drained(pod.state, 0, pod.now)).toBe(false);
    pod.later(1000);
    expect(drained(pod.state, 1, pod.now)).toBe(false);
    expect(drained(pod.state, 0, pod.now)).toBe(true);
  });

  it('when what runs will never end, because the runtime hangs', () => {
    const pod = servingPod().later(20_000).sees({ kind: 'Drain' }, silent).later(HUNG_AFTER_MS);
    expect(drained(pod.state, 3, pod.now)).toBe(true);
  });
});
