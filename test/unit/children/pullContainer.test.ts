import { expect, test } from 'vitest';
import { pullContainer } from '../../../src/children/pullContainer.ts';
import { podVolumes } from '../../../src/children/volumes.ts';
import { gpu, podInput } from './input.ts';

function pull(...given: Parameters<typeof podInput>) {
  const input = podInput(...given);
  return pullContainer(input, podVolumes(input));
}

test('a pull that only fetches gets no device', () => {
  const { resources } = pull({ hardware: gpu.hardware }, { choice: gpu.choice });
  expect(JSON.stringify(resources)).not.toContain('nvidia.com/gpu');
});

test('a pull that chooses its variant by the devices it sees gets those of the rung', () => {
  const { resources } = pull(
    { runtime: 'FoundryLocal', model: { name: 'phi-4-mini' }, hardware: gpu.hardware },
    { choice: gpu.choice },
  );
  expect(resources?.limits).toHaveProperty(['nvidia.com/gpu'], '1');
});

const pullProxy = { httpsProxy: 'http://proxy.example.org:3128', noProxy: '.svc,10.0.0.0/8' };
const proxyOf = (...given: Parameters<typeof podInput>) =>
  pull(...given).env?.filter(({ name }) => /proxy/i.test(name));

test('it goes through the proxy of the cluster', () => {
  expect(proxyOf({}, { defaults: { pullProxy } })).toEqual([
    { name: 'HTTPS_PROXY', value: pullProxy.httpsProxy },
    { name: 'NO_PROXY', value: pullProxy.noProxy },
  ]);
  expect(proxyOf()).toEqual([]);
});

test('a mounted model is reached without a proxy', () => {
  const model = { name: 'm', source: { image: { reference: 'i' } } };
  expect(proxyOf({ model }, { defaults: { pullProxy } })).toEqual([]);
});

test('it reports by file only: the tail of a log must not be taken for a report', () => {
  expect(pull().terminationMessagePolicy).toBe('File');
});
