// Simulated nodes: what the scheduler and the placement logic see of a machine. No model ever runs on one.
import type { Access } from './access.ts';

export interface NodeSpec {
  name: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  taints?: { key: string; value?: string; effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute' }[];
  /** Extended resources and overrides of the ordinary ones, as quantities. */
  resources?: Record<string, string>;
}

const ordinary = { cpu: '256', memory: '2Ti', pods: '2000', 'ephemeral-storage': '10Ti' };

/** The nodes that every control plane starts with. Two NVIDIA devices, so that a third replica has to wait. */
export const startingNodes: readonly NodeSpec[] = [
  { name: 'cpu-1' },
  { name: 'gpu-1', labels: { 'nvidia.com/gpu.present': 'true' }, resources: { 'nvidia.com/gpu': '2' } },
  {
    name: 'npu-1',
    labels: { 'intel.feature.node.kubernetes.io/npu': 'true' },
    resources: { 'npu.intel.com/accel': '1' },
  },
];

/** A Node that is ready from the first moment, as the simulated kubelet would make it. */
function nodeManifest({ name, labels, annotations = {}, taints = [], resources }: NodeSpec) {
  const capacity = { ...ordinary, ...resources };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      annotations,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        type: 'simulated',
        ...labels,
      },
    },
    spec: { taints },
    status: {
      capacity,
      allocatable: capacity,
      addresses: [
        { type: 'InternalIP', address: '10.127.0.1' },
        { type: 'Hostname', address: name },
      ],
      conditions: [{ type: 'Ready', status: 'True', reason: 'Simulated', message: 'a simulated node is always ready' }],
      nodeInfo: {
        architecture: 'amd64',
        operatingSystem: 'linux',
        kubeletVersion: 'simulated',
        kubeProxyVersion: '',
        kernelVersion: '',
        osImage: 'simulated',
        machineID: '',
        bootID: '',
        systemUUID: '',
        containerRuntimeVersion: '',
      },
    },
  };
}

const atOnce = 20;

/** Creates nodes, some at a time. One that is there already stays as it is. Rejects when the API server refuses. */
export async function createNodes({ call }: Pick<Access, 'call'>, nodes: readonly NodeSpec[]): Promise<void> {
  const left = [...nodes];
  const worker = async () => {
    for (let node = left.shift(); node; node = left.shift()) {
      const { status, body } = await call('POST', '/api/v1/nodes', { body: nodeManifest(node), deadlineMs: 30_000 });
      if (status !== 201 && status !== 409) throw new Error(`node ${node.name}: ${status} ${JSON.stringify(body)}`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, nodes.length) }, worker));
}
