// The decision as an annotation on the workload.
import * as z from 'zod';
import { deviceClasses } from '../api/hardware.ts';
import type { Decision } from './decision.ts';
import { canonicalJson } from './hash.ts';
import { rejectionReasons } from './rejections.ts';

const toleration = z.object({
  key: z.string().optional(),
  operator: z.enum(['Exists', 'Equal', 'Lt', 'Gt']).optional(),
  value: z.string().optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
  tolerationSeconds: z.int().optional(),
});

const rejection = z.object({
  class: z.enum(deviceClasses),
  vendor: z.string().optional(),
  reason: z.enum(rejectionReasons),
  message: z.string(),
});

const decision = z.object({
  inputs: z.string().min(1),
  choice: z.object({
    rung: z.int().min(0),
    class: z.enum(deviceClasses),
    vendor: z.string().optional(),
    resourceName: z.string().optional(),
    count: z.int().min(1).optional(),
    nodeSelector: z.record(z.string(), z.string()).optional(),
    tolerations: z.array(toleration).optional(),
  }),
  since: z.iso.datetime({ offset: true }),
  rejected: z.array(rejection),
  unconfirmed: z.enum(['Waiting', 'SchedulerDecides']).optional(),
});

export const writeDecision = (value: Decision): string => canonicalJson(value);

/** undefined where there is none, or where somebody has edited it beyond reading: then it is decided anew. */
export function readDecision(annotation: string | undefined): Decision | undefined {
  if (annotation === undefined) return undefined;
  try {
    return decision.parse(JSON.parse(annotation));
  } catch {
    return undefined;
  }
}
