// Blobs of a store: how they get in, how they are checked, and where bad ones go.
import { lutimes, readlink, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { blobName, type Digest, digestOf, digestOfBlobName, shortDigest } from './digest.ts';
import { linkDurably, publishFile, removeFile, syncFolder, writeDurably } from './durable.ts';
import { errorCode, fileError, PullError } from './errors.ts';
import { digestOfFile, type FileDigestOptions } from './fileDigest.ts';
import { namesIn, readBounded } from './files.ts';
import type { Descriptor } from './manifest.ts';
import { blobPath, blobSize, hasBlob, type Store, tempPath } from './store.ts';

/**
 * Where a download goes until it is whole. The caller may put its state beside it (`<path>.json`).
 * The name belongs to this writer; another one's file may be taken over only under the lock.
 */
export const partialPath = ({ partial, writer }: Store, digest: Digest): string =>
  join(partial, `${blobName(digest)}.${writer}`);

/** Paths of all unfinished downloads of a blob, whoever began them. */
export async function partialsOf({ partial }: Store, digest: Digest): Promise<string[]> {
  const names = await namesIn(partial);
  return names.filter((name) => name.startsWith(`${blobName(digest)}.`)).map((name) => join(partial, name));
}

/**
 * Moves a file whose hash the caller has computed to its place in the store: fsync, rename, fsync of the folder.
 * What was there before, a link or a damaged file, is replaced; readers that have it open keep what they have.
 */
export const publishBlob = (store: Store, temp: string, digest: Digest): Promise<void> =>
  publishFile(temp, blobPath(store, digest));

/** Small content of our own, such as the layers of a derived model. Writes nothing where the same bytes are there already. */
export async function writeBlob(store: Store, bytes: Uint8Array): Promise<Digest> {
  const digest = digestOf(bytes);
  const path = blobPath(store, digest);
  const current = await readBounded(path, bytes.length, path).catch(() => undefined);
  if (!current?.equals(bytes)) await writeDurably(tempPath(store, blobName(digest)), path, bytes);
  return digest;
}

/** A whole small blob, checked against its digest. Throws a PullError, `Corrupt` also where it is missing or over `maxBytes`. */
export async function readBlob(store: Store, { digest, size }: Descriptor, maxBytes: number): Promise<Buffer> {
  const path = blobPath(store, digest);
  const bytes = await readBounded(path, maxBytes, `blob ${shortDigest(digest)}`);
  if (bytes === undefined) throw new PullError('Corrupt', `${path} is missing`);
  if (bytes.length !== size || digestOf(bytes) !== digest)
    throw new PullError('Corrupt', `${path} does not match its digest`);
  return bytes;
}

/** Makes the blob a link to a file elsewhere, such as in a read-only mount. A whole file that is there already stays. */
export async function linkBlob(store: Store, { digest, size }: Descriptor, target: string): Promise<void> {
  const path = blobPath(store, digest);
  if ((await hasBlob(store, { digest, size, mediaType: '' })) && (await linkTarget(path)) === undefined) return;
  if ((await linkTarget(path)) === target) return;
  await linkDurably(tempPath(store, blobName(digest)), path, target);
}

/** Where a link points; undefined for everything else. */
async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch {
    return undefined;
  }
}

/** Hashes the blob. `missing` and `wrong` are answers, not errors; throws a PullError where the disk fails. */
export async function checkBlob(
  store: Store,
  { digest, size }: Descriptor,
  options: FileDigestOptions = {},
): Promise<'good' | 'missing' | 'wrong'> {
  const present = await blobSize(store, digest);
  if (present === undefined) return 'missing';
  if (present !== size) return 'wrong';
  return (await digestOfFile(blobPath(store, digest), options)).digest === digest ? 'good' : 'wrong';
}

/** Moves a bad blob aside, in place of an earlier one of the same digest. Of a link only the link goes. Returns where it lies now. */
export async function quarantine(store: Store, digest: Digest): Promise<string> {
  const path = blobPath(store, digest);
  const aside = join(store.bad, basename(path));
  try {
    await rename(path, aside);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw fileError(error, `move ${path} aside`);
  }
  await syncFolder(store.blobs);
  return aside;
}

/** Blobs that were moved aside and not replaced yet, or not cleared away. */
export async function quarantined({ bad }: Store): Promise<Digest[]> {
  return (await namesIn(bad)).map(digestOfBlobName).filter((digest) => digest !== undefined);
}

/** What was moved aside takes room; once a good one is there it has told its story. */
export async function emptyQuarantine({ bad }: Store): Promise<void> {
  for (const name of await namesIn(bad)) await rm(join(bad, name), { force: true, recursive: true });
}

/** Marks the blob as in use now, as Ollama does, so that another program's clean-up spares it. Where that is not allowed: no matter. */
export async function touchBlob(store: Store, digest: Digest, now: Date): Promise<void> {
  await lutimes(blobPath(store, digest), now, now).catch(() => undefined);
}

export async function listBlobs({ blobs }: Store): Promise<Digest[]> {
  return (await namesIn(blobs)).map(digestOfBlobName).filter((digest) => digest !== undefined);
}

export const removeBlob = async (store: Store, digest: Digest): Promise<void> => {
  const path = blobPath(store, digest);
  try {
    await removeFile(path);
  } catch (error) {
    throw fileError(error, `remove ${path}`);
  }
};
