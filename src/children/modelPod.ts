// The pod that serves a model: gateway, pull and runtime. A function of the settings without `replicas`, of the
// hardware decision and of this code: scaling must never change it.
import { annotations, labels } from '../api/types.ts';
import { gatewayContainer } from './gatewayContainer.ts';
import type { PodInput } from './input.ts';
import { mainContainer } from './mainContainer.ts';
import { childLabels } from './metadata.ts';
import type { PodTemplate } from './pod.ts';
import { podSecurity } from './podSecurity.ts';
import { pullContainer } from './pullContainer.ts';
import { scheduling } from './scheduling.ts';
import { podVolumes, volumeEntries } from './volumes.ts';

/** The user's labels and annotations never replace ours: selectors and the operator's own caches go by them. */
function podMetadata({ name, settings, runtime, revision, restartedAt }: PodInput): PodTemplate['metadata'] {
  return {
    labels: { ...settings.pod.labels, ...childLabels(name, 'model-server'), [labels.revision]: revision },
    annotations: {
      ...settings.pod.annotations,
      'kubectl.kubernetes.io/default-container': runtime.container,
      ...(restartedAt && { [annotations.restartedAt]: restartedAt }),
    },
  };
}

function pullSecretsOf({ settings, defaults }: PodInput) {
  const names = [...defaults.imagePullSecrets, ...(settings.pod.imagePullSecrets ?? []).map(({ name }) => name)];
  return names.length > 0 && { imagePullSecrets: [...new Set(names)].map((name) => ({ name })) };
}

/** The pod template of a revision. */
export function modelPod(input: PodInput): PodTemplate {
  const { settings } = input;
  const volumes = podVolumes(input);
  return {
    metadata: podMetadata(input),
    spec: {
      initContainers: [gatewayContainer(input, volumes), pullContainer(input, volumes)],
      containers: [mainContainer(input, volumes)],
      volumes: volumeEntries(volumes),
      ...scheduling(input),
      securityContext: podSecurity(input),
      ...(settings.pod.serviceAccountName && { serviceAccountName: settings.pod.serviceAccountName }),
      automountServiceAccountToken: false,
      // Otherwise every Service of the namespace becomes environment, also for a runtime that reads names as settings.
      enableServiceLinks: false,
      ...pullSecretsOf(input),
      terminationGracePeriodSeconds: settings.terminationGracePeriodSeconds,
    },
  };
}
