import { expect, test } from 'vitest';
import { createGatewayBook } from '../../../src/operator/gatewayBook.ts';
import { createVirtualClock } from '../virtualClock.ts';
import { pod } from './observation.ts';

test('those who have waited longest come first, whatever the order of the pods', async () => {
  const clock = createVirtualClock();
  const book = createGatewayBook({ clock, random: () => 0.5 });
  const pods = ['a', 'b', 'c'].map((name) => pod({ name, revision: 'r', pod: { ip: '10.0.0.1' } }));
  book.lookOver(pods);
  await clock.advance(60_000);
  const asked = book.lookOver(pods);
  expect(asked).toHaveLength(3);
  // Answered in another order than that of the pods, so due again in that order.
  for (const name of ['c', 'a', 'b']) {
    const due = asked.find(({ pod: { metadata } }) => metadata.name === name);
    if (due) book.settle(due.entry, due.entry.occasion);
    await clock.advance(1000);
  }
  await clock.advance(120_000);
  expect(book.lookOver(pods).map(({ pod: { metadata } }) => metadata.name)).toEqual(['c', 'a', 'b']);
});
