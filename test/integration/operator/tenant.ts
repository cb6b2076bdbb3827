// What a test does with the objects of one namespace: apply, edit, look, wait.
import type { Condition } from '../../../src/api/status.ts';
import { GROUP, KIND, labels, localModelDeployments, type StoredDeployment, VERSION } from '../../../src/api/types.ts';
import { ApiError } from '../../../src/kube/errors.ts';
import { resources } from '../../../src/kube/resources.ts';
import type { KubeObject, Resource } from '../../../src/kube/types.ts';
import { type PodFacts, trimPod } from '../../../src/operator/podFacts.ts';
import type { CommandResult } from '../../controlplane/access.ts';
import { waitFor } from '../../controlplane/wait.ts';
import type { Cluster } from './harness.ts';

/** An object with everything that the server knows of it. */
export interface Any extends KubeObject {
  // biome-ignore lint/suspicious/noExplicitAny: a test may look at any field of any kind
  [field: string]: any;
}

export interface Spec {
  [field: string]: unknown;
}

export interface Wish {
  /** Default `model`. */
  name?: string;
  annotations?: Record<string, string>;
}

/** The smallest spec there is. */
export const smallest: Spec = { runtime: 'Ollama', model: { name: 'qwen2.5:0.5b' } };
export const DEFAULT_NAME = 'model';

export interface Tenant {
  readonly namespace: string;
  readonly cluster: Cluster;
  /** What is applied is all that is wanted: what was there before and is not said again goes. */
  apply(spec: Spec, wish?: Wish): Promise<StoredDeployment>;
  get(name?: string): Promise<StoredDeployment>;
  remove(name?: string): Promise<void>;
  /** Undefined where there is none. */
  find(resource: Resource, name?: string): Promise<Any | undefined>;
  /** All objects of a kind, or those with our label. */
  list(resource: Resource, labelSelector?: string): Promise<Any[]>;
  pods(name?: string): Promise<(PodFacts & { raw: Any })[]>;
  until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T>;
  /** The deployment once the condition says so about its newest generation. */
  untilCondition(type: string, status: Condition['status'], reason?: string, name?: string): Promise<StoredDeployment>;
  /** A merge patch, as `kubectl patch` or another controller makes it. */
  patch(resource: Resource, name: string, patch: unknown, fieldManager?: string): Promise<Any>;
  kubectl(...args: string[]): Promise<CommandResult>;
  /** resourceVersion by kind and name, of everything that is ours or the test's. */
  versions(): Promise<Record<string, string>>;
}

export const conditionOf = ({ status }: Pick<StoredDeployment, 'status'>, type: string): Condition | undefined =>
  status?.conditions?.find((condition) => condition.type === type);

/** Kinds that the operator writes. */
export const childResources = [
  resources.deployment,
  resources.service,
  resources.networkPolicy,
  resources.configMap,
  resources.persistentVolumeClaim,
  resources.podDisruptionBudget,
] as const;

const pathOf = ({ group, version, plural }: Resource, namespace: string, name: string): string =>
  `${group ? `/apis/${group}` : '/api'}/${version}/namespaces/${namespace}/${plural}/${name}`;

export function createTenant(cluster: Cluster, namespace: string): Tenant {
  const { client, access } = cluster;
  const patience = { deadlineMs: 85_000 };

  const get = (name = DEFAULT_NAME) => client.get<StoredDeployment>(localModelDeployments, { namespace, name });
  const find = async (resource: Resource, name = DEFAULT_NAME) => {
    try {
      return await client.get<Any>(resource, { namespace, name });
    } catch (error) {
      if (error instanceof ApiError && error.reason === 'notFound') return undefined;
      throw error;
    }
  };
  const list = async (resource: Resource, labelSelector?: string) =>
    (await client.list<Any>(resource, { namespace, ...(labelSelector && { labelSelector }) })).items;
  const until: Tenant['until'] = (what, look) => waitFor(what, async () => (await look()) || undefined, patience);

  async function untilCondition(type: string, status: string, reason?: string, name = DEFAULT_NAME) {
    let last: StoredDeployment | undefined;
    const isSo = async () => {
      last = await get(name);
      const condition = conditionOf(last, type);
      if (!condition || condition.observedGeneration !== last.metadata.generation) return undefined;
      return condition.status === status && (!reason || condition.reason === reason) && last;
    };
    try {
      return await until(`${name}: ${type}=${status} ${reason ?? ''}`, isSo);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${JSON.stringify(last?.status, null, 1)}`);
    }
  }

  return {
    namespace,
    cluster,
    apply: (spec, { name = DEFAULT_NAME, annotations = {} } = {}) =>
      client.apply<StoredDeployment>(
        localModelDeployments,
        { apiVersion: `${GROUP}/${VERSION}`, kind: KIND, metadata: { name, namespace, annotations }, spec } as Any,
        { fieldManager: 'user' },
      ),
    get,
    async remove(name = DEFAULT_NAME) {
      await client.remove(localModelDeployments, { namespace, name });
    },
    find,
    list,
    async pods(name = DEFAULT_NAME) {
      const all = await list(resources.pod, `${labels.deployment}=${name}`);
      return all.map((raw) => ({ ...trimPod(raw), raw }));
    },
    until,
    untilCondition,
    async patch(resource, name, patch, fieldManager = 'somebody') {
      const path = `${pathOf(resource, namespace, name)}?fieldManager=${fieldManager}`;
      const answer = await access.call('PATCH', path, { body: patch, contentType: 'application/merge-patch+json' });
      if (answer.status !== 200) throw new Error(`patch ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body as Any;
    },
    kubectl: (...args) => access.runKubectl(['-n', namespace, ...args]),
    async versions() {
      const lists = await Promise.all(
        [localModelDeployments, ...childResources].map(
          async (resource) => [resource.kind, await list(resource)] as const,
        ),
      );
      return Object.fromEntries(
        lists.flatMap(([kind, items]) =>
          items
            .filter(({ metadata }) => metadata.name !== 'kube-root-ca.crt')
            .map(({ metadata }) => [`${kind}/${metadata.name}`, metadata.resourceVersion ?? '']),
        ),
      );
    },
  };
}
