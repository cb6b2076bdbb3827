// GET /status on the admin port: what a gateway says of its pod, and what an operator reads, of any version two minors away.
//
// So that both understand each other: members are only ever added, none changes its meaning, and whatever a reader does not
// know it leaves aside. Words that may grow in number (phase, reason) are read as text.
import * as z from 'zod';

/** RFC 3339, UTC. */
const time = z.string();
const count = z.number().min(0);
const maybe = <T extends z.ZodType>(schema: T) => schema.optional().catch(undefined);

const pullStatus = z.object({
  /** Resolving, Fetching, Verifying, Done, Failed …, in the puller's words. */
  phase: z.string(),
  completedBytes: maybe(count),
  totalBytes: maybe(count),
  bytesPerSecond: maybe(count),
  etaSeconds: maybe(count),
  /** When the puller last wrote. */
  updatedAt: maybe(time),
  message: maybe(z.string()),
});

const modelStatus = z.object({
  /** As declared for this rung. */
  reference: z.string(),
  servedNames: z.array(z.string()).catch([]),
  /** What the runtime is told to serve; absent while that is not known. */
  runtimeName: maybe(z.string()),
  /** Of the manifest that was pulled. */
  sourceDigest: maybe(z.string()),
  /** Of the manifest that has to be served. */
  servedDigest: maybe(z.string()),
  /** What the runtime says that it serves. */
  loadedDigest: maybe(z.string()),
  loadedName: maybe(z.string()),
  sizeBytes: maybe(count),
  quantization: maybe(z.string()),
  family: maybe(z.string()),
  contextLength: maybe(count),
  /** Of the last load. */
  loadSeconds: maybe(count),
});

const residencyStatus = z.object({
  class: z.string(),
  required: z.boolean().catch(false),
  /** 0 to 1; absent: not known. */
  ratio: maybe(z.number().min(0).max(1)),
});

const requestStatus = z.object({
  inFlight: count.catch(0),
  queued: count.catch(0),
  maxInFlight: maybe(count),
  maxQueue: maybe(count),
  /** Since the gateway started. */
  total: maybe(count),
  lastAt: maybe(time),
  lastSuccessAt: maybe(time),
});

const canaryStatus = z.object({
  enabled: z.boolean().catch(false),
  /** Passed, Wrong, Failed, Silent. */
  outcome: maybe(z.string()),
  at: maybe(time),
  seconds: maybe(count),
  failuresInARow: maybe(count),
});

const runtimeStatus = z.object({
  kind: z.string(),
  up: z.boolean().catch(false),
  version: maybe(z.string()),
  /** Seen by this gateway. */
  restarts: maybe(count),
  /** On which the served model runs, such as CUDAExecutionProvider; absent: the runtime does not say. */
  executionProvider: maybe(z.string()),
});

const noRequests = { inFlight: 0, queued: 0 };

const gatewayStatus = z.object({
  /** Of this document: 1. A reader that meets a higher one reads what it knows. */
  schema: z.int().min(1),
  /** Of the gateway. */
  version: z.string().catch('unknown'),
  deployment: z.object({ namespace: z.string(), name: z.string() }),
  revision: z.string(),
  /** See src/gateway/reasons.ts. */
  phase: z.string(),
  reason: z.string(),
  message: z.string().catch(''),
  /** Of phase and reason. */
  since: maybe(time),
  /** What readiness says. */
  ready: z.boolean(),
  model: maybe(modelStatus),
  residency: maybe(residencyStatus),
  pull: maybe(pullStatus),
  requests: requestStatus.catch(noRequests),
  canary: canaryStatus.catch({ enabled: false }),
  runtime: maybe(runtimeStatus),
});

export type GatewayStatus = z.output<typeof gatewayStatus>;
export type PullStatus = z.output<typeof pullStatus>;

/** What another version of the gateway wrote, or undefined for what is no status at all. */
export function readStatus(value: unknown): GatewayStatus | undefined {
  const result = gatewayStatus.safeParse(value);
  return result.success ? result.data : undefined;
}
