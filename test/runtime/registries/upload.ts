// Uploads a model from a store by the registry's own API (https://github.com/opencontainers/distribution-spec, "Push").
import { createReadStream } from 'node:fs';
import { fetch, type Response } from 'undici';
import type { Digest } from '../../../src/models/digest.ts';
import { blobsOf, manifestMediaType } from '../../../src/models/manifest.ts';
import { parseReference, repositoryOf } from '../../../src/models/reference.ts';
import { blobPath, openStore } from '../../../src/models/store.ts';
import { readManifest } from '../../../src/models/storeManifests.ts';
import type { RunningRegistry } from './server.ts';

/** As much of a registry as an upload needs. */
export type UploadTarget = Pick<RunningRegistry, 'host' | 'url' | 'dispatcher' | 'authorization'>;

async function expectStatus(response: Response, what: string, ...wanted: number[]): Promise<Response> {
  if (wanted.includes(response.status)) return response;
  throw new Error(`${what} was answered with ${response.status}: ${await response.text()}`);
}

/**
 * Uploads what the store has under that name, in the registry under the same namespace, model and tag. Returns how the registry
 * calls it, with its host, and the digest of the manifest.
 */
export async function upload(
  registry: UploadTarget,
  folder: string,
  name: string,
): Promise<{ reference: string; digest: Digest }> {
  const store = openStore(folder);
  const reference = parseReference(name);
  const raw = await readManifest(store, reference);
  if (!raw) throw new Error(`${folder} has no ${name}`);
  const repository = repositoryOf(reference);
  for (const { digest, size } of blobsOf(raw.manifest))
    await uploadBlob(registry, repository, digest, size, blobPath(store, digest));
  const response = await fetch(`${registry.url}/v2/${repository}/manifests/${reference.tag}`, {
    method: 'PUT',
    headers: { ...registry.authorization(repository), 'content-type': manifestMediaType },
    body: raw.bytes,
    dispatcher: registry.dispatcher,
  });
  await expectStatus(response, 'the manifest', 201);
  return { reference: `${registry.host}/${repository}:${reference.tag}`, digest: raw.digest };
}

async function uploadBlob(
  { url, dispatcher, authorization }: UploadTarget,
  repository: string,
  digest: Digest,
  size: number,
  path: string,
): Promise<void> {
  const headers = authorization(repository);
  const there = await fetch(`${url}/v2/${repository}/blobs/${digest}`, { method: 'HEAD', headers, dispatcher });
  if (there.status === 200) return;
  const begun = await fetch(`${url}/v2/${repository}/blobs/uploads/`, { method: 'POST', headers, dispatcher });
  const location = (await expectStatus(begun, 'the upload', 202)).headers.get('location') ?? '';
  const target = new URL(location, url);
  target.searchParams.set('digest', digest);
  const sent = await fetch(target, {
    method: 'PUT',
    headers: { ...headers, 'content-type': 'application/octet-stream', 'content-length': String(size) },
    body: createReadStream(path),
    duplex: 'half',
    dispatcher,
  });
  await expectStatus(sent, `blob ${digest}`, 201);
}
