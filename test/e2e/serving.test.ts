// The whole story in containers: pulled, served, found by DNS, guarded by a key, measured.
import { expect } from 'vitest';
import { resources } from '../../src/kube/resources.ts';
import { test } from './test.ts';
import { startClient } from './world/client.ts';
import { specOf } from './world/specs.ts';

test('a deployment becomes Ready, and a pod chats with it by the name of its Service and an API key', async ({
  setting,
}) => {
  const { world, namespace } = setting;
  const { first } = world.models;
  const made = await setting.kubectl('create', 'secret', 'generic', 'keys', '--from-literal=TEAM=secret-of-the-team');
  expect(made.code, made.stderr).toBe(0);
  await setting.apply(specOf(first, { api: { auth: { secretRef: { name: 'keys' } } } }));
  const { status } = await setting.untilCondition('Ready', 'True');
  expect(status).toMatchObject({
    readyReplicas: 1,
    endpoint: `http://model.${namespace}.svc:8080`,
    hardware: { class: 'CPU' },
    model: { reference: first.name, sourceDigest: first.digest },
  });
  const client = await startClient(setting, 'keys');
  const url = `${status?.endpoint}/v1/chat/completions`;
  const body = { model: first.name, messages: [{ role: 'user', content: 'Who are you?' }] };
  const answer = await client.request({ url, body, tokenFrom: 'TEAM' });
  expect(answer).toMatchObject({ status: 200 });
  expect(JSON.parse(answer.text).choices[0].message.content).toBe(first.answer);
  expect(await client.request({ url, body })).toMatchObject({ status: 401 });

  const [pod] = await setting.list(resources.pod, 'localmodels.dev/deployment=model');
  const metrics = await client.request({ url: `http://model-metrics.${namespace}.svc:9090/metrics` });
  expect(metrics.status).toBe(200);
  expect(metrics.text).toMatch(
    /localmodel_requests_total\{family="OpenAI",route="\/v1\/chat\/completions",code="200"\} 1/,
  );
  expect(pod?.spec.containers[0].image).toBe('localhost/ollama:e2e');
});
