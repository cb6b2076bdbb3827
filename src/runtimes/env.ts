// Environment of the containers that a runtime decides.
import type { Settings } from '../api/defaults.ts';
import type { Problem } from '../api/types.ts';
import type { EnvVar } from '../children/pod.ts';
import { rungPath } from './rung.ts';

/** kubelet expands $(NAME) inside values and makes $ of $$. */
const literal = (value: string | number) => String(value).replaceAll('$', '$$$$');

/** Variables in the order given, without those that have no value. */
export const envOf = (values: Record<string, string | number | undefined>): EnvVar[] =>
  Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : { name, value: literal(value) }));

/** For images that ask for every GPU of the node by themselves: behave as if there were none (NVIDIA Container Toolkit). */
export const withoutNvidia = { NVIDIA_VISIBLE_DEVICES: 'void' };

/** Names that a user gives where the operator sets them itself, with where they stand. */
export function reservedEnvProblems({ pod, ladder }: Settings, reserved: readonly string[]): Problem[] {
  const given = [
    { path: 'spec.pod.env', env: pod.env ?? [] },
    ...ladder.map((rung, index) => ({ path: `${rungPath(index)}.env`, env: rung.env ?? [] })),
  ];
  return given.flatMap(({ path, env }) =>
    env.flatMap(({ name }, index) =>
      reserved.includes(name)
        ? { path: `${path}[${index}]`, message: `${name} is the operator's to set, or would break the pod; remove it` }
        : [],
    ),
  );
}
