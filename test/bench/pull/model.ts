// A model of any size on a registry: a header that loads, and weights that mean nothing.
import { createHash, type Hash, randomBytes } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOfHex } from '../../../src/models/digest.ts';
import { configMediaType, type Descriptor, layerMediaTypes } from '../../../src/models/manifest.ts';
import { manifestBytes } from '../../../src/models/modelfile.ts';
import { parseReference } from '../../../src/models/reference.ts';
import { openStore, prepareStore, tempPath } from '../../../src/models/store.ts';
import { publishBlob, writeBlob } from '../../../src/models/storeBlobs.ts';
import { writeManifest } from '../../../src/models/storeManifests.ts';
import { tinyLlama } from '../../runtime/models/llama.ts';
import type { RunningRegistry } from '../../runtime/registries/server.ts';
import { upload } from '../../runtime/registries/upload.ts';

const PIECE_BYTES = 2 ** 20;

/** Random, since some file systems compress; each piece with a number in it, since some find what is twice there. */
async function writeWeights(file: FileHandle, size: number, hash: Hash): Promise<void> {
  const piece = randomBytes(PIECE_BYTES);
  const header = tinyLlama();
  for (let at = 0; at < size; at += PIECE_BYTES) {
    piece.writeDoubleLE(at, 0);
    if (at === 0) header.copy(piece);
    const part = piece.subarray(0, Math.min(PIECE_BYTES, size - at));
    hash.update(part);
    await file.writeFile(part);
  }
}

export interface UploadedModel {
  /** With the registry's host. */
  readonly reference: string;
  readonly weights: Descriptor;
}

/** Makes it below `folder`, uploads it, and removes what is no longer needed. */
export async function uploadModel(registry: RunningRegistry, folder: string, size: number): Promise<UploadedModel> {
  const store = openStore(join(folder, 'model'));
  await prepareStore(store);
  const temp = tempPath(store, 'weights');
  const hash = createHash('sha256');
  {
    await using file = await open(temp, 'w');
    await writeWeights(file, size, hash);
  }
  const weights = { mediaType: layerMediaTypes.model, digest: digestOfHex(hash.digest('hex')), size };
  await publishBlob(store, temp, weights.digest);
  const text = JSON.stringify({ model_format: 'gguf', model_family: 'llama', file_type: 'F16', architecture: 'amd64' });
  const config = { mediaType: configMediaType, digest: await writeBlob(store, Buffer.from(text)), size: text.length };
  await writeManifest(store, parseReference('bench'), manifestBytes(config, [weights]));
  const { reference } = await upload(registry, store.root, 'bench');
  await rm(store.root, { recursive: true });
  return { reference, weights };
}
