import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Spec } from '../../../src/api/schema.ts';
import { type RevisionInput, revisionOf } from '../../../src/operator/revision.ts';
import { spec } from './observation.ts';

const input = (given: Spec, more: Partial<RevisionInput> = {}): RevisionInput => ({
  spec: given,
  rung: { class: 'GPU', vendor: 'nvidia' },
  choice: { rung: 0, class: 'GPU', vendor: 'nvidia', resourceName: 'nvidia.com/gpu', count: 1 },
  ...more,
});
const base = revisionOf(input(spec()));
const claim = (more: object = {}) => ({
  type: 'PersistentVolumeClaim' as const,
  persistentVolumeClaim: { size: '1Gi', ...more },
});

describe('the revision', () => {
  test.each<[string, Partial<Spec>]>([
    ['model', { model: { name: 'other' } }],
    ['image', { image: 'ollama:other' }],
    ['performance', { performance: { maxContext: 8192 } }],
    ['options of the runtime', { ollama: { flashAttention: true } }],
    ['api', { api: { port: 8081 } }],
    ['resources', { resources: { limits: { memory: '8Gi' } } }],
    ['environment', { pod: { env: [{ name: 'A', value: '1' }] } }],
    ['where the files are', { storage: claim() }],
    ['residency', { hardware: { residency: 'Report' } }],
    ['canary', { monitoring: { canary: { enabled: false } } }],
  ])('is another with another %s', (_title, more) => {
    expect(revisionOf(input(spec(more)))).not.toBe(base);
  });

  test.each<[string, Partial<Spec>]>([
    ['replicas', { replicas: 7 }],
    ['paused', { paused: true }],
    ['rollout', { rollout: { strategy: 'Recreate' } }],
    ['the Service', { network: { service: { type: 'NodePort' } } }],
    ['the policy', { network: { policy: { enabled: false } } }],
    ['the budget', { disruption: { maxUnavailable: 2 } }],
    ['the ServiceMonitor', { monitoring: { serviceMonitor: { interval: '10s' } } }],
    ['a rung that was not chosen', { hardware: { preferred: { class: 'GPU' }, fallback: [{ class: 'CPU' }] } }],
    ['the patience of the ladder', { hardware: { fallbackAfterSeconds: 60 } }],
  ])('stays with another value of %s', (_title, more) => {
    expect(revisionOf(input(spec(more)))).toBe(base);
  });

  test('stays while a claim grows or is retained, and not with a claim of the user’s own', () => {
    const own = revisionOf(input(spec({ storage: claim() })));
    expect(revisionOf(input(spec({ storage: claim({ size: '2Gi' }) })))).toBe(own);
    expect(revisionOf(input(spec({ storage: claim({ whenDeleted: 'Retain' }) })))).toBe(own);
    const brought = { type: 'PersistentVolumeClaim' as const, persistentVolumeClaim: { claimName: 'mine' } };
    expect(revisionOf(input(spec({ storage: brought })))).not.toBe(own);
  });

  test('is another with another device, rung or restart', () => {
    const { choice } = input(spec());
    expect(revisionOf(input(spec(), { choice: { ...choice, resourceName: 'nvidia.com/mig-1g.5gb' } }))).not.toBe(base);
    expect(revisionOf(input(spec(), { rung: { class: 'GPU', vendor: 'nvidia', image: 'x' } }))).not.toBe(base);
    expect(revisionOf(input(spec(), { restartedAt: 'now' }))).not.toBe(base);
  });

  test('stays when the same rung stands at another place of the ladder, or waits where it skipped', () => {
    const { choice } = input(spec());
    expect(revisionOf(input(spec(), { choice: { ...choice, rung: 3 } }))).toBe(base);
    expect(revisionOf(input(spec(), { rung: { class: 'GPU', vendor: 'nvidia', whenAbsent: 'Wait' } }))).toBe(base);
  });

  test('does not depend on the order in which fields were written', () => {
    const env = [{ name: 'A', value: '1' }];
    const one = { ...spec(), pod: { env, labels: { a: '1', b: '2' } }, image: 'x' };
    const other = { image: 'x', pod: { labels: { b: '2', a: '1' }, env }, ...spec() };
    expect(revisionOf(input(one))).toBe(revisionOf(input(other)));
  });

  test('is always a label value and a key of a ConfigMap', () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        expect(revisionOf(input(spec({ model: { name } })))).toMatch(/^[a-z0-9]{8,40}$/);
      }),
    );
  });
});
