// What builders are given, from the few fields of a spec that a test is about.
import { builtInDefaults, type OperatorDefaults, settingsOf } from '../../../src/api/defaults.ts';
import { type Spec, spec as specSchema } from '../../../src/api/schema.ts';
import type { PodInput } from '../../../src/children/input.ts';
import type { Choice } from '../../../src/placement/decision.ts';
import { runtimes } from '../../../src/runtimes/catalogue.ts';

interface Given {
  name?: string;
  choice?: Partial<Choice>;
  defaults?: Partial<OperatorDefaults>;
  revision?: string;
  restartedAt?: string;
}

/** Fields of a spec beside runtime Ollama and a model. */
export function podInput(fields: Partial<Spec> = {}, given: Given = {}): PodInput {
  const { name = 'qwen', choice, defaults, revision = 'rev1', restartedAt } = given;
  const spec = specSchema.parse({ runtime: 'Ollama', model: { name: 'qwen2.5:3b' }, ...fields });
  const settings = settingsOf(name, spec);
  const index = choice?.rung ?? 0;
  const rung = settings.ladder[index]!;
  return {
    name,
    namespace: 'ai',
    uid: 'uid-1',
    settings,
    defaults: { ...builtInDefaults, ...defaults },
    runtime: runtimes[settings.runtime],
    rung,
    choice: { class: rung.class, ...choice, rung: index },
    revision,
    ...(restartedAt && { restartedAt }),
  };
}

/** A GPU rung and what the ladder makes of it. */
export const gpu = {
  hardware: { preferred: { class: 'GPU' as const } },
  choice: { resourceName: 'nvidia.com/gpu', count: 1, vendor: 'nvidia' },
};
