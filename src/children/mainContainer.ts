// The runtime: on 127.0.0.1 only, probed and drained through the gateway.
import type { ContainerResources } from '../api/defaults.ts';
import type { PodInput } from './input.ts';
import type { Container, EnvVar } from './pod.ts';
import { containerSecurity } from './podSecurity.ts';
import { runtimeProbes, waitForDrain } from './probes.ts';
import { mountsOf, type PodVolume } from './volumes.ts';

/** Ours, then what the user added; a rung's value replaces the pod's. */
function mergedEnv(ours: readonly EnvVar[], { settings, rung }: PodInput): EnvVar[] {
  const added = new Map<string, EnvVar>();
  for (const entry of [...(settings.pod.env ?? []), ...(rung.env ?? [])]) added.set(entry.name, entry);
  // Accepted has refused names of ours. Should one have come this far, ours holds: a name twice would be refused by the
  // API server together with the whole Deployment.
  for (const { name } of ours) added.delete(name);
  return [...ours, ...added.values()];
}

/** CPU and memory, and the devices of the choice: requests equal to limits, as extended resources must be. */
function resourcesOf({ settings, rung, choice }: PodInput): NonNullable<Container['resources']> {
  const { requests, limits }: ContainerResources = rung.resources ?? settings.resources;
  const devices = choice.resourceName ? { [choice.resourceName]: String(choice.count ?? 1) } : undefined;
  return {
    ...((requests || devices) && { requests: { ...requests, ...devices } }),
    ...((limits || devices) && { limits: { ...limits, ...devices } }),
    ...(rung.resourceClaims && { claims: rung.resourceClaims.map(({ name }) => ({ name })) }),
  };
}

export function mainContainer(input: PodInput, volumes: readonly PodVolume[]): Container {
  const { runtime, settings, defaults } = input;
  const { image, command, args, env } = runtime.main(input);
  return {
    name: runtime.container,
    image,
    ...(defaults.imagePullPolicy && { imagePullPolicy: defaults.imagePullPolicy }),
    ...(command && { command }),
    args,
    env: mergedEnv(env, input),
    resources: resourcesOf(input),
    volumeMounts: mountsOf(volumes, 'main'),
    ...runtimeProbes(settings.performance.loadTimeoutSeconds),
    lifecycle: { preStop: waitForDrain },
    securityContext: containerSecurity,
  };
}
