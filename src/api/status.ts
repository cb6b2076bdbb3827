// What the operator has seen. Nothing here is a wish.
import * as z from 'zod';
import * as f from './fields.ts';
import { deviceClasses } from './hardware.ts';

export const condition = z.strictObject({
  type: z.string().max(316),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().min(1).max(1024),
  message: z.string().max(32_768),
  lastTransitionTime: z.string().meta({ format: 'date-time' }),
  observedGeneration: z.int().min(0).optional(),
});

export const status = z.strictObject({
  observedGeneration: z.int().optional().describe('The generation of the spec that this status speaks of.'),
  replicas: z.int32().optional().describe('Pods that exist.'),
  readyReplicas: z.int32().optional().describe('Pods that answer with the declared model.'),
  updatedReplicas: z.int32().optional().describe('Pods of the current revision.'),
  selector: z.string().optional().describe('Label selector of the pods, for the scale subresource.'),
  endpoint: z.string().optional().describe('URL of the API inside the cluster.'),
  revision: z.string().optional().describe('Hash of what shapes the pods.'),
  model: z
    .strictObject({
      reference: z.string().optional(),
      sourceDigest: z.string().optional().describe('Digest of the manifest that was pulled.'),
      servedDigest: z.string().optional().describe('Digest of what the runtime serves (a Modelfile derives another).'),
      sizeBytes: z.int().optional(),
      quantization: z.string().optional(),
      family: z.string().optional(),
    })
    .optional(),
  hardware: z
    .strictObject({
      class: z.enum(deviceClasses).optional(),
      vendor: z.string().optional(),
      resourceName: z.string().optional(),
      since: z.string().meta({ format: 'date-time' }).optional(),
      rejected: f
        .atomicListOf(
          z.strictObject({
            class: z.enum(deviceClasses),
            vendor: z.string().optional(),
            reason: z.string(),
            message: z.string(),
          }),
          8,
        )
        .optional()
        .describe('Rungs that were passed over, and why.'),
    })
    .optional(),
  pull: z
    .strictObject({
      phase: z.string().optional(),
      completedBytes: z.int().optional(),
      totalBytes: z.int().optional(),
      etaSeconds: z.int().optional(),
    })
    .optional(),
  effective: z
    .strictObject({
      image: z.string().optional(),
      servedNames: f.atomicListOf(z.string(), 16).optional(),
      maxContext: z.int32().optional(),
      parallel: z.int32().optional(),
      threads: z.int32().optional(),
      port: z.int32().optional(),
      protocols: f.atomicListOf(z.string(), 3).optional(),
      auth: z.enum(['None', 'ApiKeys']).optional(),
      strategy: z.enum(['Recreate', 'RollingUpdate']).optional(),
      storage: z.string().optional(),
      egress: z.enum(['None', 'Pull']).optional(),
    })
    .optional()
    .describe('The defaults that apply.'),
  conditions: z
    .array(condition)
    .max(32)
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
    .optional(),
});

export type Condition = z.output<typeof condition>;
