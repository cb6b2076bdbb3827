// Deployments as a runtime is given them.
import { builtInDefaults, settingsOf } from '../../../src/api/defaults.ts';
import type { Spec } from '../../../src/api/schema.ts';
import type { Choice } from '../../../src/placement/decision.ts';
import { readPullConfig } from '../../../src/puller/config.ts';
import type { ContainerParts, Runtime, RuntimeInput } from '../../../src/runtimes/runtime.ts';

export const specOf = (spec: Partial<Spec> = {}): Spec => ({
  runtime: 'Ollama',
  model: { name: 'phi4-mini:3.8b' },
  ...spec,
});

export const settings = (spec: Partial<Spec> = {}) => settingsOf('chat', specOf(spec));

const choices = {
  cpu: { rung: 0, class: 'CPU' },
  nvidia: { rung: 0, class: 'GPU', vendor: 'nvidia', resourceName: 'nvidia.com/gpu', count: 1 },
  amd: { rung: 0, class: 'GPU', vendor: 'amd', resourceName: 'amd.com/gpu', count: 1 },
  intel: { rung: 0, class: 'GPU', vendor: 'intel', resourceName: 'gpu.intel.com/xe', count: 1 },
  claim: { rung: 0, class: 'GPU' },
  npu: { rung: 0, class: 'NPU', vendor: 'intel', resourceName: 'npu.intel.com/accel', count: 1 },
} as const satisfies Record<string, Choice>;

/** The input for a deployment whose preferred rung was chosen as named. */
export function inputOf(device: keyof typeof choices, spec: Partial<Spec> = {}): RuntimeInput {
  const choice = choices[device];
  const preferred = { class: choice.class, ...spec.hardware?.preferred };
  const all = settings({ ...spec, hardware: { ...spec.hardware, preferred } });
  const [rung = preferred] = all.ladder;
  return { settings: all, rung, choice, defaults: builtInDefaults, revision: 'abcdefghij' };
}

/** Variables of a container by name. */
export const envMap = ({ env }: ContainerParts) => Object.fromEntries(env.map(({ name, value }) => [name, value]));

export const pullConfigOf = (runtime: Runtime, input: RuntimeInput) =>
  readPullConfig(envMap(runtime.pull(input)).PULL_CONFIG);
