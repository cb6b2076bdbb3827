// The names that clients may use, what the runtime calls the model, and the lists that clients get to see.
import { GatewayError } from './errors.ts';
import type { RuntimeKind } from './routes.ts';

export interface ServedOptions {
  readonly runtime: RuntimeKind;
  readonly servedNames: readonly string[];
  /** What the runtime calls it. */
  readonly name: string;
}

/** The one model behind this gateway, under its names. */
export interface Served {
  readonly names: readonly string[];
  /** The served name that is meant, or undefined. */
  find(asked: string): string | undefined;
  runtimeName(servedName: string): string;
  /** For messages: which names there are. */
  readonly hint: string;
  /** The error for a name that is not served. */
  unknown(asked: string): GatewayError;
}

const LATEST = ':latest';

/** Ollama reads a name without a tag as one with :latest, and its clients complete names so. */
const withoutLatest = (name: string): string => (name.endsWith(LATEST) ? name.slice(0, -LATEST.length) : name);

const quoted = (name: string) => JSON.stringify(name.length > 100 ? `${name.slice(0, 99)}…` : name);

export function createServed({ runtime, servedNames, name }: ServedOptions): Served {
  const same =
    runtime === 'Ollama'
      ? (a: string, b: string) => withoutLatest(a) === withoutLatest(b)
      : (a: string, b: string) => a === b;
  const hint =
    servedNames.length === 1
      ? `it is served as ${quoted(servedNames[0] ?? '')}`
      : `use one of ${servedNames.map(quoted).join(', ')}`;
  return {
    names: servedNames,
    find: (asked) =>
      servedNames.find((served) => served === asked) ?? servedNames.find((served) => same(served, asked)),
    runtimeName: () => name,
    hint,
    unknown: (asked) => new GatewayError('ModelNotFound', `no model ${quoted(asked)} here; ${hint}`),
  };
}

/** What is known of the model, for the lists. */
export interface ModelFacts {
  /** sha256:… of what is served. */
  readonly digest?: string;
  readonly sizeBytes?: number;
  readonly deviceBytes?: number;
  readonly contextLength?: number;
  readonly family?: string;
  readonly quantization?: string;
  readonly parameterSize?: string;
  /** Since when this gateway knows it, milliseconds since the epoch. */
  readonly since: number;
}

const openAiModel = (id: string, { since }: ModelFacts) => ({
  id,
  object: 'model',
  created: Math.floor(since / 1000),
  owned_by: 'library',
});

/** GET /v1/models. */
export const openAiList = (names: readonly string[], facts: ModelFacts) => ({
  object: 'list',
  data: names.map((name) => openAiModel(name, facts)),
});

/** GET /v1/models/NAME; throws ModelNotFound. */
export function openAiOne(served: Served, asked: string, facts: ModelFacts) {
  const name = served.find(asked);
  if (name === undefined) throw served.unknown(asked);
  return openAiModel(name, facts);
}

/** Ollama shows digests without the name of the algorithm. */
const hexOf = (digest: string | undefined) => digest?.replace(/^sha256:/, '') ?? '';

const ollamaDetails = ({ family = '', quantization = '', parameterSize = '' }: ModelFacts) => ({
  parent_model: '',
  format: 'gguf',
  family,
  families: family ? [family] : [],
  parameter_size: parameterSize,
  quantization_level: quantization,
});

/** GET /api/tags. */
export const ollamaTags = (names: readonly string[], facts: ModelFacts) => ({
  models: names.map((name) => ({
    name,
    model: name,
    modified_at: new Date(facts.since).toISOString(),
    size: facts.sizeBytes ?? 0,
    digest: hexOf(facts.digest),
    details: ollamaDetails(facts),
  })),
});

/** Keep-alive is for ever; clients want a time, and this one is as far as theirs can tell. */
const NEVER = '2318-01-01T00:00:00Z';

/** GET /api/ps; without facts nothing is loaded. */
export const ollamaLoaded = (names: readonly string[], facts: ModelFacts | undefined) => ({
  models: facts
    ? names.map((name) => ({
        name,
        model: name,
        size: facts.sizeBytes ?? 0,
        digest: hexOf(facts.digest),
        details: ollamaDetails(facts),
        expires_at: NEVER,
        size_vram: facts.deviceBytes ?? 0,
        context_length: facts.contextLength ?? 0,
      }))
    : [],
});
