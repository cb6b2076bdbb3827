// Everything that a builder may be given: any valid spec, on any rung of its ladder.
import fc from 'fast-check';
import { builtInDefaults, type OperatorDefaults, settingsOf } from '../../src/api/defaults.ts';
import type { Rung } from '../../src/api/hardware.ts';
import type { PodInput } from '../../src/children/input.ts';
import type { Choice } from '../../src/placement/decision.ts';
import { runtimes } from '../../src/runtimes/catalogue.ts';
import { arbitraryName, arbitrarySpec } from './arbitrarySpec.ts';

const knownResource = { CPU: undefined, GPU: 'nvidia.com/gpu', NPU: 'npu.intel.com/accel' } as const;

function choiceOf(rung: Rung, index: number): Choice {
  const resourceName = rung.resourceClaims ? undefined : (rung.resourceName ?? knownResource[rung.class]);
  return {
    rung: index,
    class: rung.class,
    ...(rung.vendor && { vendor: rung.vendor }),
    ...(rung.class !== 'CPU' && resourceName && { resourceName, count: rung.count ?? 1 }),
  };
}

const arbitraryDefaults: fc.Arbitrary<OperatorDefaults> = fc
  .record(
    {
      imagePullPolicy: fc.constantFrom('Always' as const, 'IfNotPresent' as const),
      imagePullSecrets: fc.uniqueArray(fc.constantFrom('one', 'two', 'three')),
      monitoringNamespaces: fc.uniqueArray(fc.constantFrom('monitoring', 'observability')),
      operatorNamespace: fc.constantFrom('monitoring', 'local-model-operator'),
    },
    { requiredKeys: [], noNullPrototype: true },
  )
  .map((given) => ({ ...builtInDefaults, ...given }));

/** Input of the pod builder. Specs that a runtime refuses for itself are among them: builders must hold there too. */
export const arbitraryPodInput: fc.Arbitrary<PodInput> = fc
  .record({
    name: arbitraryName,
    spec: arbitrarySpec,
    defaults: arbitraryDefaults,
    position: fc.nat(),
    restartedAt: fc.option(fc.constant('2026-10-01T08:00:00Z'), { nil: undefined }),
  })
  .map(({ name, spec, defaults, position, restartedAt }) => {
    const settings = settingsOf(name, spec);
    const index = position % settings.ladder.length;
    const rung = settings.ladder[index] ?? { class: 'CPU' };
    return {
      name,
      namespace: 'ai',
      uid: '0b9f4c52-6f0e-4f65-9c1e-3c1f4a0f6d11',
      settings,
      defaults,
      runtime: runtimes[settings.runtime],
      rung,
      choice: choiceOf(rung, index),
      revision: 'k3xq7wzn2a',
      ...(restartedAt && { restartedAt }),
    };
  });
