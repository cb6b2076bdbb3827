// Secrets and ConfigMaps that a pull needs, read from where they are mounted. The mounts are optional, so a missing object is
// an empty folder here: it is named, and nothing is tried without it.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type DockerCredentials, parseDockerCredentials } from '../models/dockerCredentials.ts';
import { PullError } from '../models/errors.ts';
import { readBounded } from '../models/files.ts';
import { type OllamaKey, parseOllamaKey } from '../models/ollamaKey.ts';
import type { PullSource } from './config.ts';

type RegistrySettings = Extract<PullSource, { kind: 'Registry' }>;
type Mount = NonNullable<RegistrySettings['credentials']>;

export interface Secrets {
  readonly docker?: DockerCredentials;
  readonly identity?: OllamaKey;
  /** PEM. */
  readonly ca?: string;
}

/** What Kubernetes allows for a Secret or ConfigMap as a whole. */
const MAX_BYTES = 1024 * 1024;

async function fileIn(path: string, key: string): Promise<string> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() ? path : join(path, key);
}

/** Says what the object is called and what was looked for; never what is in it. */
async function readEntry({ path, kind, name }: Mount, key: string): Promise<{ text: string; what: string }> {
  const what = `${key} of ${kind} ${name}`;
  const file = await fileIn(path, key);
  const bytes = await readBounded(file, MAX_BYTES, what);
  if (!bytes)
    throw new PullError(
      'SecretMissing',
      `${what} is not there (looked for at ${file}); make the ${kind} with that key in the namespace of the pod`,
    );
  return { text: bytes.toString('utf8'), what };
}

async function certificates(ca: NonNullable<RegistrySettings['ca']>): Promise<string> {
  const { text, what } = await readEntry(ca, ca.key);
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new PullError('SecretMissing', `${what} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)`);
}

/** Throws a PullError `SecretMissing` that names the first object that is missing or holds something else. */
export async function readSecrets({ credentials, identity, ca }: RegistrySettings): Promise<Secrets> {
  const docker = credentials && (await readEntry(credentials, '.dockerconfigjson'));
  const key = identity && (await readEntry(identity, 'id_ed25519'));
  return {
    ...(docker && { docker: parseDockerCredentials(docker.text, docker.what) }),
    ...(key && { identity: parseOllamaKey(key.text, key.what) }),
    ...(ca && { ca: await certificates(ca) }),
  };
}
