// The runtime: on 127.0.0.1 only, probed and drained through the gateway.

import type { ContainerResources } from '../api/defaults.ts';
import { resourcesOf, saysMemory } from '../runtimes/rung.ts';
import { withDevices } from './devices.ts';
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

/** The user's, and where they say nothing of memory a request for what the runtime can tell of the model. */
function wantedResources({ runtime, settings, rung }: PodInput): ContainerResources {
  const given = resourcesOf(settings, rung);
  const memory = saysMemory(given) ? undefined : runtime.memoryRequest?.(settings, rung);
  return memory === undefined ? given : { ...given, requests: { ...given.requests, memory } };
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
    resources: withDevices(wantedResources(input), input),
    volumeMounts: mountsOf(volumes, 'main'),
    ...runtimeProbes(settings.performance.loadTimeoutSeconds),
    lifecycle: { preStop: waitForDrain },
    securityContext: containerSecurity,
  };
}
