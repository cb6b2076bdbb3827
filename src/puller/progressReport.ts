// How far a pull is, as it stands in the progress file: written by the puller, read by the gateway of the same pod.
//
// Members are only ever added and none changes its meaning; words that may grow in number (phase, kind) are read as text.
import * as z from 'zod';

/** In the order of a pull. Not every pull goes through all. */
export const pullPhases = {
  Resolving: 'finding out which digest the name means',
  Waiting: 'another pull is at work on the same store',
  Fetching: 'bytes are arriving',
  Verifying: 'bytes are being hashed',
  Building: 'the model with the Modelfile is being written',
  Tidying: 'models that no revision needs are going',
  Done: 'the model is in the store and verified',
  Failed: 'the pull has ended without it',
} as const;

export type PullPhase = keyof typeof pullPhases;

const count = z.number().min(0);

const layer = z.object({
  digest: z.string(),
  /** Last word of its media type: model, template, params … */
  kind: z.string(),
  sizeBytes: count,
  /** In this phase: fetched or hashed. */
  completedBytes: count,
});

const servedModel = z.object({
  /** As the runtime knows it: full reference in the store. */
  name: z.string(),
  /** Of the manifest that is served. */
  digest: z.string(),
  /** Of the manifest that was pulled; the same unless a Modelfile derives another. */
  sourceDigest: z.string(),
  /** Of the adapters that were pulled, in the order of the Modelfile. */
  adapterDigests: z.array(z.string()).optional(),
  sizeBytes: count,
  quantization: z.string().optional(),
  family: z.string().optional(),
  /** Such as 3.8B. */
  parameterSize: z.string().optional(),
  contextLength: count.optional(),
});

export const progressReport = z.object({
  /** Of this document: 1. */
  schema: z.int().min(1),
  revision: z.string(),
  /** As declared. */
  reference: z.string(),
  phase: z.string(),
  /** For people: whom it waits for, why it failed. */
  message: z.string().optional(),
  /** A reason of src/puller/outcome.ts, once the pull has ended. */
  reason: z.string().optional(),
  /** RFC 3339. */
  startedAt: z.string(),
  updatedAt: z.string(),
  /** Of this phase, over all layers; both 0 while that is not known. */
  completedBytes: count,
  totalBytes: count,
  /** Over the network, in this run of the pull. */
  fetchedBytes: count,
  /** Over the last ten seconds; absent before anything moves. */
  bytesPerSecond: count.optional(),
  etaSeconds: count.optional(),
  /** The largest ones, at most 64. */
  layers: z.array(layer),
  /** Once the model is published. */
  model: servedModel.optional(),
});

export type ProgressReport = z.output<typeof progressReport>;
export type LayerProgress = z.output<typeof layer>;
export type ServedModel = z.output<typeof servedModel>;

/** Undefined for what is no report: an empty file, half a document, something else. */
export function parseProgress(text: string): ProgressReport | undefined {
  try {
    return progressReport.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
