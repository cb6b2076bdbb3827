// What the real node is made of beside the control plane: which versions, and how each part is had.
import { join } from 'node:path';
import { versions as controlPlane } from '../../controlplane/versions.ts';
import { goPiece } from '../../runtime/versions.ts';

export const versions = {
  kubernetes: controlPlane.kubernetes,
  containerd: '2.4.2',
  coredns: '1.15.0',
  pause: '1',
} as const;

const module = (name: string) => join(import.meta.dirname, '..', 'go', name);
const plain = { ldflags: '-s -w', cgo: false, package: '.' } as const;
const [major, minor] = versions.kubernetes.split('.');
const stamp = 'k8s.io/component-base/version';

/** kubelet, kube-proxy, the enforcer of NetworkPolicy and the device plugin, by its first argument. */
export const kubenode = goPiece('kubenode', versions.kubernetes, {
  ...plain,
  module: module('kubenode'),
  ldflags: `-s -w -X ${stamp}.gitVersion=v${versions.kubernetes} -X ${stamp}.gitMajor=${major} -X ${stamp}.gitMinor=${minor}`,
  elsewhereSeconds: 240,
});

export const coredns = goPiece('coredns', versions.coredns, {
  ...plain,
  module: module('coredns'),
  elsewhereSeconds: 90,
});

export const pause = goPiece('pause', versions.pause, { ...plain, module: module('pause'), elsewhereSeconds: 5 });

const containerdPiece = (name: string, elsewhereSeconds: number) =>
  goPiece(name, versions.containerd, {
    ldflags: `-s -w -X github.com/containerd/containerd/v2/version.Version=v${versions.containerd}`,
    cgo: false,
    module: module('containerd'),
    package: `github.com/containerd/containerd/v2/cmd/${name}`,
    elsewhereSeconds,
  });

export const containerd = containerdPiece('containerd', 120);
export const shim = containerdPiece('containerd-shim-runc-v2', 20);
export const ctr = containerdPiece('ctr', 20);

/** What needs a C library or is not worth a build: Debian packages, unpacked and not installed. */
export const debian = {
  packages: ['runc', 'containernetworking-plugins', 'nftables', 'buildah'],
  programs: ['runc', 'buildah', 'nft', 'bridge', 'host-local', 'loopback'],
} as const;
