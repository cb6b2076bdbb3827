// A bare GGUF file as a model: the manifest and config that `ollama create` would write for it.
import type { Digest } from './digest.ts';
import { PullError } from './errors.ts';
import type { GgufHeader } from './gguf.ts';
import { goJson, type Json } from './goJson.ts';
import { type Descriptor, layerMediaTypes } from './manifest.ts';
import { derivedConfig, impliedStop } from './modelConfig.ts';
import { assemble, type Derived, layerOf } from './modelfile.ts';
import type { Reference } from './reference.ts';
import { servedName } from './servedName.ts';

export interface GgufFile {
  /** For messages. */
  readonly path: string;
  readonly digest: Digest;
  readonly size: number;
  readonly header: GgufHeader;
}

const mediaTypeOf = ({ header }: GgufFile): string => {
  if (header.type === 'adapter') return layerMediaTypes.adapter;
  return header.isProjector ? layerMediaTypes.projector : layerMediaTypes.model;
};

function refuseSplit({ path, header: { split } }: GgufFile): void {
  if (split)
    throw new PullError(
      'NotFound',
      `${path} is part ${split.index + 1} of ${split.count}; Ollama needs one file, so merge them with llama-gguf-split --merge`,
    );
}

/** The server takes the last of several, and the others would be dead weight. */
function theModel(files: readonly GgufFile[]): GgufFile {
  const models = files.filter((file) => mediaTypeOf(file) === layerMediaTypes.model);
  const [model, another] = models;
  if (!model)
    throw new PullError('NotFound', `no file is a model: ${files.map(({ path }) => path).join(', ') || 'none'}`);
  if (another) throw new PullError('NotFound', `${model.path} and ${another.path} are both models; keep one`);
  return model;
}

/**
 * One model, with its projectors and adapters beside it. Unlike `ollama create` nothing is rewritten: the file is served as
 * it is, and its own chat template with it.
 * Throws a PullError `NotFound` where the files make no model.
 */
export function modelOfGguf(reference: Reference, files: readonly GgufFile[]): Derived {
  files.forEach(refuseSplit);
  const model = theModel(files);
  const known = { config: {}, gguf: model.header };
  const stop = impliedStop(known);
  const params = Object.keys(stop).length > 0 ? layerOf('params', goJson(stop)) : undefined;
  const weights: Descriptor[] = [model, ...files.filter((file) => file !== model)].map((file) => ({
    mediaType: mediaTypeOf(file),
    digest: file.digest,
    size: file.size,
  }));
  const config: Json = derivedConfig(known);
  const { manifest, bytes, digest, configBlob } = assemble(config, [...weights, ...(params ? [params.layer] : [])]);
  const blobs = params ? [params.blob, configBlob] : [configBlob];
  return { name: servedName('source', reference, digest), digest, bytes, manifest, blobs };
}
