// The revision: a hash of what shapes the pods by the user's will and by the hardware decision. It is taken from the spec as
// written, not from the settings with their defaults: a later operator with other defaults must not roll pods by itself.
import type { Rung } from '../api/hardware.ts';
import type { Spec } from '../api/schema.ts';
import type { Choice } from '../placement/decision.ts';
import { hashOf } from '../placement/hash.ts';

export interface RevisionInput {
  spec: Spec;
  rung: Rung;
  choice: Choice;
  /** Value of the restarted-at annotation. */
  restartedAt?: string;
}

/** What of the storage shapes a pod: where the files are, not how large the claim is. */
function storageShape({ storage }: Spec): unknown {
  const { size: _size, whenDeleted: _whenDeleted, ...claim } = storage?.persistentVolumeClaim ?? {};
  return storage && { type: storage.type, ephemeral: storage.ephemeral, claim: claim.claimName };
}

/** What shapes a pod template; anything else in the spec (replicas, Service, monitoring, rollout) is left out on purpose. */
function templateInputs({ spec, rung, choice, restartedAt }: RevisionInput): unknown {
  const { runtime, image, model, performance, ollama, foundryLocal, api, resources, pod, hardware, monitoring } = spec;
  const { whenAbsent: _whenAbsent, ...shape } = rung;
  const { rung: _position, ...device } = choice;
  return {
    runtime,
    image,
    model,
    performance,
    ollama,
    foundryLocal,
    api,
    resources,
    pod,
    storage: storageShape(spec),
    residency: hardware?.residency,
    canary: monitoring?.canary,
    rung: shape,
    device,
    restartedAt,
  };
}

/** The revision: short, and valid as a label value and as the key of a ConfigMap. */
export const revisionOf = (input: RevisionInput): string => hashOf(templateInputs(input));
