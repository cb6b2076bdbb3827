// Restricted Pod Security, for the pod and for each container; nothing in the resource can loosen it except the SELinux
// options that a cluster asks for.
import type { PodInput } from './input.ts';

/** Of every container: no way up, nothing to write to but the volumes. */
export const containerSecurity = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
} as const;

/** User and group ids: fixed ones, or those that OpenShift's SCC fills in where `ids` says Platform. */
function idsOf({ settings, defaults }: PodInput) {
  const { ids, runAsUser, runAsGroup, fsGroup } = settings.pod.securityContext ?? {};
  const fixed = ids === 'Platform' ? undefined : defaults.ids;
  return {
    ...((runAsUser ?? fixed) && { runAsUser: runAsUser ?? fixed?.user }),
    ...((runAsGroup ?? fixed) && { runAsGroup: runAsGroup ?? fixed?.group }),
    ...((fsGroup ?? fixed) && { fsGroup: fsGroup ?? fixed?.fsGroup }),
  };
}

/** The groups that may open the device (render, video: their numbers differ by host), and those that the user adds. */
function groupsOf({ settings, rung }: PodInput) {
  const groups = [...(rung.supplementalGroups ?? []), ...(settings.pod.securityContext?.supplementalGroups ?? [])];
  return groups.length > 0 && { supplementalGroups: [...new Set(groups)] };
}

/** The security context of the pod. */
export function podSecurity(input: PodInput): Record<string, unknown> {
  const { fsGroupChangePolicy, seLinuxOptions } = input.settings.pod.securityContext ?? {};
  return {
    runAsNonRoot: true,
    ...idsOf(input),
    // Walking a claim with hundreds of gigabytes at every start took peers minutes; the root tells whether it was done.
    fsGroupChangePolicy: fsGroupChangePolicy ?? 'OnRootMismatch',
    ...groupsOf(input),
    ...(seLinuxOptions && { seLinuxOptions }),
    seccompProfile: { type: 'RuntimeDefault' },
  };
}
