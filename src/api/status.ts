// What the operator has seen. Nothing here is a wish.
import * as z from 'zod';
import * as f from './fields.ts';
import { deviceClasses } from './hardware.ts';

const time = z.string().meta({ format: 'date-time' });

export const condition = z.strictObject({
  type: z.string().max(316).describe('What is judged.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether it holds.'),
  reason: z.string().min(1).max(1024).describe('Why, in one word.'),
  message: z.string().max(32_768).describe('Why, for people: it names the field, the object or the node.'),
  lastTransitionTime: time.describe('When status last changed.'),
  observedGeneration: z.int().min(0).optional().describe('The generation of the spec that was judged.'),
});

const rejection = z.strictObject({
  class: z.enum(deviceClasses).describe('Class of device of the rung.'),
  vendor: z.string().optional().describe('Vendor of the rung.'),
  reason: z.string().describe('Why, in one word.'),
  message: z.string().describe('Why, for people.'),
});

export const status = z
  .strictObject({
    observedGeneration: z.int().optional().describe('The generation of the spec that this status speaks of.'),
    replicas: z.int32().optional().describe('Pods that exist.'),
    readyReplicas: z.int32().optional().describe('Pods that answer with the declared model.'),
    updatedReplicas: z.int32().optional().describe('Pods of the current revision.'),
    selector: z.string().optional().describe('Label selector of the pods, for the scale subresource.'),
    endpoint: z.string().optional().describe('URL of the API inside the cluster.'),
    revision: z.string().optional().describe('Hash of what shapes the pods.'),
    model: z
      .strictObject({
        reference: z.string().optional().describe('The model, in full.'),
        sourceDigest: z.string().optional().describe('Digest of the manifest that was pulled.'),
        servedDigest: z
          .string()
          .optional()
          .describe('Digest of what the runtime serves; a Modelfile makes it another than sourceDigest.'),
        sizeBytes: z.int().optional().describe('Size in the store, in bytes.'),
        quantization: z.string().optional().describe('Such as Q4_K_M.'),
        family: z.string().optional().describe('Such as qwen2.'),
        contextLength: z.int().optional().describe('Tokens of context that the runtime has loaded it with.'),
      })
      .optional()
      .describe('The model that was found.'),
    hardware: z
      .strictObject({
        class: z.enum(deviceClasses).optional().describe('Class of device of the chosen rung.'),
        vendor: z.string().optional().describe('Vendor of the device.'),
        resourceName: z.string().optional().describe('Extended resource that the pods ask for.'),
        executionProvider: z
          .string()
          .optional()
          .describe(
            'What the runtime says that it computes with, such as CUDAExecutionProvider. Ollama does not say it.',
          ),
        since: time.optional().describe('When the rung was chosen.'),
        scheduledAt: time
          .optional()
          .describe('When a pod on this rung first found a node; from then on the choice is final.'),
        rejected: f.atomicListOf(rejection, 8).optional().describe('Rungs that were passed over, and why.'),
      })
      .optional()
      .describe('The rung that the deployment stands on.'),
    pull: z
      .strictObject({
        phase: z.string().optional().describe('What the slowest pull is doing.'),
        completedBytes: z.int().optional().describe('Bytes that are there.'),
        totalBytes: z.int().optional().describe('Bytes that there will be.'),
        etaSeconds: z.int().optional().describe('Seconds left at the pace of the last minute.'),
      })
      .optional()
      .describe('Progress of the pull, while there is one.'),
    effective: z
      .strictObject({
        image: z.string().optional().describe('Image of the runtime.'),
        servedNames: f.atomicListOf(z.string(), 16).optional().describe('Names that clients may use.'),
        maxContext: z.int32().optional().describe('Tokens of context per request.'),
        parallel: z.int32().optional().describe('Requests that the runtime works on at once.'),
        threads: z.int32().optional().describe('CPU threads.'),
        port: z.int32().optional().describe('Port of the API.'),
        protocols: f.atomicListOf(z.string(), 3).optional().describe('Families of routes that are open.'),
        auth: z.enum(['None', 'ApiKeys']).optional().describe('Whether clients need a key.'),
        strategy: z.enum(['Recreate', 'RollingUpdate']).optional().describe('How pods are replaced.'),
        storage: z.string().optional().describe('Where the model is kept.'),
        egress: z.enum(['None', 'Pull']).optional().describe('What the pods may reach.'),
      })
      .optional()
      .describe('What applies where the spec says nothing.'),
    conditions: z
      .array(condition)
      .max(32)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
      .optional()
      .describe('What holds and what does not, each with a reason; see the reference of conditions.'),
  })
  .describe('What was seen.');

export type Condition = z.output<typeof condition>;
