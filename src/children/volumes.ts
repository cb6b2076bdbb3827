// The volumes of a model pod, each with who mounts it and where: one table, so that no mount lacks its volume.
//
// Secrets and the lock are optional, so that a missing one is told by the container that needs it instead of by a pod that
// hangs in ContainerCreating; and they are never mounted by subPath, which would keep them from ever being renewed.
import { paths } from '../runtimes/runtime.ts';
import type { PodInput } from './input.ts';
import { childNames } from './metadata.ts';
import type { Container } from './pod.ts';

type Access = 'ReadOnly' | 'ReadWrite';
type Consumer = 'gateway' | 'pull' | 'main';

export interface PodVolume {
  name: string;
  /** The volume's source, as in a pod. */
  source: Record<string, unknown>;
  mountPath: string;
  by: Partial<Record<Consumer, Access>>;
}

type Rule = (input: PodInput) => PodVolume | undefined;

const optionalSecret = (secretName: string) => ({ secret: { secretName, optional: true } });

/** The store. With an image or a volume as source it is a small one: manifests, and links into the source. */
const models: Rule = ({ settings: { storage } }) => ({
  name: 'models',
  source:
    storage.kind === 'Claim'
      ? { persistentVolumeClaim: { claimName: storage.claimName } }
      : { emptyDir: { ...(storage.sizeLimit && { sizeLimit: storage.sizeLimit }) } },
  mountPath: paths.models,
  by: { pull: 'ReadWrite', main: 'ReadOnly' },
});

/** Whole, also where the model lies in a folder of it: subPath would make a missing folder a kubelet error; so the pull names it. */
const source: Rule = ({ settings: { model } }) => {
  const by = { pull: 'ReadOnly', main: 'ReadOnly' } as const;
  switch (model.source.kind) {
    case 'Registry':
      return undefined;
    case 'Image': {
      const { reference, pullPolicy } = model.source;
      return {
        name: 'source',
        source: { image: { reference, ...(pullPolicy && { pullPolicy }) } },
        mountPath: paths.source,
        by,
      };
    }
    case 'Volume': {
      const { claimName } = model.source;
      return {
        name: 'source',
        source: { persistentVolumeClaim: { claimName, readOnly: true } },
        mountPath: paths.source,
        by,
      };
    }
  }
};

const home: Rule = () => ({
  name: 'home',
  source: { emptyDir: {} },
  mountPath: paths.home,
  by: { pull: 'ReadWrite', main: 'ReadWrite' },
});

const tmp: Rule = () => ({
  name: 'tmp',
  source: { emptyDir: {} },
  mountPath: paths.tmp,
  by: { pull: 'ReadWrite', main: 'ReadWrite' },
});

/** Progress of the pull, and the gateway's socket. Not for the runtime: what it can write, the gateway must not believe. */
const shared: Rule = () => ({
  name: 'shared',
  source: { emptyDir: { sizeLimit: '16Mi' } },
  mountPath: paths.shared,
  by: { gateway: 'ReadWrite', pull: 'ReadWrite' },
});

/** What a runtime says of itself in a file. A volume of its own, so that it can write nothing else that the gateway reads. */
const report: Rule = ({ runtime }) =>
  runtime.reportFile === undefined
    ? undefined
    : {
        name: 'report',
        source: { emptyDir: { sizeLimit: '1Mi' } },
        mountPath: paths.report,
        by: { gateway: 'ReadOnly', main: 'ReadWrite' },
      };

const lock: Rule = ({ name }) => ({
  name: 'lock',
  source: { configMap: { name: childNames(name).lock, optional: true } },
  mountPath: paths.lock,
  by: { gateway: 'ReadOnly', pull: 'ReadOnly' },
});

const apiKeys: Rule = ({ settings: { api } }) =>
  api.authSecret
    ? {
        name: 'api-keys',
        source: optionalSecret(api.authSecret),
        mountPath: paths.apiKeys,
        by: { gateway: 'ReadOnly' },
      }
    : undefined;

const tls: Rule = ({ settings: { api } }) =>
  api.tlsSecret
    ? { name: 'tls', source: optionalSecret(api.tlsSecret), mountPath: paths.tls, by: { gateway: 'ReadOnly' } }
    : undefined;

const registryOf = ({ settings }: PodInput) =>
  settings.model.source.kind === 'Registry' ? settings.model.source : undefined;

const registryCredentials: Rule = (input) => {
  const secret = registryOf(input)?.credentialsSecretRef?.name;
  return secret
    ? {
        name: 'registry-credentials',
        source: optionalSecret(secret),
        mountPath: paths.registryCredentials,
        by: { pull: 'ReadOnly' },
      }
    : undefined;
};

const registryIdentity: Rule = (input) => {
  const secret = registryOf(input)?.identitySecretRef?.name;
  return secret
    ? {
        name: 'registry-identity',
        source: optionalSecret(secret),
        mountPath: paths.registryIdentity,
        by: { pull: 'ReadOnly' },
      }
    : undefined;
};

/** The one entry that was named, not the whole object: a Secret may hold a private key beside its certificate. */
const registryCa: Rule = (input) => {
  const bundle = registryOf(input)?.caBundleRef;
  if (!bundle) return undefined;
  const only = { items: [{ key: bundle.key, path: bundle.key }], optional: true };
  return {
    name: 'registry-ca',
    source:
      bundle.kind === 'Secret'
        ? { secret: { secretName: bundle.name, ...only } }
        : { configMap: { name: bundle.name, ...only } },
    mountPath: paths.registryCa,
    by: { pull: 'ReadOnly' },
  };
};

const rules: readonly Rule[] = [
  models,
  source,
  home,
  tmp,
  shared,
  report,
  lock,
  apiKeys,
  tls,
  registryCredentials,
  registryIdentity,
  registryCa,
];

/** The volumes that this pod has. */
export const podVolumes = (input: PodInput): PodVolume[] =>
  rules.map((rule) => rule(input)).filter((volume) => volume !== undefined);

/** As they stand in spec.volumes. */
export const volumeEntries = (volumes: readonly PodVolume[]) =>
  volumes.map(({ name, source }) => ({ name, ...source }));

/** What one container mounts of them. */
export function mountsOf(volumes: readonly PodVolume[], consumer: Consumer): NonNullable<Container['volumeMounts']> {
  return volumes.flatMap(({ name, mountPath, by }) => {
    const access = by[consumer];
    return access ? [{ name, mountPath, ...(access === 'ReadOnly' && { readOnly: true }) }] : [];
  });
}
