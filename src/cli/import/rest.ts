// What manifests say besides the container of the runtime: carried along where a deployment has the field and it means the same there,
// else noted, so that nothing is left out in silence.
import type { Draft, Fields } from './draft.ts';

/** Of a pod, and the same in spec.pod. */
const carried: readonly string[] = ['nodeSelector', 'tolerations', 'priorityClassName'];

/** Read elsewhere, or of the object itself and not of what it runs. */
const known: ReadonlySet<string> = new Set([
  ...['replicas', 'selector', 'template', 'serviceName'],
  ...['containers', 'initContainers', 'volumes'],
  ...['name', 'image', 'env', 'command', 'args', 'lifecycle', 'resources', 'ports', 'volumeMounts'],
  ...['livenessProbe', 'readinessProbe', 'startupProbe'],
]);

/** What `kubectl get` shows where nobody has said anything. */
const unsaid: Readonly<Record<string, readonly unknown[]>> = {
  restartPolicy: ['Always'],
  dnsPolicy: ['ClusterFirst'],
  schedulerName: ['default-scheduler'],
  terminationGracePeriodSeconds: [30],
  terminationMessagePath: ['/dev/termination-log'],
  terminationMessagePolicy: ['File'],
  imagePullPolicy: ['Always', 'IfNotPresent'],
  revisionHistoryLimit: [10],
  progressDeadlineSeconds: [600],
};

const instead: Readonly<Record<string, string>> = {
  affinity: 'spec.pod.affinity says it, for the labels that the new pods have',
  topologySpreadConstraints: 'spec.pod.topologySpreadConstraints says it, for the labels that the new pods have',
  serviceAccountName: 'spec.pod.serviceAccountName sets it, where the runtime needs one',
  imagePullSecrets: 'spec.pod.imagePullSecrets names them, where spec.image is a private one',
  terminationGracePeriodSeconds: 'the operator makes it long enough for requests that run (spec.pod sets a longer one)',
  securityContext: 'the pods run without rights (spec.pod.securityContext)',
  annotations: 'spec.pod.annotations sets them',
  runtimeClassName: 'a rung of the hardware ladder has runtimeClassName',
  envFrom: 'give the variables that the runtime needs in spec.pod.env',
  strategy: 'spec.rollout.strategy says how pods are replaced',
  updateStrategy: 'spec.rollout.strategy says how pods are replaced',
  volumeClaimTemplates: 'the store of the model is spec.storage',
};

const isNothing = (value: unknown): boolean =>
  value === undefined || value === null || ['{}', '[]', '""'].includes(JSON.stringify(value));

/** Those fields of a workload, its pod or a container that nothing else here reads. */
export function importRest(draft: Draft, fields: Fields): void {
  for (const [name, value] of Object.entries(fields)) {
    if (known.has(name) || isNothing(value) || unsaid[name]?.includes(value)) continue;
    if (carried.includes(name)) draft.set(`pod.${name}`, value, name);
    else draft.note(name, `is not carried along: ${instead[name] ?? 'the operator decides it'}`);
  }
}
