// The first half of the story: samples are applied, come to an end state each, and say why.
import type { StoredDeployment } from '../../src/api/types.ts';
import { localModelDeployments } from '../../src/api/types.ts';
import { ApiError } from '../../src/kube/errors.ts';
import { type Actor, mistaken, samplesFolder, starring } from './cast.ts';
import { conditionOf, explain, refusalInWords, verdictOf } from './explain.ts';
import type { Scene } from './scene.ts';
import { fieldManager, namespaceName } from './world.ts';

const deadlineMs = 60_000;

const isAsExpected = ({ expected, on }: Actor, deployment: StoredDeployment) =>
  verdictOf(deployment) === expected && (on === undefined || deployment.status?.hardware?.class === on);

/** Ours must end as expected; in a user's cluster any end state will do, so long as there is one. */
function isSettled(actor: Actor, { cluster, deployments }: Scene): boolean {
  const deployment = deployments.get(actor.name);
  if (!deployment) return false;
  return cluster.own ? isAsExpected(actor, deployment) : verdictOf(deployment) !== 'working';
}

export async function applySamples(scene: Scene): Promise<void> {
  const { api, cast, deployments, screen, signal } = scene;
  screen.say(`From ${samplesFolder}: ${cast.map(({ sample }) => `${sample}.yaml`).join(', ')}.`);
  const table = screen.table(
    (isWide) => `kubectl get lmd -n ${namespaceName}${isWide ? ' -o wide' : ''} -w`,
    cast.map(({ manifest }) => manifest),
  );
  const stopListening = deployments.listen(table.show);
  try {
    await Promise.all(
      cast.map(({ manifest }) => api.client.apply(localModelDeployments, manifest, { fieldManager, signal })),
    );
    const allSettled = () => cast.every((actor) => isSettled(actor, scene)) || undefined;
    await deployments.until(allSettled, { deadlineMs, signal });
  } finally {
    stopListening();
    table.end();
  }
}

export async function explainEnds({ cast, cluster, deployments, screen, fault }: Scene): Promise<void> {
  const width = Math.max(...cast.map(({ name }) => name.length));
  for (const actor of cast) {
    const deployment = deployments.get(actor.name);
    if (!deployment?.status) {
      screen.entry(actor.name, width, ['Nobody has looked at it.']);
      fault(`${actor.name} has no status after ${deadlineMs / 1000} s`);
      continue;
    }
    screen.entry(actor.name, width, explain(deployment).sentences);
    if (!cluster.own || isAsExpected(actor, deployment)) continue;
    const expected = `${actor.expected}${actor.on ? ` on ${actor.on}` : ''}`;
    const found = `${verdictOf(deployment)} on ${deployment.status.hardware?.class ?? 'nothing'}`;
    fault(`${actor.name} should be ${expected}, but is ${found}: ${conditionOf(deployment, 'Ready')?.message}`);
  }
}

export async function applyMistakes({ api, screen, signal, fault }: Scene): Promise<void> {
  const object = mistaken(namespaceName);
  screen.say('Some mistakes never get that far: the API server itself refuses them, and says what to do.');
  screen.command(`kubectl apply -n ${namespaceName} -f ${object.metadata.name}.yaml`);
  try {
    await api.client.apply(localModelDeployments, object, { fieldManager, signal });
    screen.say('It was accepted.');
    fault(`${object.metadata.name} was accepted by the API server`);
  } catch (error) {
    if (!(error instanceof ApiError && error.reason === 'invalid')) throw error;
    screen.say(`The LocalModelDeployment "${object.metadata.name}" is invalid:`);
    for (const line of refusalInWords(error.status ?? { message: error.message })) screen.entry('*', 1, [line]);
  }
}

/** Characters per line that kubectl needs for it; cut, it shows nothing that was not shown before. */
const wideTable = 165;
const children = 'deploy,svc,netpol,cm,pvc';

export async function lookCloser({ cluster, screen, signal }: Scene): Promise<void> {
  const { kubectl } = cluster;
  const name = starring.passedOver;
  const inNamespace = ['-n', namespaceName];
  const shown: { argv: string[]; intro?: string; pick?: (output: string) => string }[] = [
    ...(screen.fits(wideTable) ? [{ argv: ['get', 'lmd', ...inNamespace, '-o', 'wide'] }] : []),
    {
      intro: `${name} is one resource for you, and these for the cluster:`,
      argv: ['get', children, ...inNamespace, '-l', `localmodels.dev/deployment=${name}`, '-o', 'name'],
    },
    { intro: 'Its status:', argv: ['get', `lmd/${name}`, ...inNamespace, '-o', 'yaml'], pick: fromStatus },
    { intro: 'Every field explains itself:', argv: ['explain', 'lmd.spec.hardware'], pick: fields },
  ];
  if (!kubectl) screen.say('There is no kubectl on the PATH. With it, these show more:');
  for (const { argv, intro, pick = (output: string) => output } of shown) {
    if (intro && kubectl) screen.say(intro);
    screen.command(`kubectl ${argv.join(' ')}`);
    if (kubectl) screen.output(pick(await kubectl(argv, signal)));
  }
}

const fromStatus = (yaml: string) => yaml.slice(Math.max(0, yaml.indexOf('\nstatus:') + 1));

/** From the description on, without the empty lines; the first of them. */
const fields = (text: string) =>
  `${text
    .slice(Math.max(0, text.indexOf('DESCRIPTION')))
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, 12)
    .join('\n')}\n  …`;
