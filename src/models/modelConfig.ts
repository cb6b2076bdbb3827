// The config of a model that is made here, as `ollama create` fills it in from the base and the header of its weights.
import type { GgufHeader } from './gguf.ts';
import type { Json } from './goJson.ts';
import type { ModelConfig } from './manifest.ts';
import { parameterSize, UNKNOWN_QUANTIZATION } from './quantization.ts';

interface Known {
  readonly config: ModelConfig;
  readonly gguf?: GgufHeader | undefined;
}

interface Prompting {
  readonly renderer: string;
  readonly parser: string;
  readonly stop?: readonly string[];
}

const nemotron: Prompting = { renderer: 'nemotron-3-nano', parser: 'nemotron-3-nano' };

/** Architectures whose prompts Ollama writes and reads in code where the config names no other way (server/create.go). */
const byArchitecture: ReadonlyMap<string, Prompting> = new Map(
  Object.entries<Prompting>({
    gemma4: { renderer: 'gemma4', parser: 'gemma4', stop: ['<turn|>'] },
    laguna: { renderer: 'laguna', parser: 'laguna' },
    nemotron_h: nemotron,
    nemotron_h_moe: nemotron,
    nemotron_h_omni: nemotron,
  }),
);

const promptingOf = ({ config, gguf }: Known): Prompting | undefined =>
  config.renderer && config.parser ? undefined : byArchitecture.get(gguf?.architecture ?? '');

/** Where the prompts come from the table above, so do the words that end an answer. */
export function impliedStop(known: Known): { stop?: readonly string[] } {
  const stop = promptingOf(known)?.stop;
  return stop ? { stop } : {};
}

const families = ({ config, gguf }: Known): string[] | null =>
  config.model_families ?? (gguf ? [gguf.architecture] : null);

/** Members in the order of Ollama's ConfigV2. What only a model that runs elsewhere has stays behind. */
export function derivedConfig(known: Known): Json {
  const { config, gguf } = known;
  const prompting = promptingOf(known);
  const { draft } = config;
  return {
    model_format: config.model_format || (gguf ? 'gguf' : ''),
    model_family: config.model_family || (gguf?.architecture ?? ''),
    model_families: families(known),
    model_type: config.model_type || (gguf ? parameterSize(gguf.parameterCount) : ''),
    file_type: config.file_type || (gguf?.quantization ?? ''),
    renderer: config.renderer || prompting?.renderer,
    parser: config.parser || prompting?.parser,
    requires: config.requires || undefined,
    capabilities: config.capabilities?.length ? config.capabilities : undefined,
    draft: draft && {
      model_format: draft.model_format || undefined,
      architecture: draft.architecture || undefined,
      tensor_prefix: draft.tensor_prefix || undefined,
      config: draft.config || undefined,
    },
    architecture: 'amd64',
    os: 'linux',
  };
}

export interface ModelFacts {
  /** As in /api/show; absent where nobody says. */
  readonly quantization?: string;
  readonly family?: string;
  readonly families: readonly string[];
  /** Such as 3.8B. */
  readonly parameterSize?: string;
  /** Tokens that it was trained for. */
  readonly contextLength?: number;
  /** Version of Ollama that it asks for. */
  readonly requires?: string;
}

const said = (value: string | undefined): string | undefined =>
  value && value !== UNKNOWN_QUANTIZATION ? value : undefined;

const distinct = (names: readonly (string | undefined)[]): string[] => [
  ...new Set(names.flatMap((name) => name || [])),
];

/** What can be told of a model. The weights' own header counts more than the config, which anybody can write. */
export function modelFacts({ config, gguf }: Known): ModelFacts {
  const quantization = said(gguf?.quantization) ?? said(config.file_type);
  const family = said(gguf?.architecture) ?? said(config.model_family);
  const size = gguf ? parameterSize(gguf.parameterCount) : config.model_type;
  const contextLength = gguf?.contextLength ?? config.context_length;
  return {
    ...(quantization && { quantization }),
    ...(family && { family }),
    families: distinct([family, config.model_family, ...(config.model_families ?? [])]),
    ...(size && { parameterSize: size }),
    ...(contextLength && { contextLength }),
    ...(config.requires && { requires: config.requires }),
  };
}
