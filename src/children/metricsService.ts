// The Service that Prometheus finds the pods by. Headless: it is an address book and needs no address of its own, which in a
// cluster is the dearest thing about a Service.
import { RESERVED_PORTS } from '../api/schema.ts';
import type { ChildInput } from './input.ts';
import { childMetadata, childNames, selectorLabels } from './metadata.ts';
import type { Child } from './pod.ts';

export function metricsService(input: ChildInput): Child {
  const { name } = input;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: childMetadata(input, childNames(name).metricsService, 'metrics'),
    spec: {
      type: 'ClusterIP',
      clusterIP: 'None',
      // A pod that is pulling or failing is the one whose metrics are wanted.
      publishNotReadyAddresses: true,
      selector: selectorLabels(name),
      ports: [{ name: 'admin', port: RESERVED_PORTS.admin, targetPort: 'admin', protocol: 'TCP', appProtocol: 'http' }],
    },
  };
}
