// How simulated nodes treat pods. What becomes of a pod is said by its annotation `sim.localmodels.dev/outcome`, which may be
// changed while the pod lives; without it the pod is Ready within a moment. Written as kwok Stage objects (kwok 0.8).
import { stringify } from 'yaml';

/** Annotations by which a test plays a pod's fate. */
export const simulation = {
  /** One of `outcomes`. */
  outcome: 'sim.localmodels.dev/outcome',
  /** Exit code of the container that fails; default 40 (the source does not answer) for a pull, else 1. */
  exitCode: 'sim.localmodels.dev/exit-code',
  /** Termination message, or the message of the waiting state, of the container that fails. */
  message: 'sim.localmodels.dev/message',
  /** Termination message of a `pull` container that succeeds; default: Done, with a digest made from the reference in PULL_CONFIG. */
  pullMessage: 'sim.localmodels.dev/pull-message',
  /** For `slow`: how long the pull takes, as Go writes durations (`1m30s`); default 3s. */
  delay: 'sim.localmodels.dev/delay',
  /** `never`: once deleted, the pod hangs in Terminating. */
  stop: 'sim.localmodels.dev/stop',
  /** On a node, `hands-off`: the simulation does not make it ready again. */
  node: 'sim.localmodels.dev/node',
} as const;

/** The pod condition that names the outcome last played, so that a stage is not played twice. */
const playedCondition = 'sim.localmodels.dev/Played';

/** How one container looks. `state` and `lastState` are YAML in flow style, as Go templates. */
interface Look {
  ready: boolean;
  started: boolean;
  restarts?: number;
  state: string;
  lastState?: string;
}

interface Scene {
  phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  /** A native sidecar; an init container that runs to its end; a main container. */
  sidecar: Look;
  init: Look;
  main: Look;
  /** Whether the pod's volumes and sandbox are there; default true. */
  sandbox?: boolean;
  reason?: string;
}

const now = '{{ $now | Quote }}';
const annotation = (name: string, fallback: string) =>
  `{{ or ( index $annotations ${JSON.stringify(name)} ) ${fallback} | Quote }}`;
const exitCode = (fallback: number) => `{{ or ( index $annotations "${simulation.exitCode}" ) "${fallback}" }}`;
/** Of a pull that cannot reach its source (src/puller/outcome.ts), and of a runtime that crashes. */
const pullFailed = exitCode(40);
const crashed = exitCode(1);

const ended = (code: string, reason: string, message: string) =>
  `{ terminated: { exitCode: ${code}, reason: ${reason}, message: ${message}, startedAt: ${now}, finishedAt: ${now} } }`;
const waiting = (reason: string, message: string) => `{ waiting: { reason: ${reason}, message: ${message} } }`;

const running: Look = { ready: true, started: true, state: `{ running: { startedAt: ${now} } }` };
const starting: Look = { ...running, ready: false, started: false };
const unready: Look = { ...running, ready: false };
const creating: Look = { ready: false, started: false, state: '{ waiting: { reason: ContainerCreating } }' };
const initializing: Look = { ready: false, started: false, state: '{ waiting: { reason: PodInitializing } }' };
const done: Look = { ready: true, started: false, state: ended('0', 'Completed', '{{ $pullMessage | Quote }}') };
const finished: Look = { ready: false, started: false, state: ended('0', 'Completed', '""') };
const failed: Look = {
  ready: false,
  started: false,
  state: ended(pullFailed, 'Error', annotation(simulation.message, '$failure')),
};
const backOff = waiting('CrashLoopBackOff', '"back-off 40s restarting failed container"');
const crashing = (code: string, reason: string, words = '""'): Look => ({
  ready: false,
  started: false,
  restarts: 3,
  state: backOff,
  lastState: ended(code, reason, annotation(simulation.message, words)),
});
const withoutImage: Look = {
  ready: false,
  started: false,
  state: waiting('ImagePullBackOff', annotation(simulation.message, '( printf "Back-off pulling image %q" .image )')),
};

const up: Scene = { phase: 'Running', sidecar: running, init: done, main: running };
const pulling: Scene = { phase: 'Pending', sidecar: running, init: { ...running, ready: false }, main: initializing };

