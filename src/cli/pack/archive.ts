// Writes an image archive: every file is read once, piece by piece, and hashed on its way.
import { createHash, type Hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { type Digest, digestOfHex } from '../../models/digest.ts';
import { fileError, PullError } from '../../models/errors.ts';
import { type PackedFile, titleOf } from './contents.ts';
import { blobFile, type Document, type Image, type ImageLayer, imageDocuments } from './documents.ts';
import type { Layer } from './layers.ts';
import { type Output, writeWhole } from './output.ts';
import { paddingOf, tarEnd, tarHeader, tarSize } from './tar.ts';

export interface PackOptions {
  readonly signal: AbortSignal;
  /** Called with the size of each piece of a file that was packed. */
  readonly onBytes: (bytes: number) => void;
}

export interface Packed {
  /** Of the archive file. */
  readonly size: number;
  /** Of the image's manifest: what a registry shows for it. */
  readonly digest: Digest;
  readonly layers: readonly ImageLayer[];
}

const PIECE_BYTES = 1 << 20;
/** Stands in a header until the bytes have shown what it is. */
const UNKNOWN: Digest = digestOfHex('0'.repeat(64));
const FOLDERS = ['blobs/', 'blobs/sha256/'] as const;

interface Target {
  write(bytes: Uint8Array): Promise<void>;
}

/** Throws a PullError `Corrupt` unless the file has exactly the bytes that its digest promises. */
function refuseDifferent(file: PackedFile, size: number, hash: Hash): void {
  const title = titleOf(file);
  const cure = file.cure && `; ${file.cure}`;
  if (size !== file.size)
    throw new PullError(
      'Corrupt',
      `${title} ends after ${size} of ${file.size} bytes: it was changed meanwhile${cure}`,
    );
  const digest = digestOfHex(hash.digest('hex'));
  if (digest !== file.digest)
    throw new PullError(
      'Corrupt',
      `${title} does not match its digest ${file.digest}: its bytes make ${digest}${cure}`,
    );
}

/** In pieces, each valid until the next; no further than `size`. Throws a PullError where the disk fails. */
async function* piecesOf(path: string, size: number): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(Math.min(PIECE_BYTES, Math.max(1, size)));
  try {
    await using source = await open(path, 'r');
    for (let position = 0; position < size; ) {
      const { bytesRead } = await source.read(buffer, 0, Math.min(buffer.length, size - position), position);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      position += bytesRead;
    }
  } catch (error) {
    throw fileError(error, `read ${path}`);
  }
}

async function writeFile(file: PackedFile, target: Target, { signal, onBytes }: PackOptions): Promise<void> {
  const { content } = file;
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of 'bytes' in content ? [content.bytes] : piecesOf(content.path, file.size)) {
    signal.throwIfAborted();
    hash.update(piece);
    size += piece.length;
    await target.write(piece);
    onBytes(piece.length);
  }
  refuseDifferent(file, size, hash);
}

/** The disk writes while the processor hashes. */
function hashing(output: Output): Target & { readonly hash: Hash } {
  const hash = createHash('sha256');
  return {
    hash,
    async write(bytes) {
      const written = output.append(bytes);
      hash.update(bytes);
      await written;
    },
  };
}

/** A tar within the tar, whose name is the digest of its bytes: so the name is filled in when they are written. */
async function writeLayer({ title, entries, size }: Layer, output: Output, options: PackOptions): Promise<ImageLayer> {
  const start = output.position;
  await output.append(tarHeader({ name: blobFile(UNKNOWN), size }));
  const target = hashing(output);
  for (const { file, ...entry } of entries) {
    await target.write(tarHeader(entry));
    if (file) await writeFile(file, target, options);
    await target.write(Buffer.alloc(paddingOf(entry.size)));
  }
  await target.write(tarEnd);
  await output.append(Buffer.alloc(paddingOf(size)));
  const digest = digestOfHex(target.hash.digest('hex'));
  await output.replace(tarHeader({ name: blobFile(digest), size }), start);
  return { title, digest, size };
}

async function writeDocument({ name, bytes }: Document, output: Output): Promise<void> {
  const header = tarHeader({ name, size: bytes.length });
  await output.append(Buffer.concat([header, bytes, Buffer.alloc(paddingOf(bytes.length))]));
}

type Labelled = Omit<Image, 'layers'>;

/** Known before the first byte: digests have one length. */
export function archiveSize(layers: readonly Layer[], image: Labelled): number {
  const placeholders = layers.map(({ title, size }) => ({ title, size, digest: UNKNOWN }));
  const { documents } = imageDocuments({ ...image, layers: placeholders });
  return tarSize([
    ...FOLDERS.map((name) => ({ name, size: 0 })),
    ...layers.map(({ size }) => ({ name: blobFile(UNKNOWN), size })),
    ...documents.map(({ name, bytes }) => ({ name, size: bytes.length })),
  ]);
}

/**
 * Writes the archive to `path`, in place of an older one. The same files give the same bytes.
 * Rejects with a PullError: Corrupt with the name of the file that does not match its digest, DiskFull; or the signal's reason.
 * Then nothing is at `path` that was not there before.
 */
export async function writeArchive(
  path: string,
  layers: readonly Layer[],
  image: Labelled,
  options: PackOptions,
): Promise<Packed> {
  const size = archiveSize(layers, image);
  return writeWhole(path, size, async (output) => {
    for (const name of FOLDERS) await output.append(tarHeader({ name, size: 0 }));
    const written: ImageLayer[] = [];
    for (const layer of layers) written.push(await writeLayer(layer, output, options));
    const { documents, digest } = imageDocuments({ ...image, layers: written });
    for (const document of documents) await writeDocument(document, output);
    await output.append(tarEnd);
    return { size: output.position, digest, layers: written };
  });
}
