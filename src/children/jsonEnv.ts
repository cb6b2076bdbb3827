// A JSON document in an environment variable.
import type { EnvVar } from './pod.ts';

/**
 * The variable `name` holding `value` as indented JSON, so that `kubectl get -o yaml` and a golden file show it line by line.
 *
 * The kubelet expands `$(NAME)` and shortens `$$` in values. A prompt may hold both; written as an escape, which JSON
 * reads back as the same character, the dollar is out of its sight.
 */
export function jsonEnv(name: string, value: unknown): EnvVar {
  return { name, value: JSON.stringify(value, null, 2).replaceAll('$', '\\u0024') };
}