/** What can become of a pod. */
export const outcomes = {
  ready: up,
  pulling,
  'pull-fails': { ...pulling, init: failed },
  'pull-crash-loops': { ...pulling, init: crashing(pullFailed, 'Error', '$failure') },
  'sidecar-image-missing': { ...pulling, sidecar: withoutImage, init: initializing },
  'init-image-missing': { ...pulling, init: withoutImage },
  'image-pull-backoff': { ...up, phase: 'Pending', main: withoutImage },
  'mount-fails': { phase: 'Pending', sidecar: initializing, init: initializing, main: initializing, sandbox: false },
  'container-creating': { ...up, phase: 'Pending', main: creating },
  starting: { ...up, main: starting },
  'never-ready': { ...up, main: unready },
  'crash-loop': { ...up, main: crashing(crashed, 'Error') },
  'oom-killed': { ...up, main: crashing('137', 'OOMKilled') },
  evicted: { phase: 'Failed', sidecar: finished, init: done, main: finished, reason: 'Evicted' },
  completed: { phase: 'Succeeded', sidecar: finished, init: done, main: finished },
  slow: pulling,
} as const satisfies Record<string, Scene>;

export type Outcome = keyof typeof outcomes;

/** What a pull says that went well: the digest follows from the model's name, so that replicas agree and a changed model shows. */
const preamble = `
{{ $now := Now }}
{{ $annotations := or .metadata.annotations dict }}
{{ $pull := dict }}
{{ range .spec.initContainers }}{{ if eq .name "pull" }}{{ range .env }}{{ if eq .name "PULL_CONFIG" }}
{{ $pull = or ( .value | fromJson ) dict }}
{{ end }}{{ end }}{{ end }}{{ end }}
{{ $reference := or ( index $pull "reference" ) "simulated" }}
{{ $digest := or ( index $pull "digest" ) ( printf "sha256:%s" ( sha256sum $reference ) ) }}
{{ $done := dict "reason" "Done" "message" "simulated" "reference" $reference "digest" $digest "sizeBytes" 1048576 }}
{{ $pullMessage := or ( index $annotations "${simulation.pullMessage}" ) ( toJson $done ) }}
{{ $failure := dict "reason" "Unreachable" "message" "simulated" "reference" $reference | toJson }}`;

const containerStatus = ({ ready, started, restarts = 0, state, lastState = '{}' }: Look) => `
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: ${ready}
  started: ${started}
  restartCount: ${restarts}
  state: ${state}
  lastState: ${lastState}`;

const condition = (type: string, holds: boolean, reason: string) => `
- { type: ${type}, status: "${holds ? 'True' : 'False'}", reason: ${JSON.stringify(holds ? '' : reason)}, message: "", lastTransitionTime: ${now} }`;

/** The pod's status as a Go template over the pod. */
function statusTemplate({ phase, sidecar, init, main, sandbox = true, reason }: Scene, played: string): string {
  const initialized = init === done;
  return `${preamble}
phase: ${phase}
reason: ${reason ?? 'null'}
message: ${reason ? annotation(simulation.message, '"the simulation says so"') : 'null'}
startTime: {{ or .status.startTime $now | Quote }}
conditions:${[
    condition('PodReadyToStartContainers', sandbox, ''),
    condition('Initialized', initialized, 'ContainersNotInitialized'),
    condition('ContainersReady', main.ready && phase === 'Running', 'ContainersNotReady'),
    condition('Ready', main.ready && phase === 'Running', 'ContainersNotReady'),
  ].join('')}
- { type: ${playedCondition}, status: "True", reason: ${played}, lastTransitionTime: ${now} }
{{ if .spec.initContainers }}
initContainerStatuses:
{{ range .spec.initContainers }}
{{ if eq ( or .restartPolicy "" ) "Always" }}${containerStatus(sidecar)}
{{ else }}${containerStatus(init)}
{{ end }}
{{ end }}
{{ end }}
containerStatuses:
{{ range .spec.containers }}${containerStatus(main)}
{{ end }}
{{ $hostIP := NodeIPWith .spec.nodeName }}
{{ if $hostIP }}
hostIP: {{ $hostIP | Quote }}
hostIPs: [{ ip: {{ $hostIP | Quote }} }]
{{ end }}
${sandbox ? podAddress : ''}`;
}

