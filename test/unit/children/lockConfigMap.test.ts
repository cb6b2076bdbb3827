import { expect, test } from 'vitest';
import { gatewayConfigOf } from '../../../src/children/gatewayConfig.ts';
import { lockConfigMap } from '../../../src/children/lockConfigMap.ts';
import { podInput } from './input.ts';

test('the lock has an entry per revision, where the pods of each look for it', () => {
  const input = podInput({}, { revision: 'new' });
  const digest = `sha256:${'1'.repeat(64)}`;
  const lock = lockConfigMap(input, [
    { revision: 'new', reference: 'a', digest },
    { revision: 'old', reference: 'b', digest, adapters: [digest] },
  ]);
  expect(Object.keys(lock?.data ?? {})).toEqual(['new.json', 'old.json']);
  expect(JSON.parse(lock?.data?.['new.json'] ?? '')).toEqual({ reference: 'a', digest });
  expect(JSON.parse(lock?.data?.['old.json'] ?? '')).toEqual({ reference: 'b', digest, adapters: [digest] });
  expect(gatewayConfigOf(input).lockFile.endsWith('/new.json')).toBe(true);
});

test('nothing settled, no lock', () => {
  expect(lockConfigMap(podInput(), [])).toBeUndefined();
});
