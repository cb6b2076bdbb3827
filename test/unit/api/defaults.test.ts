import { describe, expect, it } from 'vitest';
import { openApiSchema, type SchemaNode } from '../../../src/api/crd.ts';
import { settingsOf } from '../../../src/api/defaults.ts';
import { defaultOf } from '../../../src/cli/generate/apiReference.ts';

const settings = settingsOf('phi4-mini', { runtime: 'Ollama', model: { name: 'phi4-mini:3.8b' } });

function documented(path: string): string {
  let node: SchemaNode | undefined = openApiSchema();
  for (const part of path.split('.')) node = node?.properties?.[part];
  if (!node) throw new Error(`no field ${path}`);
  return defaultOf(node);
}

describe('defaults', () => {
  it.each<[string, unknown]>([
    ['spec.replicas', settings.replicas],
    ['spec.paused', settings.paused],
    ['spec.model.verify', settings.model.verify],
    ['spec.hardware.fallbackAfterSeconds', settings.fallbackAfterSeconds],
    ['spec.hardware.residency', settings.residency],
    ['spec.hardware.preferred', settings.ladder[0]?.class],
    ['spec.performance.maxContext', settings.performance.maxContext],
    ['spec.performance.parallel', settings.performance.parallel],
    ['spec.performance.loadTimeoutSeconds', settings.performance.loadTimeoutSeconds],
    ['spec.api.port', settings.api.port],
    ['spec.api.protocols', settings.api.protocols.join(' and ')],
    ['spec.api.audit', settings.api.audit],
    ['spec.api.limits.maxQueue', settings.api.limits.maxQueue],
    ['spec.api.limits.queueTimeoutSeconds', settings.api.limits.queueTimeoutSeconds],
    ['spec.api.limits.requestTimeoutSeconds', settings.api.limits.requestTimeoutSeconds],
    ['spec.api.limits.maxBodyBytes', settings.api.limits.maxBodyBytes],
    ['spec.storage.type', settings.storage.kind],
    ['spec.rollout.strategy', settings.rollout.strategy],
    ['spec.rollout.progressDeadlineSeconds', settings.rollout.progressDeadlineSeconds],
    ['spec.monitoring.serviceMonitor.enabled', settings.serviceMonitor.enabled],
    ['spec.monitoring.serviceMonitor.interval', settings.serviceMonitor.interval],
    ['spec.monitoring.canary.enabled', settings.canary.enabled],
    ['spec.monitoring.canary.intervalSeconds', settings.canary.intervalSeconds],
    ['spec.network.service.type', settings.service.type],
    ['spec.network.service.headless', settings.service.headless],
    ['spec.network.policy.enabled', settings.networkPolicy.enabled],
    ['spec.disruption.maxUnavailable', settings.maxUnavailable],
  ])('%s is documented as it is filled in', (path, filledIn) => {
    expect(documented(path)).toBe(String(filledIn));
  });

  it('derive from what else is said', () => {
    const spec = {
      runtime: 'Ollama' as const,
      model: { name: 'm', source: { volume: { claimName: 'models' } } },
      performance: { parallel: 4 },
      api: { limits: { requestTimeoutSeconds: 60 } },
    };
    const derived = settingsOf('a', spec);
    expect(derived.api.limits.maxInFlight).toBe(4);
    expect(derived.terminationGracePeriodSeconds).toBe(80);
    expect(derived.networkPolicy.egress).toBe('None');
    expect(derived.model.servedNames).toEqual(['m']);
    expect(settings.networkPolicy.egress).toBe('Pull');
  });
});
