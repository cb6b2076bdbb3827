// What may reach a model pod and what may leave it.
//
// What a NetworkPolicy cannot do: it knows no host names, so `Pull` opens ports and not registries; it holds for the pod, so
// while pulling is allowed the runtime could use the same ports; DNS alone can carry data out; a node always reaches its own
// pods (so kubelet probes need no rule); and without a CNI that enforces policies it is only a wish. `egress: None` with a
// source that needs no network is what keeps prompts in.
import type { OperatorDefaults, Settings } from '../api/defaults.ts';
import { RESERVED_PORTS } from '../api/schema.ts';
import type { ChildInput } from './input.ts';
import { childMetadata, childNames, selectorLabels } from './metadata.ts';
import type { Child } from './pod.ts';
import { registryPorts } from './registryPorts.ts';

// Ports by number: named ports of native sidecars are not found by every CNI (projectcalico/calico 8881).
const tcp = (port: number) => ({ protocol: 'TCP', port });
const udp = (port: number) => ({ protocol: 'UDP', port });

/** 5353 is where OpenShift's DNS pods listen behind port 53 of their Service, and policies see the port of the pod. */
const dns = [53, 5353].flatMap((port) => [udp(port), tcp(port)]);

/** Pods of the deployment's own namespace. */
const ownNamespace = { podSelector: {} };

const clientRule = ({ api, networkPolicy }: Settings) => ({
  from: networkPolicy.from ?? [ownNamespace],
  ports: [tcp(api.port)],
});

/** Prometheus, and the operator that reads the gateways' status. */
function adminRule({ monitoringNamespaces, operatorNamespace }: OperatorDefaults) {
  const names = [...new Set([...monitoringNamespaces, ...(operatorNamespace ? [operatorNamespace] : [])])];
  const others = {
    namespaceSelector: {
      matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: names }],
    },
  };
  return { from: [ownNamespace, ...(names.length > 0 ? [others] : [])], ports: [tcp(RESERVED_PORTS.admin)] };
}

/** To any address: mirrors and registries are known by name, and a policy takes none. */
const pullRules = (settings: Settings, defaults: OperatorDefaults) => [
  { ports: dns },
  { ports: registryPorts(settings, defaults).map(tcp) },
];

/** Undefined where the user wants none. */
export function networkPolicy(input: ChildInput): Child | undefined {
  const { name, settings, defaults } = input;
  if (!settings.networkPolicy.enabled) return undefined;
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: childMetadata(input, childNames(name).networkPolicy, 'network-policy'),
    spec: {
      podSelector: { matchLabels: selectorLabels(name) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [clientRule(settings), adminRule(defaults)],
      egress: settings.networkPolicy.egress === 'None' ? [] : pullRules(settings, defaults),
    },
  };
}
