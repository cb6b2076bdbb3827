// A declared Modelfile becomes a model: the base's layers, changed as `ollama create` changes them (its server/create.go), in
// the same bytes. Pure: what the base's small layers say is passed in, what is new is handed back.
import * as z from 'zod';
import { type Digest, digestOf } from './digest.ts';
import { PullError } from './errors.ts';
import type { GgufHeader } from './gguf.ts';
import { goJson, type Json, sortedKeys } from './goJson.ts';
import {
  configMediaType,
  type Descriptor,
  kindOf,
  type LayerKind,
  layerMediaTypes,
  layersOf,
  type Manifest,
  type ModelConfig,
  manifestMediaType,
  parseJson,
} from './manifest.ts';
import { derivedConfig, impliedStop } from './modelConfig.ts';
import { type Parameter, parametersProblem, parameterValues } from './parameters.ts';
import { type Reference, shortReference } from './reference.ts';
import { servedName } from './servedName.ts';

/** What a user declares; the digests of adapters are settled before. */
export interface Declaration {
  readonly system?: string | undefined;
  readonly template?: string | undefined;
  /** Values as text; `stop` may stand several times. */
  readonly parameters: readonly Parameter[];
  readonly messages?:
    | readonly { readonly role: 'system' | 'user' | 'assistant'; readonly content: string }[]
    | undefined;
  readonly license?: string | undefined;
}

export interface Base {
  readonly reference: Reference;
  readonly manifest: Manifest;
  readonly config: ModelConfig;
  /** What its params layer says (parseParameterLayer); empty where it has none. */
  readonly parameters: { readonly [name: string]: Json };
  /** Header of its weights, where they are GGUF. */
  readonly gguf?: GgufHeader | undefined;
}

/** Layers of LoRA adapters, and the model that they were taken from. */
export interface Adapter {
  readonly reference: Reference;
  readonly layers: readonly Descriptor[];
}

