// The gateway: a native sidecar, so that it is there before the pull and goes after the runtime.
import { RESERVED_PORTS } from '../api/schema.ts';
import { gatewayNodeEnv, gatewayNodeFlags } from '../gateway/nodeFlags.ts';
import { envOf } from '../runtimes/env.ts';
import { gatewayConfigOf } from './gatewayConfig.ts';
import type { PodInput } from './input.ts';
import { jsonEnv } from './jsonEnv.ts';
import type { Container } from './pod.ts';
import { containerSecurity } from './podSecurity.ts';
import { gatewayProbes } from './probes.ts';
import { mountsOf, type PodVolume } from './volumes.ts';

const [NODE, PROGRAM] = ['/nodejs/bin/node', '/app/gateway.js'];

export function gatewayContainer(input: PodInput, volumes: readonly PodVolume[]): Container {
  const { defaults, settings } = input;
  return {
    name: 'gateway',
    image: defaults.images.operator,
    ...(defaults.imagePullPolicy && { imagePullPolicy: defaults.imagePullPolicy }),
    command: [NODE, ...gatewayNodeFlags, PROGRAM],
    env: [jsonEnv('GATEWAY_CONFIG', gatewayConfigOf(input)), ...envOf(gatewayNodeEnv)],
    ports: [
      { name: 'http', containerPort: settings.api.port, protocol: 'TCP' },
      { name: 'admin', containerPort: RESERVED_PORTS.admin, protocol: 'TCP' },
    ],
    resources: defaults.gatewayResources,
    volumeMounts: mountsOf(volumes, 'gateway'),
    restartPolicy: 'Always',
    ...gatewayProbes,
    // Begins the drain and returns: the gateway goes on serving what it has until main is gone.
    lifecycle: { preStop: { exec: { command: [NODE, PROGRAM, 'drain'] } } },
    securityContext: containerSecurity,
  };
}
