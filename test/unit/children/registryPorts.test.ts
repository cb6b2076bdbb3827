import { expect, test } from 'vitest';
import type { Spec } from '../../../src/api/schema.ts';
import { registryPorts } from '../../../src/children/registryPorts.ts';
import { podInput } from './input.ts';

const portsOf = (fields: Partial<Spec>) => registryPorts(podInput(fields).settings, {});

test('80 and 443 are always open, since registries redirect to where their blobs lie', () => {
  expect(portsOf({})).toEqual([80, 443]);
});

test.each([
  ['qwen2.5:3b', []],
  ['team/qwen:5000', []],
  ['models.example.org:5000/team/qwen:v1', [5000]],
  ['http://models.example.org:5001/team/qwen', [5001]],
  ['localhost:99999/team/qwen', []],
])('%s adds %j', (name, added) => {
  expect(portsOf({ model: { name } })).toEqual([80, 443, ...added]);
});

test('the proxy of the cluster adds its port, beside those of registries that are reached without it', () => {
  const pullProxy = { httpsProxy: 'http://proxy.example.org:3128', httpProxy: 'http://proxy.example.org:3129/' };
  expect(registryPorts(podInput().settings, { pullProxy })).toEqual([80, 443, 3128, 3129]);
});

test('mirrors, adapters and the models of every rung add theirs', () => {
  const ports = portsOf({
    model: {
      name: 'qwen2.5:3b',
      source: { registry: { mirrors: ['https://mirror:8443/path', 'http://plain', 'http://cache:5002'] } },
    },
    hardware: {
      preferred: { class: 'GPU', model: { name: 'gpu.example.org:5003/a/b' } },
      fallback: [{ class: 'CPU' }],
    },
    ollama: { modelfile: { adapters: [{ name: 'lora.example.org:5004/a/b' }] } },
  });
  expect(ports).toEqual([80, 443, 5002, 5003, 5004, 8443]);
});
