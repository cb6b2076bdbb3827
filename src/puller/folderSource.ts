// A folder as the source of a model: a store or a bare GGUF that an image or a volume has brought. No weight is copied.
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Digest } from '../models/digest.ts';
import { errorCode, fileError, PullError } from '../models/errors.ts';
import { digestOfFile } from '../models/fileDigest.ts';
import { namesIn } from '../models/files.ts';
import { readGguf } from '../models/gguf.ts';
import { type GgufFile, modelOfGguf } from '../models/ggufModel.ts';
import { linkFrom, refuseEscape } from '../models/linkedStore.ts';
import { type Descriptor, parseManifest, type RawManifest } from '../models/manifest.ts';
import type { Derived } from '../models/modelfile.ts';
import { parseReference, type Reference, shortReference } from '../models/reference.ts';
import { blobPath, blobSize, hasBlob, openStore, type Store } from '../models/store.ts';
import { linkBlob, writeBlob } from '../models/storeBlobs.ts';
import { findManifest, listManifests, readManifest } from '../models/storeManifests.ts';
import type { PullSource } from './config.ts';
import type { ModelSource, PullContext } from './sources.ts';

type FolderSettings = Exclude<PullSource, { kind: 'Registry' }>;

type Content =
  | { readonly kind: 'Store'; readonly store: Store }
  | { readonly kind: 'Gguf'; readonly files: readonly GgufFile[]; readonly model: Derived };

const titleOf = (source: FolderSettings): string =>
  source.kind === 'Image' ? `the image ${source.reference}` : `the claim ${source.claimName}`;

const isGguf = (name: string) => name.toLowerCase().endsWith('.gguf');

async function kindOfPath(path: string): Promise<'file' | 'folder' | undefined> {
  try {
    const stats = await stat(path);
    if (stats.isFile()) return 'file';
    return stats.isDirectory() ? 'folder' : undefined;
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw fileError(error, `look at ${path}`);
  }
}

/** Reads nothing before it is first asked. `declared`: the reference that a bare GGUF, which has no name of its own, answers to. */
export function createFolderSource(
  source: FolderSettings,
  declared: string,
  store: Store,
  context: PullContext,
): ModelSource {
  const { progress, signal } = context;
  const title = titleOf(source);
  let found: Promise<Content> | undefined;

  async function gguf(root: string, paths: readonly string[]): Promise<Content> {
    const facts = await Promise.all(
      paths.map(async (path) => {
        await refuseEscape(root, path);
        return { path, header: await readGguf(path, signal), size: (await stat(path)).size };
      }),
    );
    const layers = facts.map(({ size }, index) => ({ digest: placeholder(index), size, mediaType: 'model' }));
    progress.begin('Verifying', { layers });
    const files: GgufFile[] = [];
    for (const [index, { path, header }] of facts.entries()) {
      let read = 0;
      const onBytes = (bytes: number) => {
        read += bytes;
        progress.layer(placeholder(index), read, bytes);
      };
      files.push({ path, header, ...(await digestOfFile(path, { signal, onBytes })) });
    }
    return { kind: 'Gguf', files, model: modelOfGguf(parseReference(declared), files) };
  }

  async function look(): Promise<Content> {
    const { path } = source;
    const kind = await kindOfPath(path);
    if (kind === 'file') return gguf(join(path, '..'), [path]);
    if (kind === undefined) throw new PullError('NotFound', `${title} has nothing at ${path}`);
    // As in an image of Ollama's own, whose store lies one level down.
    for (const root of [path, join(path, 'models')])
      if ((await kindOfPath(join(root, 'manifests'))) === 'folder') return { kind: 'Store', store: openStore(root) };
    const names = (await namesIn(path)).filter(isGguf);
    if (names.length > 0)
      return gguf(
        path,
        names.map((name) => join(path, name)),
      );
    throw new PullError(
      'NotFound',
      `${title} holds neither a store (a folder manifests) nor a file *.gguf at ${path}; lmd pack makes an image that does`,
    );
  }

  const content = () => {
    found ??= look();
    return found;
  };

  return {
    async manifest(reference, digest) {
      const there = await content();
      return there.kind === 'Store'
        ? manifestIn(there.store, reference, digest, title)
        : manifestOf(there.model, { reference, digest, declared, title });
    },
    spaceFor: async () => 0,
    async bring(_, blob) {
      const there = await content();
      if (there.kind === 'Store') await bringFrom(there.store, blob, { store, title, context });
      else await bringGguf(there, blob, { store, title });
      progress.layer(blob.digest, blob.size, 0);
    },
    close: async () => undefined,
  };
}

