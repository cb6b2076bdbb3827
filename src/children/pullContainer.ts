// The pull: fetches or verifies the model before the runtime may start.

import type { OperatorDefaults } from '../api/defaults.ts';
import { envOf } from '../runtimes/env.ts';
import { withDevices } from './devices.ts';
import type { PodInput } from './input.ts';
import type { Container } from './pod.ts';
import { containerSecurity } from './podSecurity.ts';
import { mountsOf, type PodVolume } from './volumes.ts';

/** Under the names that every tool reads; an image or a volume is a mount, which no proxy is on the way to. */
function proxyEnv({ settings }: PodInput, { pullProxy = {} }: OperatorDefaults) {
  const { httpsProxy, httpProxy, noProxy } = pullProxy;
  if (settings.model.source.kind !== 'Registry') return [];
  return envOf({ HTTPS_PROXY: httpsProxy, HTTP_PROXY: httpProxy, NO_PROXY: noProxy });
}

export function pullContainer(input: PodInput, volumes: readonly PodVolume[]): Container {
  const { runtime, defaults } = input;
  const { image, command, args, env } = runtime.pull(input);
  return {
    name: 'pull',
    image,
    ...(defaults.imagePullPolicy && { imagePullPolicy: defaults.imagePullPolicy }),
    ...(command && { command }),
    args,
    env: [...env, ...proxyEnv(input, defaults)],
    resources: runtime.pullSeesDevices ? withDevices(defaults.pullResources, input) : defaults.pullResources,
    volumeMounts: mountsOf(volumes, 'pull'),
    terminationMessagePath: '/dev/termination-log',
    // The report is a JSON document; the tail of a log in its place would be taken for one.
    terminationMessagePolicy: 'File',
    securityContext: containerSecurity,
  };
}
