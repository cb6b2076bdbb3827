// What can be carried out, but that its owner should know: shown in the message of Accepted.
import { unitsOf } from '../kube/quantity.ts';
import type { Settings } from './defaults.ts';
import type { Rung } from './hardware.ts';
import type { Spec } from './schema.ts';
import type { Problem } from './types.ts';

/** What the operator itself asks for where the spec says nothing of memory; undefined where it cannot tell. */
export type MemoryRequest = (settings: Settings, rung: Rung) => string | undefined;

type Warning = (settings: Settings, memoryRequest: MemoryRequest) => Problem | undefined;

const on = (path: string, message: string): Problem => ({ path, message });

const memoryIsReserved: Warning = (settings, memoryRequest) => {
  const { ladder, resources } = settings;
  const index = ladder.findIndex((rung) => {
    const { requests, limits } = rung.resources ?? resources;
    const said = requests?.memory ?? limits?.memory ?? memoryRequest(settings, rung);
    return said === undefined;
  });
  const own = ladder[index]?.resources;
  if (index < 0) return undefined;
  const where = own
    ? `spec.hardware.${index === 0 ? 'preferred' : `fallback[${index - 1}]`}.resources`
    : 'spec.resources';
  return on(
    `${where}.requests.memory`,
    'is not set, so the pod may land on a node that cannot hold the model, and is the first to be evicted',
  );
};

const isWriteOnce = ({ storage }: Settings): boolean =>
  storage.kind === 'Claim' && storage.own && !storage.accessModes.includes('ReadWriteMany');

const claimReachesAllReplicas: Warning = (settings) =>
  settings.replicas > 1 && isWriteOnce(settings)
    ? on(
        'spec.storage.persistentVolumeClaim.accessModes',
        `a ReadWriteOnce claim is for one node; ${settings.replicas} replicas work only while all pods are on it. Use ReadWriteMany for several nodes`,
      )
    : undefined;

const outsideCanReach: Warning = ({ service, networkPolicy }) =>
  service.type !== 'ClusterIP' && networkPolicy.enabled && networkPolicy.from === undefined
    ? on(
        'spec.network.policy.from',
        `is not set, so only pods of this namespace get through, not those that a ${service.type} Service is for; name who may call`,
      )
    : undefined;

const credentialsAreSentInSecret: Warning = ({ model: { source } }) =>
  source.kind === 'Registry' && source.plainHttp && source.credentialsSecretRef
    ? on('spec.model.source.registry.plainHttp', 'sends the credentials unencrypted; use https')
    : undefined;

/** What a gateway with the memory of the shipped defaults can hold besides itself (test/fault/gatewayMemory.test.ts). */
const LARGEST_BODY = 64 * 2 ** 20;

const bodiesFitTheGateway: Warning = ({ api: { limits } }) =>
  unitsOf(limits.maxBodyBytes) > LARGEST_BODY
    ? on(
        'spec.api.limits.maxBodyBytes',
        'is memory that one request may take in the gateway, whose container is killed where its limit is not that and 192Mi more; the operator sets it by defaults.gatewayResources, to 256Mi unless told otherwise',
      )
    : undefined;

const prefersWhatCanWait: Warning = ({ ladder }) => {
  const index = ladder.slice(0, -1).findIndex((rung) => rung.class === 'CPU');
  return index < 0
    ? undefined
    : on(
        `spec.hardware.${index === 0 ? 'preferred' : `fallback[${index - 1}]`}`,
        'every node has a CPU, so the rungs after it are only tried when no node has room for it in time',
      );
};

/** What was said but changes nothing: not refused, for it does no harm, and not silent. */
interface Idle {
  path: string;
  applies: (spec: Spec, settings: Settings) => boolean;
  message: string;
}

const idle: readonly Idle[] = [
  {
    path: 'spec.hardware.fallbackAfterSeconds',
    applies: ({ hardware }) => hardware?.fallbackAfterSeconds !== undefined && !hardware.fallback?.length,
    message: 'has no effect without fallback',
  },
  {
    path: 'spec.hardware.residency',
    applies: ({ hardware }, { ladder }) =>
      hardware?.residency !== undefined && ladder.every((rung) => rung.class === 'CPU'),
    message: 'has no effect where every rung is CPU',
  },
  {
    path: 'spec.network.policy.from',
    applies: (_, { networkPolicy }) => !networkPolicy.enabled && networkPolicy.from !== undefined,
    message: 'has no effect while the policy is not enabled: everybody may call',
  },
  {
    path: 'spec.network.policy.egress',
    applies: ({ network }, { networkPolicy }) => !networkPolicy.enabled && network?.policy?.egress !== undefined,
    message: 'has no effect while the policy is not enabled: the pods may reach everything',
  },
  {
    path: 'spec.monitoring.canary',
    applies: (_, { canary }) => !canary.enabled && (canary.prompt ?? canary.expectContains) !== undefined,
    message: 'has a prompt or an expectation, but is not enabled',
  },
];

/** Add a warning by adding a name. */
const warnings: readonly Warning[] = [
  memoryIsReserved,
  claimReachesAllReplicas,
  outsideCanReach,
  credentialsAreSentInSecret,
  bodiesFitTheGateway,
  prefersWhatCanWait,
];

/**
 * At most one problem per warning; none of them keeps the spec from being carried out.
 * @param spec as the user wrote it; without it, what was said to no effect is not found
 * @param memoryRequest of the runtime
 */
export const warningsOf = (
  settings: Settings,
  spec?: Spec,
  memoryRequest: MemoryRequest = () => undefined,
): Problem[] => [
  ...warnings.flatMap((warning) => warning(settings, memoryRequest) ?? []),
  ...idle
    .filter(({ applies }) => spec !== undefined && applies(spec, settings))
    .map(({ path, message }) => on(path, message)),
];
