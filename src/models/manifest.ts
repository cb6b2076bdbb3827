// Manifests and configs of Ollama models: Docker's image manifest v2 with Ollama's media types, read with bounds.
import * as z from 'zod';
import { type Digest, digestOf, isDigest } from './digest.ts';
import { PullError } from './errors.ts';

export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
export const MAX_CONFIG_BYTES = 1024 * 1024;

export const manifestMediaType = 'application/vnd.docker.distribution.manifest.v2+json';
export const ociManifestMediaType = 'application/vnd.oci.image.manifest.v1+json';
export const configMediaType = 'application/vnd.docker.container.image.v1+json';

/** Of layers. What Ollama does with each: its server/images.go GetModel. */
export const layerMediaTypes = {
  model: 'application/vnd.ollama.image.model',
  projector: 'application/vnd.ollama.image.projector',
  adapter: 'application/vnd.ollama.image.adapter',
  draft: 'application/vnd.ollama.image.draft',
  tensor: 'application/vnd.ollama.image.tensor',
  json: 'application/vnd.ollama.image.json',
  template: 'application/vnd.ollama.image.template',
  /** The old name of template, still read. */
  prompt: 'application/vnd.ollama.image.prompt',
  system: 'application/vnd.ollama.image.system',
  params: 'application/vnd.ollama.image.params',
  messages: 'application/vnd.ollama.image.messages',
  license: 'application/vnd.ollama.image.license',
} as const;

export type LayerKind = keyof typeof layerMediaTypes;

const kindByMediaType = new Map<string, LayerKind>(
  (Object.keys(layerMediaTypes) as LayerKind[]).map((kind) => [layerMediaTypes[kind], kind]),
);

const descriptor = z.object({
  mediaType: z.string().max(255),
  digest: z.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'must be sha256: and 64 digits'),
  size: z.int().min(0),
  /** Name of the model that the layer was taken from. */
  from: z.string().optional(),
  /** Of a tensor or a file of a model in safetensors form. */
  name: z.string().optional(),
});

export type Descriptor = z.output<typeof descriptor>;

/** Ollama takes a manifest without a config (its digest is then empty). */
const noConfig = z.object({ digest: z.literal('').optional() }).transform((): undefined => undefined);

const manifestShape = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  config: z.union([descriptor, noConfig]).optional(),
  /** Null for a model that runs elsewhere. */
  layers: z.array(descriptor).nullable(),
});

export interface Manifest {
  readonly mediaType?: string | undefined;
  readonly config?: Descriptor | undefined;
  readonly layers: readonly Descriptor[];
}

/** A manifest as it came: what it says, and the very bytes that its digest is of. */
export interface RawManifest {
  readonly manifest: Manifest;
  readonly bytes: Uint8Array;
  readonly digest: Digest;
}

export const kindOf = ({ mediaType }: Descriptor): LayerKind | undefined => kindByMediaType.get(mediaType);

export const layersOf = ({ layers }: Manifest, kind: LayerKind): Descriptor[] =>
  layers.filter((layer) => kindOf(layer) === kind);

/** Every blob once: layers first, as Ollama fetches them, then the config. */
export function blobsOf({ layers, config }: Manifest): Descriptor[] {
  const all = config ? [...layers, config] : layers;
  return [...new Map(all.map((blob) => [blob.digest, blob])).values()];
}

/** Bytes of all its blobs; what two layers share counts once. */
export const sizeOf = (manifest: Manifest): number => blobsOf(manifest).reduce((sum, { size }) => sum + size, 0);

/** Throws a PullError `Corrupt`, also for what is not UTF-8. */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new PullError('Corrupt', `${what} is not JSON`, { cause });
  }
}

export function refuseOver(limit: number, size: number, what: string): void {
  if (size > limit) throw new PullError('Corrupt', `${what} is ${size} bytes; more than ${limit} are refused`);
}

const firstIssue = (error: z.ZodError): string => {
  const issue = error.issues[0];
  return issue ? `${issue.path.join('.') || 'it'}: ${issue.message}` : 'it has another form';
};

function refuseForeign(value: unknown, what: string): void {
  const has = (key: string) => typeof value === 'object' && value !== null && key in value;
  if (has('manifests') && !has('layers'))
    throw new PullError('NotFound', `${what} is an index of container images, not a model`);
}

/** One blob with two sizes can be right at most once, so nothing could ever verify it. */
function refuseContradictions({ layers, config }: Manifest, what: string): void {
  const sizes = new Map<Digest, number>();
  for (const { digest, size } of config ? [...layers, config] : layers) {
    if ((sizes.get(digest) ?? size) !== size)
      throw new PullError('Corrupt', `${what} gives ${digest} two sizes, ${sizes.get(digest)} and ${size}`);
    sizes.set(digest, size);
  }
}

/**
 * `what` is for messages, such as `the manifest of phi4-mini:3.8b from registry.ollama.ai`.
 * Throws a PullError: Corrupt for what cannot be read, NotFound for what is no model.
 */
export function parseManifest(bytes: Uint8Array, what: string): RawManifest {
  refuseOver(MAX_MANIFEST_BYTES, bytes.length, what);
  const value = parseJson(bytes, what);
  refuseForeign(value, what);
  const result = manifestShape.safeParse(value);
  if (!result.success) throw new PullError('Corrupt', `${what} cannot be used: ${firstIssue(result.error)}`);
  const { mediaType, config, layers } = result.data;
  const manifest = { ...(mediaType !== undefined && { mediaType }), ...(config && { config }), layers: layers ?? [] };
  refuseContradictions(manifest, what);
  return { manifest, bytes, digest: digestOf(bytes) };
}

const text = z.string().optional();

/** A small model that guesses ahead for the large one. */
const draft = z.object({ model_format: text, architecture: text, tensor_prefix: text, config: text });

/** What Ollama reads of a config (its types/model/config.go); all else is kept as it is. */
const configShape = z.looseObject({
  model_format: text,
  model_family: text,
  model_families: z.array(z.string()).nullish(),
  /** Shown as parameter size, such as 3.8B. */
  model_type: text,
  /** Shown as quantization level, such as Q4_K_M. */
  file_type: text,
  renderer: text,
  parser: text,
  /** Version of Ollama that the model needs at least. */
  requires: text,
  /** Set for a model that runs elsewhere. */
  remote_host: text,
  remote_model: text,
  capabilities: z.array(z.string()).nullish(),
  context_length: z.number().optional(),
  embedding_length: z.number().optional(),
  base_name: text,
  draft: draft.optional(),
  architecture: text,
  os: text,
});

export type ModelConfig = z.output<typeof configShape>;

/** `what` is for messages. Throws a PullError `Corrupt`. */
export function parseConfig(bytes: Uint8Array, what: string): ModelConfig {
  refuseOver(MAX_CONFIG_BYTES, bytes.length, what);
  const result = configShape.safeParse(parseJson(bytes, what));
  if (!result.success) throw new PullError('Corrupt', `${what} cannot be used: ${firstIssue(result.error)}`);
  return result.data;
}