const podAddress = `
{{ $podIP := or .status.podIP ( PodIPWith .spec.nodeName ( or .spec.hostNetwork false ) .metadata.uid .metadata.name .metadata.namespace ) }}
podIP: {{ $podIP | Quote }}
podIPs: [{ ip: {{ $podIP | Quote }} }]`;

interface Expression {
  key: string;
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  values?: string[];
}

const living: Expression[] = [
  { key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' },
  { key: '.status.phase', operator: 'NotIn', values: ['Succeeded', 'Failed'] },
];
/** A pod of a Job runs to its end unless told otherwise. */
const wantedKey = `.metadata.annotations["${simulation.outcome}"] // (if any(.metadata.ownerReferences[]?; .kind == "Job") then "completed" else "ready" end)`;
const playedKey = `[.status.conditions[]? | select(.type == "${playedCondition}") | .reason] | first // "nothing"`;

const wanted = (name: string): Expression => ({ key: wantedKey, operator: 'In', values: [name] });
const played = (operator: 'In' | 'NotIn', ...values: string[]): Expression => ({ key: playedKey, operator, values });

function stage(name: string, kind: 'Pod' | 'Node', matchExpressions: Expression[], spec: object) {
  return {
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    kind: 'Stage',
    metadata: { name },
    spec: { resourceRef: { apiGroup: 'v1', kind }, selector: { matchExpressions }, ...spec },
  };
}

const mountFailure = {
  type: 'Warning',
  reason: 'FailedMount',
  message: 'MountVolume.SetUp failed for volume "models": the simulation says so',
};

function podStages() {
  const arrived = 'slow-ready';
  const plays = (Object.entries(outcomes) as [Outcome, Scene][]).map(([name, scene]) =>
    stage(
      `pod-${name}`,
      'Pod',
      [...living, wanted(name), played('NotIn', name, ...(name === 'slow' ? [arrived] : []))],
      {
        next: {
          ...(name === 'mount-fails' && { event: mountFailure }),
          statusTemplate: statusTemplate(scene, name),
        },
      },
    ),
  );
  const durationFrom = { expressionFrom: `.metadata.annotations["${simulation.delay}"]` };
  const arrives = stage(`pod-${arrived}`, 'Pod', [...living, wanted('slow'), played('In', 'slow')], {
    delay: { durationMilliseconds: 3_000, durationFrom },
    next: { statusTemplate: statusTemplate(outcomes.ready, arrived) },
  });
  const stops = stage(
    'pod-stops',
    'Pod',
    [
      { key: '.metadata.deletionTimestamp', operator: 'Exists' },
      { key: '.metadata.finalizers', operator: 'DoesNotExist' },
      { key: `.metadata.annotations["${simulation.stop}"]`, operator: 'NotIn', values: ['never'] },
    ],
    { next: { delete: true } },
  );
  return [...plays, arrives, stops];
}

const nodeReady = stage(
  'node-ready',
  'Node',
  [
    { key: `.metadata.annotations["${simulation.node}"]`, operator: 'NotIn', values: ['hands-off'] },
    { key: '.status.conditions[]? | select(.type == "Ready") | .status', operator: 'NotIn', values: ['True'] },
  ],
  {
    next: {
      statusTemplate: `
{{ $now := Now }}
conditions:
- { type: Ready, status: "True", reason: Simulated, message: "a simulated node is always ready", lastHeartbeatTime: ${now}, lastTransitionTime: ${now} }`,
    },
  },
);

/** kwok's configuration file: the stages, and workers enough for a benchmark with a thousand pods. */
export function simulatorConfig(): string {
  const options = { podPlayStageParallelism: 16, nodePlayStageParallelism: 16, nodeLeaseParallelism: 16 };
  const settings = { apiVersion: 'config.kwok.x-k8s.io/v1alpha1', kind: 'KwokConfiguration', options };
  return [settings, ...podStages(), nodeReady].map((document) => stringify(document)).join('---\n');
}
