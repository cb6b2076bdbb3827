// Tidying of a store that is ours alone: what the latest revisions do not need goes, by mark and sweep over manifests.
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestOfBlobName } from './digest.ts';
import { removeFile } from './durable.ts';
import { fileError } from './errors.ts';
import { namesIn } from './files.ts';
import { blobsOf } from './manifest.ts';
import { manifestPath, type Reference } from './reference.ts';
import { forgetRevision, type RevisionRecord, readRevisions } from './revisions.ts';
import { blobPath, type Store } from './store.ts';
import { listBlobs, removeBlob } from './storeBlobs.ts';
import { listManifests, removeManifest, type StoredManifest } from './storeManifests.ts';

/**
 * Nothing younger than this is touched: on a shared volume whose locks do not work, it may belong to a pull that has not
 * written its manifest yet. The same hour that Ollama grants.
 */
export const GRACE_MS = 3_600_000;

export interface SweepOptions {
  /** The latest so many revisions keep their models. */
  readonly keepRevisions: number;
  /** Further ones that have pods, such as those that the lock names: an old one may still serve while newer ones fail. */
  readonly inUse?: readonly string[];
  /** Blobs that a pull under way needs: these stay, and so do their unfinished downloads. */
  readonly spared?: ReadonlySet<Digest>;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: number;
  readonly graceMs?: number;
}

export interface Swept {
  readonly models: readonly Reference[];
  readonly blobs: readonly Digest[];
  /** Of blobs and unfinished downloads, as they lay on the disk. */
  readonly freedBytes: number;
  /** Why nothing was done: what cannot be read might need what would go. */
  readonly refused?: string;
}

const nothing = (refused?: string): Swept => ({ models: [], blobs: [], freedBytes: 0, ...(refused && { refused }) });

/** Bytes of a file that has not changed since `before`; undefined for what is younger or gone. Links are not followed. */
async function sizeIfOld(path: string, before: number): Promise<number | undefined> {
  const stats = await lstat(path).catch(() => undefined);
  return stats && stats.mtimeMs < before ? stats.size : undefined;
}

const referencesOf = (records: readonly RevisionRecord[]): Set<string> =>
  new Set(records.flatMap(({ models }) => models.map(manifestPath)));

async function removeModels(store: Store, unwanted: readonly StoredManifest[], before: number): Promise<Reference[]> {
  const removed: Reference[] = [];
  for (const { path, reference } of unwanted) {
    if (!reference || (await sizeIfOld(path, before)) === undefined) continue;
    await removeManifest(store, reference);
    removed.push(reference);
  }
  return removed;
}

/** Marks by what is there now, so that a manifest that a younger pull has just written counts too. */
async function removeBlobs(
  store: Store,
  before: number,
  spared: ReadonlySet<Digest>,
): Promise<{ blobs: Digest[]; bytes: number } | undefined> {
  const manifests = await listManifests(store);
  // A file whose very name is no model's is served to nobody, so it needs nothing.
  if (manifests.some((stored) => 'problem' in stored && stored.reference)) return undefined;
  const needed = manifests.flatMap((stored) => ('raw' in stored ? blobsOf(stored.raw.manifest) : []));
  const marked = new Set([...spared, ...needed.map(({ digest }) => digest)]);
  const blobs: Digest[] = [];
  let bytes = 0;
  for (const digest of await listBlobs(store)) {
    const size = marked.has(digest) ? undefined : await sizeIfOld(blobPath(store, digest), before);
    if (size === undefined) continue;
    await removeBlob(store, digest);
    blobs.push(digest);
    bytes += size;
  }
  return { blobs, bytes };
}

const isOf = (name: string, digests: ReadonlySet<Digest>): boolean => {
  const digest = digestOfBlobName(name.split('.')[0] ?? '');
  return digest !== undefined && digests.has(digest);
};

async function removeLeftovers(store: Store, before: number, spared: ReadonlySet<Digest>): Promise<number> {
  let bytes = 0;
  for (const folder of [store.partial, store.temp, store.bad])
    for (const name of await namesIn(folder)) {
      if (isOf(name, spared)) continue;
      const path = join(folder, name);
      const size = await sizeIfOld(path, before);
      if (size === undefined) continue;
      await removeFile(path).catch((error: unknown) => {
        throw fileError(error, `remove ${path}`);
      });
      bytes += size;
    }
  return bytes;
}

/**
 * Call it with the lock of the store held, after the new model is verified and its revision recorded; before that with what it needs
 * as `spared`.
 * Removes names first, then blobs that no name needs, then what crashes have left, then the records: after a power cut at any
 * moment every manifest in the store is whole. Throws a PullError where the disk fails.
 */
export async function sweep(
  store: Store,
  { keepRevisions, inUse = [], spared = new Set(), now, graceMs = GRACE_MS }: SweepOptions,
): Promise<Swept> {
  const before = now - graceMs;
  const { records, unreadable } = await readRevisions(store);
  if (unreadable > 0) return nothing(`${unreadable} records in ${store.revisions} cannot be read`);
  const isKept = ({ revision }: RevisionRecord, index: number) => index < keepRevisions || inUse.includes(revision);
  const kept = records.filter(isKept);
  if (kept.length === 0) return nothing(`${store.revisions} holds no record`);
  const wanted = referencesOf(kept);
  const stored = await listManifests(store);
  const isWanted = ({ reference }: StoredManifest) => reference !== undefined && wanted.has(manifestPath(reference));
  const models = await removeModels(
    store,
    stored.filter((manifest) => !isWanted(manifest)),
    before,
  );
  const swept = await removeBlobs(store, before, spared);
  if (!swept) return { ...nothing(`a manifest in ${store.manifests} cannot be read`), models };
  const freedBytes = swept.bytes + (await removeLeftovers(store, before, spared));
  for (const { revision } of records.filter((record) => !kept.includes(record))) await forgetRevision(store, revision);
  return { models, blobs: swept.blobs, freedBytes };
}
