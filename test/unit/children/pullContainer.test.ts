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

test('it reports by file only: the tail of a log must not be taken for a report', () => {
  expect(pull().terminationMessagePolicy).toBe('File');
});
