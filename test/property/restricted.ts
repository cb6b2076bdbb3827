// The "restricted" Pod Security Standard as the standard's text has it (Kubernetes 1.37), written apart from the builders
// that it judges. Windows fields are left out: our pods ask for Linux.
import type { Container, PodTemplate } from '../../src/children/pod.ts';

type Security = Record<string, unknown>;

const volumeTypes = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);
const seLinuxTypes = new Set(['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']);
const profiles = new Set(['RuntimeDefault', 'Localhost']);

const nested = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;

function* podProblems({ spec }: PodTemplate): Generator<string> {
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC']) if (spec[field]) yield field;
  for (const { name, ...source } of spec.volumes) {
    const [type = 'none', ...others] = Object.keys(source);
    if (!volumeTypes.has(type) || others.length > 0) yield `volume ${String(name)}: ${type}`;
  }
  if (nested(spec.securityContext, 'sysctls')) yield 'sysctls';
}

/** What may stand on the pod or on a container, and where neither says it. */
function* sharedProblems(security: Security): Generator<string> {
  const seLinux = security.seLinuxOptions;
  if (!seLinuxTypes.has(String(nested(seLinux, 'type') ?? ''))) yield 'seLinuxOptions.type';
  if (nested(seLinux, 'user') || nested(seLinux, 'role')) yield 'seLinuxOptions.user or role';
  if (security.runAsUser === 0) yield 'runAsUser: 0';
  if (security.runAsNonRoot === false) yield 'runAsNonRoot: false';
  if (nested(security.appArmorProfile, 'type') === 'Unconfined') yield 'appArmorProfile: Unconfined';
  const seccomp = security.seccompProfile;
  if (seccomp && !profiles.has(String(nested(seccomp, 'type')))) yield 'seccompProfile';
}

function* capabilityProblems(security: Security): Generator<string> {
  const dropped = nested(security.capabilities, 'drop');
  const added = nested(security.capabilities, 'add') ?? [];
  if (!Array.isArray(dropped) || !dropped.includes('ALL')) yield 'capabilities.drop lacks ALL';
  if (!Array.isArray(added) || added.some((name) => name !== 'NET_BIND_SERVICE')) yield 'capabilities.add';
}

const handlersOf = ({ startupProbe, readinessProbe, livenessProbe, lifecycle }: Container) => [
  startupProbe,
  readinessProbe,
  livenessProbe,
  lifecycle?.preStop,
  nested(lifecycle, 'postStart'),
];

function* containerProblems(container: Container, pod: Security): Generator<string> {
  const security: Security = container.securityContext ?? {};
  if (security.privileged) yield 'privileged';
  if (security.allowPrivilegeEscalation !== false) yield 'allowPrivilegeEscalation';
  if (security.procMount && security.procMount !== 'Default') yield 'procMount';
  if ((security.runAsNonRoot ?? pod.runAsNonRoot) !== true) yield 'runAsNonRoot';
  if (!(security.seccompProfile ?? pod.seccompProfile)) yield 'seccompProfile is missing';
  if (container.ports?.some((port) => nested(port, 'hostPort'))) yield 'hostPort';
  const asks = handlersOf(container).flatMap((handler) => [nested(handler, 'httpGet'), nested(handler, 'tcpSocket')]);
  if (asks.some((ask) => nested(ask, 'host'))) yield 'a probe or hook names a host';
  yield* capabilityProblems(security);
  yield* sharedProblems(security);
}

/** What the standard forbids in this pod, in words; empty if it passes. */
export function restrictedViolations(template: PodTemplate): string[] {
  const pod = (template.spec.securityContext ?? {}) as Security;
  const containers = [...template.spec.initContainers, ...template.spec.containers];
  return [
    ...podProblems(template),
    ...sharedProblems(pod),
    ...containers.flatMap((container) =>
      [...containerProblems(container, pod)].map((problem) => `${container.name}: ${problem}`),
    ),
  ];
}
