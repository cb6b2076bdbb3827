// Everything that the story acts on, and the way back: what was made is taken away again, in reverse order.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { localModelDeployments, type StoredDeployment } from '../../src/api/types.ts';
import { loadAuth } from '../../src/kube/auth.ts';
import { type Client, createClient } from '../../src/kube/client.ts';
import { ApiError } from '../../src/kube/errors.ts';
import { resources } from '../../src/kube/resources.ts';
import { createTransport, type Transport } from '../../src/kube/transport.ts';
import type { KubeObject, Resource } from '../../src/kube/types.ts';
import { systemClock } from '../../src/process/clock.ts';
import type { Cluster } from './cluster.ts';
import { DemoError, patiently } from './demoError.ts';

export const namespaceName = 'local-model-demo';
export const fieldManager = 'local-model-demo';
export const crdFile = 'crds/localmodels.dev_localmodeldeployments.yaml';

export interface Api {
  client: Client;
  transport: Transport;
}

/** Rejects with DemoError when the kubeconfig cannot be used. */
export async function connectTo({ kubeconfig, context, env }: Cluster): Promise<Api> {
  const options = { env, clock: systemClock, kubeconfig, ...(context && { context }) };
  const auth = await loadAuth(options).catch((error: unknown) => {
    throw new DemoError(`${kubeconfig} cannot be used: ${error instanceof Error ? error.message : error}`);
  });
  const transport = createTransport({
    auth,
    clock: systemClock,
    random: Math.random,
    userAgent: 'local-model-operator-demo',
    deadlineMs: 10_000,
  });
  return { client: createClient(transport), transport };
}

interface Definition extends KubeObject {
  status?: { conditions?: { type: string; status: string }[] };
}

const isNotFound = (error: unknown) => error instanceof ApiError && error.reason === 'notFound';

/** Resolves with false when the definition was there before; then it stays as it is. */
export async function installDefinition({ client }: Api, root: string, signal: AbortSignal): Promise<boolean> {
  const definition = parse(await readFile(join(root, crdFile), 'utf8')) as Definition;
  const ref = { name: definition.metadata.name };
  const read = () => client.get<Definition>(resources.customResourceDefinition, ref, { signal });
  const known = await read().catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  if (!known) await client.apply(resources.customResourceDefinition, definition, { fieldManager, signal });
  const isServed = async () => {
    const { status } = await read();
    return status?.conditions?.some((one) => one.type === 'Established' && one.status === 'True') || undefined;
  };
  await patiently('the CustomResourceDefinition is served', isServed, { deadlineMs: 30_000, signal });
  return !known;
}

/** Removes the definition, unless somebody else has deployments of it by now. Resolves with whether it was removed. */
export async function removeDefinition({ client }: Api): Promise<boolean> {
  const { items } = await client.list<StoredDeployment>(localModelDeployments);
  if (items.some(({ metadata }) => metadata.namespace !== namespaceName)) return false;
  const { group, plural } = localModelDeployments;
  await removeWholly(client, resources.customResourceDefinition, `${plural}.${group}`);
  return true;
}

/** Makes the demo's namespace. Rejects with DemoError when there is one of that name. */
export async function createNamespace({ client }: Api, signal: AbortSignal): Promise<void> {
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespaceName } };
  await client.create(resources.namespace, object, { signal }).catch((error: unknown) => {
    if (!(error instanceof ApiError && error.reason === 'alreadyExists')) throw error;
    throw new DemoError(
      `The cluster has a namespace ${namespaceName} already, perhaps from a demo that was kept. To remove it:\n` +
        `  kubectl delete namespace ${namespaceName}`,
    );
  });
  const account = { name: 'default', namespace: namespaceName };
  const podsCanBeMade = async () => client.get(resources.serviceAccount, account, { signal });
  await patiently(`namespace ${namespaceName} is ready`, podsCanBeMade, { deadlineMs: 30_000, signal });
}

/** Removes the namespace with all that is in it. */
export const removeNamespace = ({ client }: Api): Promise<void> =>
  removeWholly(client, resources.namespace, namespaceName);

/** Resolves when it is gone: finalizers of Kubernetes itself take their time. */
async function removeWholly(client: Client, resource: Resource, name: string): Promise<void> {
  if (!(await client.remove(resource, { name }))) return;
  const isGone = async () => {
    const failure = await client.get(resource, { name }).then(
      () => undefined,
      (error: unknown) => error,
    );
    return isNotFound(failure) || undefined;
  };
  await patiently(`${resource.kind} ${name} is gone`, isGone, { deadlineMs: 120_000, everyMs: 100 });
}
