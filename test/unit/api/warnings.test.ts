import { describe, expect, it } from 'vitest';
import { settingsOf } from '../../../src/api/defaults.ts';
import type { Spec } from '../../../src/api/schema.ts';
import { warningsOf } from '../../../src/api/warnings.ts';

const quiet: Spec = {
  runtime: 'Ollama',
  model: { name: 'phi4-mini:3.8b' },
  resources: { requests: { memory: '4Gi' } },
};
const warned = (change: Partial<Spec>) => {
  const spec = { ...quiet, ...change };
  return warningsOf(settingsOf('a', spec), spec).map(({ path }) => path);
};
const claim = (accessModes?: 'ReadWriteMany'[]): Spec['storage'] => ({
  type: 'PersistentVolumeClaim',
  persistentVolumeClaim: { size: '20Gi', ...(accessModes && { accessModes }) },
});

describe('warningsOf', () => {
  it('is silent about a spec without risks, and about an open API', () => {
    expect(warned({})).toEqual([]);
    expect(warned({ api: { port: 8080 } })).toEqual([]);
  });

  it('misses a memory request, also on the rung that has resources of its own', () => {
    expect(warned({ resources: {} })).toEqual(['spec.resources.requests.memory']);
    const fallback = [{ class: 'CPU' as const, resources: { requests: { cpu: 4 } } }];
    expect(warned({ hardware: { preferred: { class: 'GPU' }, fallback } })).toEqual([
      'spec.hardware.fallback[0].resources.requests.memory',
    ]);
  });

  it('misses none where the operator can tell what is needed', () => {
    const guessed = (memory: string | undefined) =>
      warningsOf(settingsOf('a', { ...quiet, resources: {} }), undefined, () => memory);
    expect(guessed('2Gi')).toEqual([]);
    expect(guessed(undefined)).toHaveLength(1);
  });

  it('takes a memory limit for a request, as Kubernetes does', () => {
    expect(warned({ resources: { limits: { memory: '4Gi' } } })).toEqual([]);
  });

  it('says that a ReadWriteOnce claim keeps several replicas on one node', () => {
    const path = 'spec.storage.persistentVolumeClaim.accessModes';
    expect(warned({ replicas: 2, storage: claim() })).toEqual([path]);
    expect(warned({ replicas: 1, storage: claim() })).toEqual([]);
    expect(warned({ replicas: 2, storage: claim(['ReadWriteMany']) })).toEqual([]);
  });

  it('says when the default policy shuts out whom a Service of this type is for', () => {
    const service = { type: 'LoadBalancer' as const };
    expect(warned({ network: { service } })).toEqual(['spec.network.policy.from']);
    expect(warned({ network: { service, policy: { enabled: false } } })).toEqual([]);
    expect(warned({ network: { service, policy: { from: [{ ipBlock: { cidr: '10.0.0.0/8' } }] } } })).toEqual([]);
    expect(warned({ network: { service: { type: 'ClusterIP' } } })).toEqual([]);
  });

  it('says when credentials would be sent unencrypted', () => {
    const registry = { plainHttp: true, credentialsSecretRef: { name: 'a' } };
    expect(warned({ model: { name: 'a', source: { registry } } })).toEqual(['spec.model.source.registry.plainHttp']);
    expect(warned({ model: { name: 'a', source: { registry: { plainHttp: true } } } })).toEqual([]);
  });

  it('says when one request may take more memory than the gateway has', () => {
    expect(warned({ api: { limits: { maxBodyBytes: '65Mi' } } })).toEqual(['spec.api.limits.maxBodyBytes']);
    expect(warned({ api: { limits: { maxBodyBytes: '64Mi' } } })).toEqual([]);
  });

  it('says when a CPU rung stands above others', () => {
    const preferred = { class: 'CPU' as const };
    expect(warned({ hardware: { preferred, fallback: [{ class: 'GPU' }] } })).toEqual(['spec.hardware.preferred']);
    expect(warned({ hardware: { preferred: { class: 'GPU' }, fallback: [preferred] } })).toEqual([]);
  });

  it('names what was said to no effect', () => {
    expect(warned({ hardware: { fallbackAfterSeconds: 60 } })).toEqual(['spec.hardware.fallbackAfterSeconds']);
    expect(warned({ hardware: { residency: 'Required' } })).toEqual(['spec.hardware.residency']);
    expect(
      warned({ network: { policy: { enabled: false, egress: 'Pull', from: [{ namespaceSelector: {} }] } } }),
    ).toEqual(['spec.network.policy.from', 'spec.network.policy.egress']);
    expect(warned({ monitoring: { canary: { enabled: false, prompt: 'Hi' } } })).toEqual(['spec.monitoring.canary']);
  });
});
