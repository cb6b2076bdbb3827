// The second half of the story: a deployment is edited, scaled and damaged, and finds its way back.
import { localModelDeployments, type StoredDeployment } from '../../src/api/types.ts';
import { resources } from '../../src/kube/resources.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import { systemClock } from '../../src/process/clock.ts';
import { waitFor } from '../controlplane/wait.ts';
import { starring } from './cast.ts';
import { conditionOf, explain, isCurrent, verdictOf } from './explain.ts';
import type { Scene } from './scene.ts';
import { fieldManager, namespaceName } from './world.ts';

const name = starring.changed;
const ref = { name, namespace: namespaceName };
const longestContext = 8192;
const replicas = 3;

/** In a user's cluster, models and images have to be fetched first, which nobody wants to wait for here. */
const deadlineMs = ({ cluster }: Scene) => (cluster.own ? 60_000 : 20_000);

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

function current({ deployments }: Scene): StoredDeployment {
  const deployment = deployments.get(name);
  if (!deployment) throw new Error(`${name} is gone`);
  return deployment;
}

/**
 * Prints what the deployment says of itself, with the time since the change, until `isDone` holds. Resolves with how long that
 * took in milliseconds; undefined when it was not done in time.
 */
async function follow(
  scene: Scene,
  change: () => Promise<unknown>,
  isDone: () => boolean,
): Promise<number | undefined> {
  const { deployments, screen, signal } = scene;
  let said = '';
  const started = systemClock.monotonic();
  const passed = () => systemClock.monotonic() - started;
  const stopListening = deployments.listen((deployment) => {
    if (deployment.metadata.name !== name || !isCurrent(deployment)) return;
    const { reason = '', message = '' } = conditionOf(deployment, 'Ready') ?? {};
    const words = `${reason}: ${message}`;
    if (words === said) return;
    said = words;
    screen.entry(`+${seconds(passed())}`, 6, [words]);
  });
  try {
    await change();
    const done = await deployments.until(() => isDone() || undefined, { deadlineMs: deadlineMs(scene), signal });
    return done && passed();
  } finally {
    stopListening();
  }
}

function giveUp(scene: Scene, what: string): void {
  const [sentence = ''] = explain(current(scene)).sentences;
  scene.screen.say(`${what} was not seen within ${seconds(deadlineMs(scene))}. ${sentence}`);
  if (scene.cluster.own) scene.fault(`${what} of ${name} was not seen: ${sentence}`);
}

export async function edit(scene: Scene): Promise<void> {
  const { api, cast, cluster, screen, signal } = scene;
  const manifest = cast.find((actor) => actor.name === name)?.manifest;
  if (!manifest) throw new Error(`${name} is not in the cast`);
  const { revision: before, effective } = current(scene).status ?? {};
  const spec = { ...(manifest.spec as object), performance: { maxContext: longestContext } };
  screen.say(`spec.performance.maxContext of ${name}: ${effective?.maxContext} becomes ${longestContext}.`);
  let waited: Promise<string> | undefined;
  const argv = [
    'wait',
    '--for=condition=Ready',
    `lmd/${name}`,
    '-n',
    namespaceName,
    `--timeout=${deadlineMs(scene) / 1000}s`,
  ];
  const change = async () => {
    await api.client.apply(localModelDeployments, { ...manifest, spec } as KubeObject, { fieldManager, signal });
    waited = cluster.kubectl?.(argv, signal);
    waited?.catch(() => undefined); // awaited below, unless the story ends first
  };
  const tookMs = await follow(scene, change, () => {
    const { status } = current(scene);
    return verdictOf(current(scene)) === 'ready' && status?.revision !== before;
  });
  if (waited) {
    screen.command(`kubectl ${argv.join(' ')}`);
    screen.output(await waited);
  }
  if (tookMs === undefined) return giveUp(scene, 'The rollout');
  const after = current(scene).status?.revision;
  screen.say(`Rolled out in ${seconds(tookMs)}: revision ${before} became ${after}.`);
}

export async function scale(scene: Scene): Promise<void> {
  const { api, screen, signal, fault } = scene;
  const before = current(scene).status;
  screen.say('Through the scale subresource, as an autoscaler does it:');
  screen.command(`kubectl scale lmd/${name} -n ${namespaceName} --replicas=${replicas}`);
  const { group, version, plural } = localModelDeployments;
  const change = () =>
    api.transport.json({
      verb: 'update',
      method: 'PUT',
      path: `/apis/${group}/${version}/namespaces/${namespaceName}/${plural}/${name}/scale`,
      body: { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: ref, spec: { replicas } },
      idempotent: true,
      signal,
    });
  const tookMs = await follow(scene, change, () => {
    const { status } = current(scene);
    return verdictOf(current(scene)) === 'ready' && status?.readyReplicas === replicas;
  });
  const after = current(scene).status;
  const isSame = after?.revision === before?.revision && after?.hardware?.since === before?.hardware?.since;
  if (!isSame) fault(`scaling ${name} changed its revision or its hardware`);
  if (tookMs === undefined) return giveUp(scene, 'Scaling');
  screen.say(
    `${replicas} replicas answer after ${seconds(tookMs)}. Revision ${after?.revision} and the choice of hardware are ` +
      `${isSame ? 'what they were' : 'not what they were'}: scaling restarts nothing.`,
  );
}

export async function repair({ api, screen, signal, fault }: Scene): Promise<void> {
  const read = () => api.client.get(resources.service, ref, { signal });
  const { metadata } = await read();
  screen.say('Somebody deletes the Service that clients use:');
  screen.command(`kubectl delete service ${name} -n ${namespaceName}`);
  const started = systemClock.monotonic();
  await api.client.remove(resources.service, ref, { signal });
  const isBack = async () => ((await read()).metadata.uid === metadata.uid ? undefined : true);
  const back = await waitFor('the Service is back', isBack, { deadlineMs: 30_000, everyMs: 5, signal }).catch(
    () => false,
  );
  signal.throwIfAborted();
  const tookMs = systemClock.monotonic() - started;
  if (back) screen.say(`The operator has made it anew ${Math.round(tookMs)} ms after it was deleted.`);
  else fault(`the Service ${name} was not made anew within 30 s`);
}
