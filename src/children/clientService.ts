// The Service that clients call. Admin traffic has its own, so that a load balancer never publishes it.
import type { ChildInput } from './input.ts';
import { childMetadata, childNames, selectorLabels } from './metadata.ts';
import type { Child } from './pod.ts';

export function clientService(input: ChildInput): Child {
  const { name, settings } = input;
  const { type, headless, annotations } = settings.service;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: childMetadata(input, childNames(name).clientService, 'model-server', { annotations }),
    spec: {
      type,
      ...(headless && { clusterIP: 'None' }),
      selector: selectorLabels(name),
      // By name: while a changed api.port rolls out, old and new pods listen on different numbers.
      ports: [
        {
          name: 'http',
          port: settings.api.port,
          targetPort: 'http',
          protocol: 'TCP',
          appProtocol: settings.api.tlsSecret ? 'https' : 'http',
        },
      ],
    },
  };
}
