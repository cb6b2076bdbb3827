// What NetworkPolicies promise, on a node that drops packets: who reaches a model, what a model reaches, and that the chart's own
// policy leaves the operator all that it needs. Whatever is met with silence here is answered where no policy forbids it.
import { describe, expect, onTestFinished } from 'vitest';
import { resources } from '../../src/kube/resources.ts';
import { NAMESPACE, RELEASE } from '../integration/helm.ts';
import { createTenant } from '../integration/operator/tenant.ts';
import { tinyLlama } from '../runtime/models/llama.ts';
import { writeModel } from '../runtime/models/written.ts';
import { type Setting, test } from './test.ts';
import { firstChat } from './world/chat.ts';
import { type ClientPod, startClient } from './world/client.ts';
import { droppedPackets } from './world/dropped.ts';
import { everywhere, neighbour } from './world/everywhere.ts';
import { MONITORING } from './world/install.ts';
import { modelNetwork } from './world/processes.ts';
import { each, expectReach, reachFrom, type Targets } from './world/reach.ts';
import { specOf } from './world/specs.ts';
import { filledClaim } from './world/volumes.ts';

/** Where the pod of the deployment may be knocked at. */
async function doorsOf(setting: Setting) {
  const [pod] = await setting.list(resources.pod, 'localmodels.dev/deployment=model');
  const at = (port: number) => `${pod?.status.podIP}:${port}`;
  return { service: `model.${setting.namespace}.svc:8080`, api: at(8080), admin: at(9090), runtime: at(11434) };
}

/** A client in the namespace that the operator was told of. */
async function prometheus({ cluster }: Setting): Promise<ClientPod> {
  const { status } = await cluster.access.call('POST', '/api/v1/namespaces', {
    body: { metadata: { name: MONITORING } },
  });
  expect([201, 409]).toContain(status); // in a world that stays up, it is there
  const tenant = createTenant(cluster, MONITORING);
  const account = async () => (await tenant.kubectl('get', 'serviceaccount', 'default')).code === 0;
  await tenant.until('the service account', account);
  onTestFinished(async () => {
    await tenant.kubectl('delete', 'pod', 'client', '--wait=false');
  });
  return startClient(tenant);
}

/** Where their state can be read, by the name of the pod. */
async function operators({ cluster }: Setting): Promise<Targets> {
  const pods = (
    await createTenant(cluster, NAMESPACE).list(resources.pod, `app.kubernetes.io/instance=${RELEASE}`)
  ).filter(({ metadata, status }) => status.phase === 'Running' && !metadata.deletionTimestamp);
  return Object.fromEntries(pods.map(({ metadata, status }) => [metadata.name, `${status.podIP}:9090`]));
}

describe('a model is reached', () => {
  test('by those whom network.policy.from names, and through the gateway alone', async ({ setting }) => {
    const { first } = setting.world.models;
    const [friend, stranger, housemate] = await Promise.all([
      neighbour(setting, { team: 'friends' }),
      neighbour(setting),
      startClient(setting),
    ]);
    const from = [{ namespaceSelector: { matchLabels: { team: 'friends' } } }];
    await setting.apply(specOf(first, { network: { policy: { from } } }));
    const { status } = await setting.untilCondition('Ready', 'True'); // so the kubelet's probes got through
    const doors = await doorsOf(setting);
    await Promise.all([
      expectReach(setting, stranger.reach, doors, 'silent'),
      expectReach(setting, friend.reach, doors, 'silent', { service: 'answered', api: 'answered' }),
      expectReach(setting, housemate.reach, doors, 'silent', { admin: 'answered' }),
    ]);
    const body = { model: first.name, messages: [{ role: 'user', content: 'Who are you?' }] };
    const answer = await friend.request({ url: `${status?.endpoint}/v1/chat/completions`, body });
    expect(JSON.parse(answer.text).choices[0].message.content).toBe(first.answer);

    await setting.apply(specOf(first, { network: { policy: { enabled: false } } }));
    await expectReach(setting, stranger.reach, doors, 'answered', { runtime: 'refused' }); // it listens on 127.0.0.1
  });

  test('by its own namespace unless told otherwise, and for its state by Prometheus and the operator', async ({
    setting,
  }) => {
    const { first } = setting.world.models;
    const [monitor, stranger, housemate] = await Promise.all([
      prometheus(setting),
      neighbour(setting),
      startClient(setting),
    ]);
    await setting.apply(specOf(first));
    await setting.untilCondition('Ready', 'True');
    const { api, admin } = await doorsOf(setting);
    await Promise.all([
      expectReach(setting, stranger.reach, { api, admin }, 'silent'),
      expectReach(setting, housemate.reach, { api, admin }, 'answered'),
      expectReach(setting, monitor.reach, { api, admin }, 'silent', { admin: 'answered' }),
    ]);
    const scraped = await monitor.request({ url: `http://model-metrics.${setting.namespace}.svc:9090/metrics` });
    expect(scraped.text).toContain('localmodel_requests_total');

    const addresses = await operators(setting);
    expect(await stranger.reach(addresses)).toEqual(each(addresses, 'silent'));
    await setting.until('the one that leads has read a gateway', async () => {
      const asked = Object.values(addresses).map((address) => monitor.request({ url: `http://${address}/metrics` }));
      return (await Promise.all(asked)).some(({ text }) =>
        /localmodel_operator_gateways\{heard="read"\} [1-9]/.test(text),
      );
    });
  });
});

describe('a model reaches', () => {
  test('nothing at all where it needs no network, and tries nothing while it answers', async ({ setting }) => {
    const answer = ['Out', ' of', ' a', ' volume.'];
    const model = { gguf: tinyLlama({ answer, seed: 5 }) };
    const claimName = await filledClaim(setting, (folder) => writeModel(folder, 'packed:1', model));
    await setting.apply(
      specOf({ name: 'packed:1' }, { model: { name: 'packed:1', source: { volume: { claimName } } } }),
    );
    const { status } = await setting.untilCondition('Ready', 'True');
    expect(status?.effective).toMatchObject({ egress: 'None' });
    expect(await firstChat(setting, { model: 'packed:1' })).toBe(answer.join(''));
    expect(await droppedPackets(setting)).toBe(0);
    const targets = await everywhere(setting);
    await expectReach(setting, await modelNetwork(setting, 'ollama'), targets, 'silent');
    expect(await droppedPackets(setting)).toBeGreaterThan(0); // so it does count
  });

  test('names and the ports of registries where it may be pulled, and nothing else', async ({ setting }) => {
    const { first } = setting.world.models;
    await setting.apply(specOf(first));
    const targets = await everywhere(setting);
    const { status } = await setting.untilCondition('Ready', 'True');
    expect(status?.effective).toMatchObject({ egress: 'Pull' });
    await expectReach(setting, await modelNetwork(setting, 'ollama'), targets, 'silent', {
      names: 'answered',
      registry: 'answered',
      'outside, a port of registries': 'answered',
    });
    expect(await firstChat(setting, { model: first.name })).toBe(first.answer);
  });
});

test('an operator with restricted egress reaches names, gateways and the ports of API servers', async ({ setting }) => {
  const targets = await everywhere(setting);
  for (const name of Object.keys(await operators(setting))) {
    await expectReach(setting, reachFrom(setting.cluster.access, NAMESPACE, name, 'operator'), targets, 'silent', {
      names: 'answered',
      'API server': 'answered',
      'outside, a port of registries': 'answered', // of API servers, too
    });
  }
});
