// An upgrade from the version before, as docs/upgrades.md has it: the older chart and image are installed, models serve, and one command
// brings this version; then the way back.
//
// The version before is older code of this repository where the clone has it (images/previous.ts): then this also shows that what that
// operator has recorded, its gateways and its CustomResourceDefinition are understood by this one, and that its pods are rendered
// otherwise. In a clone without history image and chart differ by their version alone; the gateway's image is then all that changes in a
// pod. Nothing is said of versions older than that one.
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { resources } from '../../src/kube/resources.ts';
import { chart, type Helm, NAMESPACE, openHelm, RELEASE } from '../integration/helm.ts';
import { images } from './images/images.ts';
import { previousVersion } from './images/previous.ts';
import { type Setting, test } from './test.ts';
import { keepAsking } from './world/asking.ts';
import { firstChat } from './world/chat.ts';
import { installArguments, installOperator } from './world/install.ts';
import { gatewayImages, podsOf } from './world/modelPods.ts';
import { blobsFetched } from './world/registryLog.ts';
import { specOf } from './world/specs.ts';

const both = ['model', 'other'] as const;
const operatorPods = ['pods', '-n', NAMESPACE, '-l', 'app.kubernetes.io/component=operator'];
/** As docs/upgrades.md has it. */
const upgrade = ['upgrade', RELEASE, chart, '-n', NAMESPACE, '--wait', '--reset-then-reuse-values'];

/** A helm that fails with its words. */
const runner =
  (helm: Helm, { cluster }: Setting) =>
  async (...argv: string[]): Promise<void> => {
    const { code, stdout, stderr } = await helm.run(argv, { kubeconfig: cluster.access.kubeconfig });
    expect(code, `helm ${argv.join(' ')}\n${stdout}${stderr}`).toBe(0);
  };

/** First the pods, which give their Lease back: Helm removes their rights before them, and then it stays taken for a while. */
async function uninstall({ cluster, until }: Setting, run: (...argv: string[]) => Promise<void>): Promise<void> {
  const { runKubectl } = cluster.access;
  const scaled = await runKubectl(['scale', `deployment/${RELEASE}`, '-n', NAMESPACE, '--replicas=0']);
  expect(scaled.code, scaled.stderr).toBe(0);
  await until(
    'the operators are gone',
    async () => (await runKubectl(['get', ...operatorPods, '-o', 'name'])).stdout === '',
  );
  await run('uninstall', RELEASE, '-n', NAMESPACE, '--wait');
}

/** The chart of the older sources, under the version that their image has. */
async function previousChart(helm: Helm, { world }: Setting, folder: string): Promise<string> {
  const sources = join(world.previous, 'charts/local-model-operator');
  const versions = ['--version', previousVersion, '--app-version', previousVersion];
  const { code, stderr } = await helm.run(['package', sources, ...versions, '--destination', folder]);
  expect(code, stderr).toBe(0);
  return join(folder, `local-model-operator-${previousVersion}.tgz`);
}

/** Two models in claims that more than one pod may use: what is rolled needs no gap and no download. */
async function serveTwo(setting: Setting): Promise<void> {
  const { namespace, cluster, world } = setting;
  const { first } = world.models;
  for (const name of both) {
    const path = `${namespace}-${name}`;
    const kept = join(world.node.layout.varLib, path);
    await mkdir(kept);
    await chmod(kept, 0o777);
    const volume = {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: path },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteMany'],
        storageClassName: namespace,
        hostPath: { path: `/var/lib/${path}` },
      },
    };
    expect((await cluster.access.call('POST', '/api/v1/persistentvolumes', { body: volume })).status).toBe(201);
    const persistentVolumeClaim = { size: '1Gi', storageClassName: namespace, accessModes: ['ReadWriteMany'] };
    await setting.apply(specOf(first, { storage: { type: 'PersistentVolumeClaim', persistentVolumeClaim } }), { name });
  }
  for (const name of both) await setting.untilCondition('Ready', 'True', undefined, name);
  await firstChat(setting, { model: first.name });
}

