import { expect, test } from 'vitest';
import { formatBytes } from '../../../src/models/bytes.ts';

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [5_046_586_573, '4.7 GiB'],
  [120 * 2 ** 20, '120 MiB'],
  [2 ** 70, '1048576 PiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
