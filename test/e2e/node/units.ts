// The command lines and configuration files of everything that runs in a real node.
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Layout as ControlPlaneLayout, type Flags, files, processSpec } from '../../controlplane/components.ts';
import type { NodeBinaries } from './binaries.ts';
import {
  containerdConfig,
  containerdSocket,
  corefile,
  kubeletConfig,
  type Layout,
  network,
  nodeName,
  pauseImage,
  ports,
  proxyConfig,
} from './layout.ts';
import type { Unit } from './plan.ts';

export const pki = {
  kubelet: 'pki/kubelet.crt',
  kubeletKey: 'pki/kubelet.key',
  kubeletClient: 'pki/apiserver-kubelet.crt',
  kubeletClientKey: 'pki/apiserver-kubelet.key',
  kubeletConfig: 'pki/kubelet.kubeconfig',
  proxyConfig: 'pki/proxy.kubeconfig',
} as const;

/** What a real node asks of the control plane beyond what simulated ones do. */
const flags = ({ folder }: Layout): Flags => ({
  'kube-apiserver': [
    '--bind-address=0.0.0.0',
    `--advertise-address=${network.node}`,
    '--endpoint-reconciler-type=lease', // so that pods find the API server by its Service
    '--authorization-mode=Node', // beside RBAC: the flag is a list
    '--enable-admission-plugins=NodeRestriction',
    `--kubelet-client-certificate=${join(folder, pki.kubeletClient)}`,
    `--kubelet-client-key=${join(folder, pki.kubeletClientKey)}`,
    `--kubelet-certificate-authority=${join(folder, files.ca)}`,
    '--kubelet-preferred-address-types=InternalIP',
  ],
});

/** Containerd's configuration, version 3 (https://github.com/containerd/containerd/blob/main/docs/cri/config.md). */
const containerdToml = ({ cni }: Layout, plugins: string): string => `version = 3
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.blockfile", "io.containerd.snapshotter.v1.erofs", "io.containerd.nri.v1.nri"]
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "${pauseImage}"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      SystemdCgroup = false
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["${plugins}"]
    conf_dir = "${cni}"
`;

const bridge = {
  cniVersion: '1.0.0',
  name: 'pods',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      hairpinMode: true,
      ipMasq: false,
      ipam: {
        type: 'host-local',
        dataDir: '/run/cni-addresses',
        ranges: [[{ subnet: network.pods }]],
        routes: [{ dst: '0.0.0.0/0' }],
      },
    },
  ],
};

const kubelet = ({ folder }: Layout, cgroup: string) => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  failCgroupV1: false,
  cgroupDriver: 'cgroupfs',
  cgroupRoot: `/${cgroup}`,
  failSwapOn: false,
  oomScoreAdj: 0, // lowering it needs CAP_SYS_RESOURCE
  featureGates: { KubeletInUserNamespace: true },
  containerRuntimeEndpoint: `unix://${containerdSocket}`,
  resolvConf: '/etc/resolv.conf',
  clusterDNS: [network.dnsService],
  clusterDomain: 'cluster.local',
  // The disk is that of the whole machine, which may be rather full without any harm to us.
  imageGCHighThresholdPercent: 100,
  imageGCLowThresholdPercent: 99,
  evictionHard: {
    'memory.available': '100Mi',
    'nodefs.available': '0%',
    'nodefs.inodesFree': '0%',
    'imagefs.available': '0%',
    'imagefs.inodesFree': '0%',
  },
  enforceNodeAllocatable: ['pods'],
  volumePluginDir: '/var/lib/kubelet/volume-plugins',
  nodeStatusUpdateFrequency: '2s',
  syncFrequency: '10s', // of ConfigMaps and Secrets in pods, too
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true },
    x509: { clientCAFile: join(folder, files.ca) },
  },
  authorization: { mode: 'Webhook' },
  tlsCertFile: join(folder, pki.kubelet),
  tlsPrivateKeyFile: join(folder, pki.kubeletKey),
});

const proxy = ({ folder }: Layout) => ({
  apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
  kind: 'KubeProxyConfiguration',
  mode: 'nftables',
  clusterCIDR: network.pods,
  clientConnection: { kubeconfig: join(folder, pki.proxyConfig) },
  conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
});

const coreConfig = ({ kubeconfig }: Layout): string => `.:53 {
  bind ${network.node}
  errors
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${kubeconfig} local-model-operator
  }
}
`;

/** By path. */
export const configurationFiles = (layout: Layout, binaries: NodeBinaries, cgroup: string): Record<string, string> => ({
  [containerdConfig(layout.folder)]: containerdToml(layout, binaries.debian),
  [join(layout.cni, '10-bridge.conflist')]: JSON.stringify(bridge),
  [kubeletConfig(layout.folder)]: stringify(kubelet(layout, cgroup)),
  [proxyConfig(layout.folder)]: stringify(proxy(layout)),
  [corefile(layout.folder)]: coreConfig(layout),
});

const controlPlaneLayout = (layout: Layout): ControlPlaneLayout => ({
  folder: layout.folder,
  ports,
  kubeconfig: layout.kubeconfig,
  auditLog: join(layout.folder, 'audit.log'),
  durable: false,
  heartbeats: true,
  flags: flags(layout),
});

const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** For every program that runs in the node. */
export const environment = ({ folders }: NodeBinaries, home: string): Record<string, string> => ({
  HOME: home,
  PATH: [...folders, systemPath].join(':'),
});

/** All units; `devices` is the number of simulated GPUs. */
export function units(layout: Layout, binaries: NodeBinaries, devices: number): Unit[] {
  const { folder, logs } = layout;
  const env = environment(binaries, folder);
  const plain = (name: string, program: string, argv: string[], after?: string): Unit => ({
    name,
    program,
    argv,
    env,
    log: join(logs, `${name}.log`),
    ...(after && { after }),
  });
  const managed = (['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const).map((name) =>
    processSpec(name, binaries.controlPlane, controlPlaneLayout(layout)),
  );
  const identity = [`--hostname-override=${nodeName}`];
  const kubeletArgv = [
    'kubelet',
    `--config=${kubeletConfig(folder)}`,
    `--kubeconfig=${join(folder, pki.kubeletConfig)}`,
    `--node-ip=${network.node}`,
    ...identity,
    '--v=2',
  ];
  const registryArgv = [`-listen=0.0.0.0:${ports.registry}`, `-folder=${layout.registry}`];
  return [
    ...managed,
    plain('containerd', binaries.containerd, ['--config', containerdConfig(folder)]),
    plain('kubelet', binaries.kubenode, kubeletArgv, containerdSocket),
    plain('kube-proxy', binaries.kubenode, ['kube-proxy', `--config=${proxyConfig(folder)}`, ...identity]),
    plain('network-policy', binaries.kubenode, ['network-policy', `--kubeconfig=${layout.kubeconfig}`]),
    plain('coredns', binaries.coredns, ['-conf', corefile(folder)]),
    plain('registry', binaries.registries.gcr, registryArgv),
    ...(devices > 0
      ? [
          plain(
            'device-plugin',
            binaries.kubenode,
            ['device-plugin', '--resource=nvidia.com/gpu', `--count=${devices}`],
            '/var/lib/kubelet/device-plugins/kubelet.sock',
          ),
        ]
      : []),
  ];
}