export interface NewBlob {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

export interface Derived {
  /** Carries the digest, so the same declaration over the same base is never made twice. */
  readonly name: Reference;
  readonly digest: Digest;
  /** Of the manifest; written last. */
  readonly bytes: Uint8Array;
  readonly manifest: Manifest;
  /** To be written before: the small layers and the config. All other blobs are the base's and the adapters'. */
  readonly blobs: readonly NewBlob[];
}

const parameterLayer = z.record(z.string(), z.json());

interface Layers {
  readonly layers: readonly Descriptor[];
  readonly blobs: readonly NewBlob[];
}

function descriptorOf(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

/** A small layer of our own, and the blob that it names. */
export function layerOf(kind: LayerKind, bytes: Uint8Array): { layer: Descriptor; blob: NewBlob } {
  const layer = descriptorOf(layerMediaTypes[kind], bytes);
  return { layer, blob: { digest: layer.digest, bytes } };
}

/** The new layer goes to the end; of kinds that a model has only once the old one goes. */
function withLayer({ layers, blobs }: Layers, kind: LayerKind, bytes: Uint8Array): Layers {
  const { layer, blob } = layerOf(kind, bytes);
  const kept = kind === 'license' ? layers : layers.filter((other) => kindOf(other) !== kind);
  return { layers: [...kept, layer], blobs: [...blobs, blob] };
}

const withText = (layers: Layers, kind: LayerKind, content: string | undefined): Layers =>
  content ? withLayer(layers, kind, Buffer.from(content.toWellFormed(), 'utf8')) : layers;

/** Every layer of the base says where it comes from: /api/show makes `parent_model` of it. */
const inherited = ({ reference, layers }: { reference: Reference; layers: readonly Descriptor[] }): Descriptor[] =>
  layers.map(({ mediaType, digest, size, name }) => ({
    mediaType,
    digest,
    size,
    from: shortReference(reference),
    ...(name && { name }),
  }));

/** The declared values over the base's; a base without a word on either keeps its layers as they are. */
function withParameters(layers: Layers, base: Base, declared: readonly Parameter[]): Layers {
  const own = parameterValues(declared);
  const implied = own.stop ? {} : impliedStop(base);
  const all = { ...base.parameters, ...implied, ...own };
  return Object.keys(all).length > 0 ? withLayer(layers, 'params', goJson(sortedKeys(all))) : layers;
}

const withMessages = (layers: Layers, messages: Declaration['messages'] = []): Layers =>
  messages.length > 0
    ? withLayer(layers, 'messages', goJson(messages.map(({ role, content }) => ({ role, content }))))
    : layers;

/** The order of `ollama create`: template, system, license, params, messages. */
function layersFor(base: Base, declaration: Declaration, adapters: readonly Adapter[]): Layers {
  const inheritedLayers = [{ reference: base.reference, layers: base.manifest.layers }, ...adapters].flatMap(inherited);
  const start: Layers = { layers: inheritedLayers, blobs: [] };
  const templated = withText(start, 'template', declaration.template);
  const instructed = withText(templated, 'system', declaration.system);
  const licensed = withText(instructed, 'license', declaration.license);
  return withMessages(withParameters(licensed, base, declaration.parameters), declaration.messages);
}

/** Members in the order of Ollama's structs, so that the same model has the same digest wherever it was made. */
const asJson = ({ mediaType, digest, size, from, name }: Descriptor): Json => ({
  mediaType,
  digest,
  size,
  from: from || undefined,
  name: name || undefined,
});

/** A manifest in the bytes that Ollama itself would write. */
export const manifestBytes = (config: Descriptor, layers: readonly Descriptor[]): Buffer =>
  goJson({ schemaVersion: 2, mediaType: manifestMediaType, config: asJson(config), layers: layers.map(asJson) });

export interface NewModel {
  readonly manifest: Manifest;
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  readonly configBlob: NewBlob;
}

/** Config and manifest over layers that are settled. */
export function assemble(config: Json, layers: readonly Descriptor[]): NewModel {
  const configBytes = goJson(config);
  const descriptor = descriptorOf(configMediaType, configBytes);
  const bytes = manifestBytes(descriptor, layers);
  return {
    manifest: { mediaType: manifestMediaType, config: descriptor, layers },
    bytes,
    digest: digestOf(bytes),
    configBlob: { digest: descriptor.digest, bytes: configBytes },
  };
}

function refuseMisfit(base: Base, declaration: Declaration): void {
  const problem = parametersProblem(declaration.parameters);
  if (problem) throw new PullError('InvalidReference', `the Modelfile cannot be used: ${problem}`);
  if (base.config.remote_host)
    throw new PullError('NotFound', `${shortReference(base.reference)} runs on ${base.config.remote_host}, not here`);
}

/**
 * The model that a declaration makes of a base. The same arguments give the same bytes, on every machine.
 * Throws a PullError: InvalidReference for parameters that Ollama does not know, NotFound for a base that runs elsewhere.
 */
export function derive(base: Base, declaration: Declaration, adapters: readonly Adapter[] = []): Derived {
  refuseMisfit(base, declaration);
  const { layers, blobs } = layersFor(base, declaration, adapters);
  const { manifest, bytes, digest, configBlob } = assemble(derivedConfig(base), layers);
  return {
    name: servedName('derived', base.reference, digest),
    digest,
    bytes,
    manifest,
    blobs: [...blobs, configBlob],
  };
}

/** Of a params layer; bounded by the caller's read. Throws a PullError `Corrupt` for what is no object of values. */
export function parseParameterLayer(bytes: Uint8Array, what: string): Base['parameters'] {
  const result = parameterLayer.safeParse(parseJson(bytes, what));
  if (!result.success) throw new PullError('Corrupt', `${what} is not a list of parameters`);
  return result.data;
}

/** The adapter layers of a model that was pulled for them. Throws a PullError `NotFound` where it has none. */
export function adapterOf(reference: Reference, manifest: Manifest): Adapter {
  const layers = layersOf(manifest, 'adapter');
  if (layers.length === 0)
    throw new PullError(
      'NotFound',
      `${shortReference(reference)} holds no adapter (a layer ${layerMediaTypes.adapter})`,
    );
  return { reference, layers };
}
