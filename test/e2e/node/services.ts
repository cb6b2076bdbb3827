// Services of the cluster whose servers run in the node beside the pods: DNS, and a registry of models.
import type { Access } from '../../controlplane/access.ts';
import { network, ports } from './layout.ts';

interface HostService {
  namespace: string;
  name: string;
  clusterIP?: string;
  ports: { name: string; port: number; protocol: 'TCP' | 'UDP' }[];
}

const hostServices: readonly HostService[] = [
  {
    namespace: 'kube-system',
    name: 'kube-dns',
    clusterIP: network.dnsService,
    ports: [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53, protocol: 'TCP' },
    ],
  },
  { namespace: 'registry', name: 'models', ports: [{ name: 'http', port: ports.registry, protocol: 'TCP' }] },
];

/** As pods write it, with the port. */
export const registryHost = `models.registry.svc.cluster.local:${ports.registry}`;

/** Makes them; whoever asks first may find the API server not quite ready. */
export async function clusterServices(access: Access): Promise<void> {
  for (const service of hostServices) {
    await make(access, '/api/v1/namespaces', { kind: 'Namespace', metadata: { name: service.namespace } });
    await make(access, `/api/v1/namespaces/${service.namespace}/services`, serviceOf(service));
    const slices = `/apis/discovery.k8s.io/v1/namespaces/${service.namespace}/endpointslices`;
    await make(access, slices, sliceOf(service));
  }
}

/** No selector: the address is the node's. */
const serviceOf = ({ name, namespace, clusterIP, ports }: HostService) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace },
  spec: { ports, ...(clusterIP && { clusterIP }) },
});

const sliceOf = ({ name, namespace, ports }: HostService) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: `${name}-node`, namespace, labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  ports,
  endpoints: [{ addresses: [network.node] }],
});

async function make({ call }: Access, path: string, body: object): Promise<void> {
  const { status, body: answer } = await call('POST', path, { body });
  if (status !== 201 && status !== 409) throw new Error(`${path}: ${status} ${JSON.stringify(answer)}`);
}