const untilBoth = async (setting: Setting, status: 'True' | 'False', reason: string) => {
  for (const name of both) await setting.untilCondition('UpToDate', status, reason, name);
};

/** Kills all operators, old and new, as soon as the first one of the new version runs. */
async function killOperatorsMeanwhile({ cluster, until }: Setting): Promise<void> {
  const running = async () => {
    const { stdout } = await cluster.access.runKubectl(['get', ...operatorPods, '-o', 'json']);
    const { items } = JSON.parse(stdout) as {
      items: { status: { phase: string }; spec: { containers: { image: string }[] } }[];
    };
    return items.some(
      ({ status, spec }) => status.phase === 'Running' && spec.containers[0]?.image === images.operator,
    );
  };
  await until('an operator of the new version runs', running);
  const killed = await cluster.access.runKubectl(['delete', ...operatorPods, '--grace-period=0', '--force']);
  expect(killed.code, killed.stderr).toBe(0);
}

/** When the pods of a deployment were made, and when the last of them was ready; whole seconds, as Kubernetes notes them. */
async function timesOf(setting: Setting, name: string) {
  const pods = await setting.list(resources.pod, `localmodels.dev/deployment=${name}`);
  const ready = pods.map(
    ({ status }) => status.conditions.find(({ type }: { type: string }) => type === 'Ready').lastTransitionTime,
  );
  return {
    made: pods.map(({ metadata }) => metadata.creationTimestamp ?? '').sort()[0] ?? '',
    ready: ready.sort().at(-1),
  };
}

test('an upgrade from the version before, and the way back, touch no pod; then pods take it over one by one', async ({
  setting,
}) => {
  const { world, cluster } = setting;
  const { first } = world.models;
  using helm = openHelm(world.helm);
  const run = runner(helm, setting);
  const folder = await mkdtemp(join(tmpdir(), 'lmo-previous-'));
  const state = async () => ({
    pods: [await podsOf(setting, 'model'), await podsOf(setting, 'other')],
    fetched: await blobsFetched(world),
  });
  try {
    await uninstall(setting, run);
    const [, , ...values] = installArguments;
    await run('install', RELEASE, await previousChart(helm, setting, folder), ...values, '--wait', '--timeout=80s');
    await serveTwo(setting);
    expect(await gatewayImages(setting)).toEqual([images.previous]);
    const before = await state();
    await using client = keepAsking(setting, { model: first.name }, first.answer);

    await Promise.all([run(...upgrade), killOperatorsMeanwhile(setting)]);
    await untilBoth(setting, 'False', 'UpgradePending');
    expect(await state()).toEqual(before);

    await run('rollback', RELEASE, '-n', NAMESPACE, '--wait');
    await untilBoth(setting, 'True', 'UpToDate');
    expect(await state()).toEqual(before);

    await run(...upgrade, '--set', 'modelPods.upgrade=Rolling');
    for (const name of both) {
      const rolled = async () => (await gatewayImages(setting, name)).every((image) => image === images.operator);
      await setting.until(`${name} has a pod of this version and no other`, rolled);
      await setting.untilCondition('Ready', 'True', undefined, name);
    }
    await untilBoth(setting, 'True', 'UpToDate');
    const [one, next] = (await Promise.all(both.map((name) => timesOf(setting, name)))).sort((a, b) =>
      a.made.localeCompare(b.made),
    );
    expect(Date.parse(one?.ready)).toBeLessThanOrEqual(Date.parse(next?.made ?? ''));
    const { answered, failures } = await client.stop();
    expect(failures).toEqual([]);
    expect(answered).toBeGreaterThan(10);
    expect(await blobsFetched(world)).toBe(before.fetched);
    process.stderr.write(`Upgrade, rollback and roll: ${answered} answers one after the other, none refused.\n`);
  } finally {
    await rm(folder, { recursive: true });
    await installOperator(cluster.access, world.helm);
  }
});