/** A file has no digest before it is hashed, and progress goes by digests. */
const placeholder = (index: number): Digest => `sha256:${String(index).padStart(64, '0')}`;

const SHOWN_NAMES = 5;

async function namesOf(store: Store): Promise<string> {
  const names = (await listManifests(store)).flatMap(({ reference }) => (reference ? shortReference(reference) : []));
  if (names.length === 0) return 'it holds no model';
  const more = names.length > SHOWN_NAMES ? ` and ${names.length - SHOWN_NAMES} more` : '';
  return `it holds ${names.slice(0, SHOWN_NAMES).join(', ')}${more}`;
}

async function manifestIn(
  from: Store,
  reference: Reference,
  digest: Digest | undefined,
  title: string,
): Promise<RawManifest> {
  const pinned = digest && (await findManifest(from, digest, reference))?.raw;
  if (pinned) return pinned;
  const named = await readManifest(from, reference);
  if (!named)
    throw new PullError(
      'NotFound',
      `${title} has no ${digest ?? shortReference(reference)} in ${from.root}; ${await namesOf(from)}`,
    );
  if (digest !== undefined)
    throw new PullError(
      'DigestMismatch',
      `${title} holds ${named.digest} as ${shortReference(reference)}, not ${digest}`,
    );
  return named;
}

interface Asked {
  reference: Reference;
  digest: Digest | undefined;
  declared: string;
  title: string;
}

function manifestOf(model: Derived, { reference, digest, declared, title }: Asked): RawManifest {
  const name = shortReference(reference);
  if (name !== shortReference(parseReference(declared)))
    throw new PullError(
      'NotFound',
      `${title} holds a bare GGUF and so no ${name}; an adapter can lie beside it, as a GGUF of type adapter`,
    );
  if (digest !== undefined && digest !== model.digest)
    throw new PullError('DigestMismatch', `${title} holds what makes ${model.digest} as ${name}, not ${digest}`);
  return parseManifest(model.bytes, `the manifest of ${name}`);
}

interface Bringing {
  store: Store;
  title: string;
}

/** A bad file there cannot be mended from here, so the message names the file itself. */
async function bringFrom(
  from: Store,
  blob: Descriptor,
  { store, title, context: { progress, signal } }: Bringing & { context: PullContext },
): Promise<void> {
  const path = blobPath(from, blob.digest);
  const size = await blobSize(from, blob.digest);
  if (size !== blob.size)
    throw new PullError(
      'Corrupt',
      `${title} is not whole: ${path} ${size === undefined ? 'is missing' : `has ${size} bytes`}, and the manifest says ${blob.size} bytes`,
    );
  let read = 0;
  const onBytes = (bytes: number) => {
    read += bytes;
    progress.layer(blob.digest, read, bytes);
  };
  await refuseEscape(from.root, path);
  const { digest } = await digestOfFile(path, { signal, onBytes });
  if (digest !== blob.digest)
    throw new PullError('Corrupt', `${title} is damaged: ${path} does not match its digest; it is ${digest}`);
  await linkFrom(store, from, blob);
}

/** The weights were hashed when they got their name. */
async function bringGguf(
  { files, model }: Extract<Content, { kind: 'Gguf' }>,
  blob: Descriptor,
  { store, title }: Bringing,
): Promise<void> {
  const file = files.find(({ digest }) => digest === blob.digest);
  if (file) return linkBlob(store, blob, file.path);
  const own = model.blobs.find(({ digest }) => digest === blob.digest);
  if (own) return void (await writeBlob(store, own.bytes));
  if (await hasBlob(store, blob)) return;
  const names = files.map(({ path }) => basename(path)).join(', ');
  throw new PullError('Corrupt', `${title} no longer holds ${blob.digest}; it holds ${names}`);
}
