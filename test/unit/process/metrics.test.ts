import { expect, test } from 'vitest';
import { createRegistry } from '../../../src/process/metrics.ts';

test('has the metrics of Node where they are wanted, with the lag of the event loop', async () => {
  const text = await createRegistry({ node: true }).metrics();
  for (const name of ['nodejs_eventloop_lag_seconds', 'process_resident_memory_bytes', 'process_cpu_seconds_total']) {
    expect(text).toMatch(new RegExp(`^${name} `, 'm'));
  }
});

test('is empty otherwise, and shares nothing with another registry', async () => {
  expect((await createRegistry({ node: false }).metrics()).trim()).toBe('');
});
