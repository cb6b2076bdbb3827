// What the control plane is made of: which versions, in which files, and how each part is had.

export const versions = { kubernetes: '1.37.2', etcd: '3.7.3', kwok: '0.8.0', helm: '4.3.1', go: '1.26' } as const;

export const programs = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubectl',
  'kwok',
] as const;
export type Program = (typeof programs)[number];

/** What tests need beside the control plane, had in the same way; who wants a control plane alone need not wait for it. */
export type Tool = 'helm';

/** What is downloaded or built in one go. */
export interface Part {
  readonly name: PartName;
  readonly version: string;
  readonly programs: readonly (Program | Tool)[];
  readonly build: {
    /** Folder under `go/` with the go.mod. */
    readonly module: string;
    readonly package: string;
    /** One file that behaves by the name it is called by, so every program is a link to it. */
    readonly linked: boolean;
    readonly ldflags: string;
    /** Seconds that a cold build took on two busy cores: tells a person how long to wait, decides nothing. */
    readonly elsewhereSeconds: number;
  };
}

export type PartName = 'etcd' | 'kubernetes' | 'kwok' | Tool;

const [major, minor] = versions.kubernetes.split('.');
const stamp = 'k8s.io/component-base/version';

export const parts: readonly Part[] = [
  {
    name: 'etcd',
    version: versions.etcd,
    programs: ['etcd'],
    build: {
      module: 'etcd',
      package: 'go.etcd.io/etcd/server/v3',
      linked: false,
      ldflags: '-s -w',
      elsewhereSeconds: 50,
    },
  },
  {
    name: 'kubernetes',
    version: versions.kubernetes,
    programs: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'],
    build: {
      module: 'kubernetes',
      package: '.',
      linked: true,
      ldflags: `-s -w -X ${stamp}.gitVersion=v${versions.kubernetes} -X ${stamp}.gitMajor=${major} -X ${stamp}.gitMinor=${minor}`,
      elsewhereSeconds: 330,
    },
  },
  {
    name: 'kwok',
    version: versions.kwok,
    programs: ['kwok'],
    build: {
      module: 'kwok',
      package: 'sigs.k8s.io/kwok/cmd/kwok',
      linked: false,
      ldflags: '-s -w',
      elsewhereSeconds: 60,
    },
  },
];

export const helm: Part = {
  name: 'helm',
  version: versions.helm,
  programs: ['helm'],
  build: {
    module: 'helm',
    package: 'helm.sh/helm/v4/cmd/helm',
    linked: false,
    ldflags: `-s -w -X helm.sh/helm/v4/internal/version.version=v${versions.helm}`,
    elsewhereSeconds: 205,
  },
};
