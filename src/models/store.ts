// A model store in Ollama's layout, as a folder: blobs by digest, manifests by name, and a corner of our own for what is not finished.
import { randomUUID } from 'node:crypto';
import { access, chmod, constants, mkdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from './bytes.ts';
import { blobName, type Digest } from './digest.ts';
import { fileError, PullError } from './errors.ts';
import { sizeOfFile } from './files.ts';
import type { Descriptor } from './manifest.ts';
import { manifestPath, type Reference } from './reference.ts';

/**
 * Beside `blobs` and `manifests`, where Ollama never looks: it takes every file four levels below manifests for a manifest,
 * also one with a dot in front, and a server without OLLAMA_NOPRUNE removes strangers from blobs.
 */
const OWN = '.local-model';

export interface Store {
  readonly root: string;
  /** Goes into the names of all that this process writes aside, so that no other writer uses them. */
  readonly writer: string;
  readonly blobs: string;
  readonly manifests: string;
  /** Files that are about to be renamed to where they belong; of no use after a crash. */
  readonly temp: string;
  /** Downloads that can be resumed. */
  readonly partial: string;
  /** Blobs that did not match their digest. */
  readonly bad: string;
  /** One record per revision that has used the store. */
  readonly revisions: string;
  /** Of the lock that pullers of one store take. */
  readonly lockFile: string;
}

/** `writer`: letters, digits and -, different for every process; a random one unless given. Touches nothing. */
export function openStore(root: string, writer: string = randomUUID()): Store {
  const own = join(root, OWN);
  return {
    root,
    writer,
    blobs: join(root, 'blobs'),
    manifests: join(root, 'manifests'),
    temp: join(own, 'temp'),
    partial: join(own, 'partial'),
    bad: join(own, 'bad'),
    revisions: join(own, 'revisions'),
    lockFile: join(own, 'lock'),
  };
}

export const blobPath = ({ blobs }: Store, digest: Digest): string => join(blobs, blobName(digest));

export const manifestFile = ({ manifests }: Store, reference: Reference): string =>
  join(manifests, manifestPath(reference));

/** A name in the same file system that nobody else uses. `hint` is for people who look into the folder. */
export const tempPath = ({ temp, writer }: Store, hint: string): string =>
  join(temp, `${hint}.${writer}.${randomUUID().slice(0, 8)}`);

/** Readable by the runtime, which may be another user; writable by the group, for pods that share only fsGroup. */
const FOLDER_MODE = 0o775;
export const FILE_MODE = 0o644;

/** Makes the folder and what is above it, whatever the umask; leaves bits such as setgid. Throws a PullError. */
export async function makeFolder(path: string): Promise<void> {
  try {
    const first = await mkdir(path, { recursive: true, mode: FOLDER_MODE });
    if (first === undefined) return;
    for (let folder = path; folder.length >= first.length; folder = join(folder, '..')) {
      const { mode } = await stat(folder);
      if ((mode & FOLDER_MODE) !== FOLDER_MODE) await chmod(folder, (mode & 0o7777) | FOLDER_MODE);
    }
  } catch (error) {
    throw fileError(error, `make the folder ${path}`);
  }
}

/** Makes the folders that are missing and sees to it that all can be written. Throws a PullError, `ReadOnlyStore` above all. */
export async function prepareStore(store: Store): Promise<void> {
  for (const folder of [store.blobs, store.manifests, store.temp, store.partial, store.bad, store.revisions]) {
    await makeFolder(folder);
    try {
      await access(folder, constants.W_OK | constants.X_OK);
    } catch (error) {
      throw fileError(error, `write to ${folder}`);
    }
  }
}

/** Bytes of a blob; undefined where there is no such file. Throws a PullError. */
export const blobSize = (store: Store, digest: Digest): Promise<number | undefined> =>
  sizeOfFile(blobPath(store, digest));

/** Present with the size that the manifest gives; says nothing of its content. */
export const hasBlob = async (store: Store, { digest, size }: Descriptor): Promise<boolean> =>
  (await blobSize(store, digest)) === size;

/** Those that are not there, or not of their size. */
export async function missingBlobs(store: Store, blobs: readonly Descriptor[]): Promise<Descriptor[]> {
  const present = await Promise.all(blobs.map((blob) => hasBlob(store, blob)));
  return blobs.filter((_, index) => !present[index]);
}

/** Bytes that may still be written. On an emptyDir with a sizeLimit kubelet may say stop before that. */
export async function freeBytes({ root }: Store): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(root);
    return bavail * bsize;
  } catch (error) {
    throw fileError(error, `ask for the free space of ${root}`);
  }
}

/** Throws a PullError `DiskFull` unless so many bytes fit. */
export async function requireSpace(store: Store, bytes: number): Promise<void> {
  const free = await freeBytes(store);
  if (bytes > free)
    throw new PullError('DiskFull', `needs ${formatBytes(bytes)}, ${formatBytes(free)} free on ${store.root}`);
}
