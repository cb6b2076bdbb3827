// What a hardware decision depends on: while this is the same, the recorded decision stands.
import type { Settings } from '../api/defaults.ts';
import type { Rung } from '../api/hardware.ts';
import type { PodDemands } from './offers.ts';

/** Without what changes neither whether a rung can be had nor where its pods can go. */
function essence({ model: _model, env: _env, supplementalGroups: _groups, ...rung }: Rung) {
  return rung;
}

/** Where pods may go on any rung, as the ladder looks at it. */
export const podDemandsOf = ({ pod }: Settings): PodDemands => ({
  nodeSelector: pod.nodeSelector,
  tolerations: pod.tolerations,
});

/**
 * The value to hash. `reselectHardware` is the annotation of that name. Members that are undefined do not count, so that a
 * field that a later release adds changes no decision.
 */
export function decisionInputs(settings: Settings, reselectHardware?: string) {
  return {
    runtime: settings.runtime,
    ladder: settings.ladder.map(essence),
    pod: podDemandsOf(settings),
    reselectHardware,
  };
}
