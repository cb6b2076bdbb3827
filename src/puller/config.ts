// What a pull is told: one JSON document in the environment variable PULL_CONFIG, written by src/runtimes, read by the pull
// container of either runtime. It holds no secret, only the paths where secrets are mounted and their names for messages.
import * as z from 'zod';

/** The variable that carries the document. */
export const PULL_CONFIG = 'PULL_CONFIG';

/**
 * Linux takes no single variable over 128 KiB (MAX_ARG_STRLEN), name and terminating zero included. What can grow is the
 * Modelfile, so its share is bounded and the rest has room.
 */
export const MAX_DERIVED_BYTES = 100_000;

const secretFile = z.object({
  /** Folder or file where it is mounted; nothing is there when the object is missing (mounts are optional). */
  path: z.string(),
  /** The object to name when it is missing. */
  kind: z.enum(['Secret', 'ConfigMap']),
  name: z.string(),
});

const source = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('Registry'),
    /** Base URLs, tried in order before the reference's own host. */
    mirrors: z.array(z.string()),
    plainHttp: z.boolean(),
    bytesPerSecond: z.number().positive().optional(),
    /** .dockerconfigjson */
    credentials: secretFile.optional(),
    /** id_ed25519, the key that Ollama's registry knows. */
    identity: secretFile.optional(),
    /** PEM, trusted beside the public certificates. */
    ca: secretFile.extend({ key: z.string() }).optional(),
  }),
  z.object({ kind: z.literal('Image'), path: z.string(), reference: z.string() }),
  z.object({ kind: z.literal('Volume'), path: z.string(), claimName: z.string() }),
]);

const derived = z.object({
  system: z.string().optional(),
  template: z.string().optional(),
  /** Values as text; names are checked. `stop` may stand several times. */
  parameters: z.array(z.object({ name: z.string(), value: z.string() })),
  messages: z.array(z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() })).optional(),
  adapters: z.array(z.object({ name: z.string(), digest: z.string().optional() })).optional(),
  license: z.string().optional(),
});

/** What the runtime is started with. Parameters of the model itself go before it, so they must not say otherwise. */
const launch = z.object({
  /** Tokens. */
  maxContext: z.int().min(1),
  threads: z.int().min(1).optional(),
});

const pullConfig = z.object({
  runtime: z.enum(['Ollama', 'FoundryLocal']),
  /** For the User-Agent: registries refuse models that need a newer runtime (HTTP 412). */
  runtimeVersion: z.string(),
  revision: z.string(),
  /** Ollama reference, or Foundry Local alias or variant id. */
  reference: z.string(),
  /** The user's pin: another manifest is refused. */
  digest: z.string().optional(),
  expect: z
    .object({
      quantization: z.string().optional(),
      family: z.string().optional(),
      minContext: z.number().optional(),
    })
    .optional(),
  verify: z.enum(['OnPull', 'OnStart']),
  source,
  /** The store that the runtime reads. */
  store: z.string(),
  /** JSON that the operator writes once the revision has settled on a digest; absent before. */
  lockFile: z.string(),
  /** Remove what older revisions left in the store; only where the store is ours alone. */
  tidy: z.object({ keepRevisions: z.int().min(1) }).optional(),
  /** Make a model of our own from the pulled one, and serve that. */
  derived: derived.optional(),
  /** A model that contradicts these is derived too. */
  launch: launch.optional(),
  progressFile: z.string(),
  terminationMessagePath: z.string(),
});

export type PullConfig = z.output<typeof pullConfig>;
export type PullSource = PullConfig['source'];

/** JSON as the value of a variable: kubelet expands $(NAME) inside values, so no dollar may stand in it as it is. */
export const variableJson = (value: unknown): string => JSON.stringify(value).replaceAll('$', '\\u0024');

export const writePullConfig = (config: PullConfig): string => variableJson(config);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${PULL_CONFIG} is not JSON`, { cause });
  }
}

/** Throws an Error that names the offending members; members that we do not know are left out. */
export function readPullConfig(text: string | undefined): PullConfig {
  if (!text) throw new Error(`${PULL_CONFIG} is not set`);
  const result = pullConfig.safeParse(parseJson(text));
  if (!result.success) throw new Error(`${PULL_CONFIG} cannot be used: ${z.prettifyError(result.error)}`);
  return result.data;
}
