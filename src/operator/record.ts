// What the operator writes down on the workload itself, in the same write that it explains: the hardware decision, the
// revision, and the pod template as it was rendered (docs/decisions/0005). The template is packed: the Deployment controller copies
// annotations to every ReplicaSet.
import { gunzipSync, gzipSync } from 'node:zlib';
import { annotations } from '../api/types.ts';
import type { PodTemplate } from '../children/pod.ts';
import type { Decision } from '../placement/decision.ts';
import { hashOf } from '../placement/hash.ts';
import { readDecision, writeDecision } from '../placement/record.ts';
import type { LiveChild } from './liveChild.ts';

export interface WorkloadRecord {
  revision?: string;
  decision?: Decision;
  /** As it stands in the annotation; unpacked only when it is needed. */
  packedTemplate?: string;
}

export function readRecord(workload: LiveChild | undefined): WorkloadRecord {
  const notes = workload?.metadata.annotations;
  const known = readDecision(notes?.[annotations.decision]);
  return {
    ...(notes?.[annotations.revision] && { revision: notes[annotations.revision] }),
    ...(known && { decision: known }),
    ...(notes?.[annotations.template] && { packedTemplate: notes[annotations.template] }),
  };
}

/** A hash of the template and the template itself: whether it is still the same can be told without unpacking it. */
export const packTemplate = (template: PodTemplate): string =>
  `${hashOf(template)}.${gzipSync(JSON.stringify(template)).toString('base64')}`;

export const isPackOf = (packed: string, template: PodTemplate): boolean => packed.startsWith(`${hashOf(template)}.`);

/** More than any template of ours, less than what a bomb would need. */
const MAX_TEMPLATE_BYTES = 1 << 20;

/** The template, or undefined when the record cannot be read: then it is rendered anew. */
export function unpackTemplate(packed: string | undefined): PodTemplate | undefined {
  const [, base64] = packed?.split('.') ?? [];
  if (!base64) return undefined;
  try {
    const text = gunzipSync(Buffer.from(base64, 'base64'), { maxOutputLength: MAX_TEMPLATE_BYTES }).toString('utf8');
    const template = JSON.parse(text) as PodTemplate;
    return Array.isArray(template?.spec?.containers) ? template : undefined;
  } catch {
    return undefined;
  }
}

export const recordAnnotations = (
  revision: string,
  made: Decision,
  packedTemplate: string,
): Record<string, string> => ({
  [annotations.revision]: revision,
  [annotations.decision]: writeDecision(made),
  [annotations.template]: packedTemplate,
});
