// The pull: fetches or verifies the model before the runtime may start.
import { withDevices } from './devices.ts';
import type { PodInput } from './input.ts';
import type { Container } from './pod.ts';
import { containerSecurity } from './podSecurity.ts';
import { mountsOf, type PodVolume } from './volumes.ts';

export function pullContainer(input: PodInput, volumes: readonly PodVolume[]): Container {
  const { runtime, defaults } = input;
  const { image, command, args, env } = runtime.pull(input);
  return {
    name: 'pull',
    image,
    ...(defaults.imagePullPolicy && { imagePullPolicy: defaults.imagePullPolicy }),
    ...(command && { command }),
    args,
    env,
    resources: runtime.pullSeesDevices ? withDevices(defaults.pullResources, input) : defaults.pullResources,
    volumeMounts: mountsOf(volumes, 'pull'),
    terminationMessagePath: '/dev/termination-log',
    // The report is a JSON document; the tail of a log in its place would be taken for one.
    terminationMessagePolicy: 'File',
    securityContext: containerSecurity,
  };
}
