import { expect, test } from 'vitest';
import { mainContainer } from '../../../src/children/mainContainer.ts';
import { podVolumes } from '../../../src/children/volumes.ts';
import { gpu, podInput } from './input.ts';

function main(...given: Parameters<typeof podInput>) {
  const input = podInput(...given);
  return mainContainer(input, podVolumes(input));
}

const value = (container: ReturnType<typeof main>, name: string) =>
  container.env?.filter((entry) => entry.name === name).map((entry) => entry.value);

test("the user's variables come after ours, so that they may refer to them", () => {
  const container = main({ pod: { env: [{ name: 'CACHE', value: '$(HOME)/cache' }] } });
  const names = container.env?.map(({ name }) => name) ?? [];
  expect(names.at(-1)).toBe('CACHE');
  expect(names.indexOf('HOME')).toBeLessThan(names.indexOf('CACHE'));
  expect(value(container, 'CACHE')).toEqual(['$(HOME)/cache']);
});

test("a rung's variable replaces the pod's of the same name", () => {
  const env = (given: string) => [{ name: 'LEVEL', value: given }];
  const container = main({ pod: { env: env('pod') }, hardware: { preferred: { class: 'CPU', env: env('rung') } } });
  expect(value(container, 'LEVEL')).toEqual(['rung']);
});

test('a variable of ours is neither replaced nor doubled, should a user have got it past the checks', () => {
  const container = main({ pod: { env: [{ name: 'OLLAMA_HOST', value: '0.0.0.0:11434' }] } });
  expect(value(container, 'OLLAMA_HOST')).toEqual(['127.0.0.1:11434']);
});

test('devices are asked for as requests and limits alike, beside CPU and memory', () => {
  const { hardware, choice } = gpu;
  const { resources } = main({ hardware, resources: { requests: { cpu: '2' } } }, { choice: { ...choice, count: 2 } });
  expect(resources).toEqual({ requests: { cpu: '2', 'nvidia.com/gpu': '2' }, limits: { 'nvidia.com/gpu': '2' } });
});

test("a rung's own resources take the place of the deployment's, whole", () => {
  const { resources } = main({
    resources: { requests: { cpu: '2', memory: '4Gi' }, limits: { memory: '8Gi' } },
    hardware: { preferred: { class: 'CPU', resources: { requests: { cpu: '8' } } } },
  });
  expect(resources).toEqual({ requests: { cpu: '8' } });
});

test('memory is asked for by the size that the name of a Foundry Local model tells, unless anything is said of memory', () => {
  const spec = { runtime: 'FoundryLocal', model: { name: 'qwen2.5-0.5b' } } as const;
  expect(main(spec).resources).toEqual({ requests: { memory: '2048Mi' } });
  expect(main({ ...spec, resources: { requests: { cpu: '2' }, limits: { cpu: '4' } } }).resources).toEqual({
    requests: { cpu: '2', memory: '2048Mi' },
    limits: { cpu: '4' },
  });
  for (const resources of [{ requests: { memory: '1Gi' } }, { limits: { memory: '1Gi' } }])
    expect(main({ ...spec, resources }).resources).toEqual(resources);
  expect(main({ ...spec, model: { name: 'phi-4-mini' } }).resources).toEqual({});
  expect(main({ model: { name: 'qwen2.5:0.5b' } }).resources).toEqual({});
});

test('claims are named, and no extended resource is asked for beside them', () => {
  const { resources } = main({
    hardware: { preferred: { class: 'GPU', resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'one' }] } },
  });
  expect(resources).toEqual({ claims: [{ name: 'gpu' }] });
});

test('it may take as long to start as discovery and loading do', () => {
  const { startupProbe } = main({ performance: { loadTimeoutSeconds: 3600 } });
  const { periodSeconds = 0, failureThreshold = 0 } = startupProbe ?? {};
  expect(periodSeconds * failureThreshold).toBeGreaterThanOrEqual(3600 + 120);
});

test('it outlives a gateway that waits out the longest crash backoff of the kubelet', () => {
  const { periodSeconds = 0, failureThreshold = 0 } = main().livenessProbe ?? {};
  expect(periodSeconds * failureThreshold).toBeGreaterThan(300);
});
