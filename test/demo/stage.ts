// Before and after the story: a cluster, the CustomResourceDefinition, a namespace, the operator; and all of it gone again.
import { join } from 'node:path';
import { localModelDeployments } from '../../src/api/types.ts';
import { resources } from '../../src/kube/resources.ts';
import { type Actor, loadCast } from './cast.ts';
import type { Cluster } from './cluster.ts';
import { type Deployments, watchDeployments } from './deployments.ts';
import { nodesInWords } from './explain.ts';
import { type OperatorProcess, startOperator } from './operatorProcess.ts';
import type { Screen } from './screen.ts';
import type { Undoing } from './undoing.ts';
import {
  type Api,
  crdFile,
  createNamespace,
  fieldManager,
  installDefinition,
  namespaceName,
  removeDefinition,
  removeNamespace,
} from './world.ts';

const root = join(import.meta.dirname, '..', '..');

export interface Stage {
  api: Api;
  cast: Actor[];
  deployments: Deployments;
  /** The CustomResourceDefinition was not there before. */
  installed: boolean;
  /** Absent where one of the user's does the work. */
  operator?: OperatorProcess;
}

export interface StageOptions {
  cluster: Cluster;
  screen: Screen;
  signal: AbortSignal;
  /** Called when the operator ends in the middle of it all. */
  onEnd(error: Error): void;
  /** Told how to undo each thing as soon as it has been done. */
  undoing: Pick<Undoing, 'add'>;
}

export async function describeCluster({ cluster, screen, signal }: StageOptions, api: Api): Promise<void> {
  const { gitVersion } = await api.client.raw<{ gitVersion: string }>('GET', '/version', { signal });
  const nodes = await firstNodes(api, signal);
  screen.say(`Kubernetes ${gitVersion} at ${api.transport.server}.`);
  if (nodes) screen.say(`Nodes: ${nodes}.`);
  if (!cluster.own) return;
  screen.say(
    'The nodes are simulated and run no model: that a pod is ready is what they claim. Everything else is real: API ' +
      'server, scheduler, controllers, operator.',
  );
}

/** Undefined without the permission to read nodes. */
async function firstNodes({ client }: Api, signal: AbortSignal): Promise<string | undefined> {
  try {
    for await (const { items, metadata } of client.pages(resources.node, { limit: 6, signal })) {
      const others = metadata.remainingItemCount ?? 0;
      return `${nodesInWords(items)}${others > 0 ? `, besides ${others} others` : ''}`;
    }
  } catch {
    signal.throwIfAborted();
  }
  return undefined;
}

export async function setStage(options: StageOptions, api: Api): Promise<Stage> {
  const { cluster, screen, signal, undoing } = options;
  const cast = await loadCast(root, namespaceName);
  const installed = await installDefinition(api, root, signal);
  if (installed) {
    screen.say(`Installed ${crdFile}.`);
    if (!cluster.own) undoing.add(() => undoDefinition(api, screen));
  } else screen.say('The CustomResourceDefinition is there already, and stays as it is.');
  await createNamespace(api, signal);
  if (!cluster.own) undoing.add(() => undoNamespace(api, screen));
  screen.say(`Made namespace ${namespaceName}.`);
  const deployments = await watchDeployments(api.client, namespaceName, signal);
  undoing.add(deployments.stop, 'always');
  if (!cluster.own) screen.say('Looking for an operator that is there already …');
  if (!cluster.own && (await isLookedAfter(api, cast, deployments, signal))) {
    screen.say('An operator looks after this namespace already, so the demo starts none of its own.');
    return { api, cast, deployments, installed };
  }
  const operator = await startOperator({
    cluster,
    client: api.client,
    root,
    ...(!cluster.own && { namespace: namespaceName }),
    leaseNamespace: cluster.own ? 'default' : namespaceName,
    signal,
    onEnd: options.onEnd,
  });
  undoing.add(operator.stop);
  screen.say(`Started ${operator.commandLine} (process ${operator.pid}).`);
  return { api, cast, deployments, installed, operator };
}

async function undoNamespace(api: Api, screen: Screen): Promise<void> {
  screen.say(`Removing namespace ${namespaceName} with all that is in it …`);
  await removeNamespace(api);
}

async function undoDefinition(api: Api, screen: Screen): Promise<void> {
  if (!(await removeDefinition(api))) screen.say('The CustomResourceDefinition stays: other namespaces use it by now.');
}

const answerMs = 3_000;

/** Whether somebody gives a deployment in our namespace a status. Nothing else tells which namespaces an operator serves. */
async function isLookedAfter(api: Api, cast: Actor[], deployments: Deployments, signal: AbortSignal): Promise<boolean> {
  const parked = cast.find(({ expected }) => expected === 'parked');
  if (!parked) return false;
  await api.client.apply(localModelDeployments, parked.manifest, { fieldManager, signal });
  const hasStatus = () => deployments.get(parked.name)?.status?.observedGeneration !== undefined || undefined;
  return (await deployments.until(hasStatus, { deadlineMs: answerMs, signal })) === true;
}
