// What the gateway is told at start: one JSON document in GATEWAY_CONFIG, written by the planner (src/children/gatewayConfig.ts)
// and read by the gateway of the same image. Whatever changes while a pod lives (keys, certificates, the lock) comes as a file,
// and nothing that scaling changes may stand here: it is part of the pod template.
import * as z from 'zod';

/** The variable that carries the document. */
export const GATEWAY_CONFIG = 'GATEWAY_CONFIG';

const port = z.int().min(1).max(65_535);
const seconds = z.int().min(0);
const absolutePath = z.string().startsWith('/');
/** A Secret that is mounted as optional: without it the gateway fails closed and says its name. */
const secretDirectory = z.strictObject({ secretName: z.string().min(1), directory: absolutePath });

export const gatewayConfig = z.strictObject({
  deployment: z.strictObject({ namespace: z.string().min(1), name: z.string().min(1) }),
  revision: z.string().min(1),
  /** Where clients come in. */
  port,
  /** Health, metrics and status. */
  adminPort: port,
  runtime: z.strictObject({
    kind: z.enum(['Ollama', 'FoundryLocal']),
    /** On 127.0.0.1. */
    port,
    /** In which the server says what its model runs on, replaced atomically; absent: it does not. */
    reportFile: absolutePath.optional(),
  }),
  model: z.strictObject({
    /** As the user declared it for this rung; what it was resolved to stands in the progress and lock files. */
    reference: z.string().min(1),
    /** Of the manifest that may be served, and no other. */
    digest: z.string().optional(),
    servedNames: z.array(z.string().min(1)).min(1),
    maxContext: z.int().min(1),
  }),
  protocols: z.array(z.enum(['OpenAI', 'Native', 'Anthropic'])).min(1),
  limits: z.strictObject({
    maxInFlight: z.int().min(1),
    maxQueue: z.int().min(0),
    queueTimeoutSeconds: seconds,
    requestTimeoutSeconds: seconds,
    maxBodyBytes: z.int().min(0),
  }),
  /** Absent: anybody who reaches the port may call. */
  auth: secretDirectory.optional(),
  tls: secretDirectory.optional(),
  audit: z.enum(['None', 'Metadata']),
  /** Absent: no canary. */
  canary: z
    .strictObject({
      intervalSeconds: seconds,
      prompt: z.string().optional(),
      expectContains: z.string().optional(),
    })
    .optional(),
  /** On which class of device the model must sit; `required`: else it is not ready. */
  residency: z.strictObject({ class: z.enum(['CPU', 'GPU', 'NPU']), required: z.boolean() }),
  loadTimeoutSeconds: seconds,
  /** How long the gateway still accepts after the drain began, while endpoints are withdrawn. */
  lameDuckSeconds: seconds,
  /** Written by the pull, replaced atomically. */
  progressFile: absolutePath,
  /** Digest that this revision has settled on; appears some time after the first pod's pull. */
  lockFile: absolutePath,
  /** Unix socket on which `gateway drain` reaches the gateway. */
  drainSocket: absolutePath,
});

export type GatewayConfig = z.output<typeof gatewayConfig>;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${GATEWAY_CONFIG} is not JSON`, { cause });
  }
}

/** Throws an Error that names the offending members. */
export function readGatewayConfig(text: string | undefined): GatewayConfig {
  if (!text) throw new Error(`${GATEWAY_CONFIG} is not set`);
  const result = gatewayConfig.safeParse(parseJson(text));
  if (!result.success) throw new Error(`${GATEWAY_CONFIG} cannot be used: ${z.prettifyError(result.error)}`);
  return result.data;
}
