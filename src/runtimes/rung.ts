// What a rung has of its own, and what it takes from the deployment.
import type { Settings } from '../api/defaults.ts';
import type { Rung } from '../api/hardware.ts';
import { thousandths } from '../kube/quantity.ts';

/** Where a rung of the ladder stands in the spec. */
export const rungPath = (index: number): string =>
  index === 0 ? 'spec.hardware.preferred' : `spec.hardware.fallback[${index - 1}]`;

/** The model that a rung serves. The deployment's digest is that of its own name, so another name does not inherit it. */
export function modelOf({ model }: Settings, rung: Rung): { name: string; digest?: string } {
  const { name = model.name, digest = name === model.name ? model.digest : undefined } = rung.model ?? {};
  return { name, ...(digest && { digest }) };
}

/** Resources of the runtime container: the rung's own, else the deployment's, never a mixture. */
export const resourcesOf = ({ resources }: Settings, rung: Rung): Settings['resources'] => rung.resources ?? resources;

/** A limit counts: Kubernetes takes it for the request where there is none. */
export const saysMemory = ({ requests, limits }: Settings['resources']): boolean =>
  requests?.memory !== undefined || limits?.memory !== undefined;

/**
 * CPU threads of the runtime: as told, else the CPU limit rounded down, at least 1. undefined without a limit: then the
 * runtime counts the cores itself, which is right only there (ollama/ollama issue 17916: 45 times slower under a quota).
 */
export function threadsOf(settings: Settings, rung: Rung): number | undefined {
  const { threads } = settings.performance;
  const limit = thousandths(resourcesOf(settings, rung).limits?.cpu ?? '');
  return threads ?? (limit === undefined ? undefined : Math.max(1, Number(limit / 1000n)));
}
