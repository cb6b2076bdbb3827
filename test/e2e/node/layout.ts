// Where things lie in a real node, and by which addresses they are found. Its network is its own, so addresses are fixed.
import { join } from 'node:path';

export const nodeName = 'real-node';

export const network = {
  node: '10.99.0.2',
  /** The first one of `services`, which is the API server's. */
  apiService: '10.96.0.1',
  dnsService: '10.96.0.10',
  services: '10.96.0.0/16',
  pods: '10.244.0.0/24',
} as const;

export const ports = { etcd: 2379, etcdPeer: 2380, apiServer: 6443, registry: 5000 } as const;

export interface Layout {
  /** Everything of the node lies in it. */
  readonly folder: string;
  readonly kubeconfig: string;
  readonly logs: string;
  /** Becomes /var/lib in the node: images, pods' volumes. */
  readonly varLib: string;
  /** Becomes /var/log. */
  readonly varLog: string;
  /** Network configuration for containerd. */
  readonly cni: string;
  /** Unix socket through which the host reaches addresses of the node's network (door.ts). */
  readonly door: string;
  /** What init.ts is to do, as JSON. */
  readonly plan: string;
  /** Files that are mounted over sysctls which the kubelet insists on writing, and over /etc/resolv.conf. */
  readonly masks: string;
  /** Blobs of the registry. */
  readonly registry: string;
}

export const layoutOf = (folder: string): Layout => ({
  folder,
  kubeconfig: join(folder, 'kubeconfig'),
  logs: join(folder, 'logs'),
  varLib: join(folder, 'var-lib'),
  varLog: join(folder, 'var-log'),
  cni: join(folder, 'cni'),
  door: join(folder, 'door.sock'),
  plan: join(folder, 'plan.json'),
  masks: join(folder, 'masks'),
  registry: join(folder, 'registry'),
});

export const containerdSocket = '/run/containerd/containerd.sock';
export const containerdConfig = (folder: string) => join(folder, 'containerd.toml');
export const kubeletConfig = (folder: string) => join(folder, 'kubelet.yaml');
export const proxyConfig = (folder: string) => join(folder, 'proxy.yaml');
export const corefile = (folder: string) => join(folder, 'Corefile');
export const pauseImage = 'localhost/pause:1';
