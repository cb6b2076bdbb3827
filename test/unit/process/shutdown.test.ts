import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/process/logger.ts';
import { listenForShutdown } from '../../../src/process/shutdown.ts';
import { createVirtualClock } from '../virtualClock.ts';

function setUp() {
  const exits: number[] = [];
  const process = Object.assign(new EventEmitter(), { exit: (code: number) => void exits.push(code) });
  const clock = createVirtualClock();
  const shutdown = listenForShutdown({ process, log: silentLogger, clock, graceMs: 30_000 });
  return { exits, process, clock, shutdown };
}

test.each(['SIGTERM', 'SIGINT'])('asks to end at the first %s and does not exit', (signal) => {
  const { process, shutdown, exits } = setUp();
  expect(shutdown.signal.aborted).toBe(false);
  process.emit(signal);
  expect([shutdown.signal.aborted, shutdown.signal.reason]).toEqual([true, signal]);
  expect(exits).toEqual([]);
});

test('exits at once at the second signal, of whichever kind', () => {
  const { process, exits } = setUp();
  process.emit('SIGTERM');
  process.emit('SIGINT');
  expect(exits).toEqual([130]);
});

test('exits when work does not end within the grace', async () => {
  const { process, clock, exits } = setUp();
  process.emit('SIGTERM');
  await clock.advance(29_999);
  expect(exits).toEqual([]);
  await clock.advance(1);
  expect(exits).toEqual([1]);
});

test('leaves nothing behind once disposed', async () => {
  const { process, clock, shutdown, exits } = setUp();
  process.emit('SIGTERM');
  shutdown.dispose();
  process.emit('SIGTERM');
  await clock.advance(60_000);
  expect(exits).toEqual([]);
  expect(process.listenerCount('SIGTERM') + process.listenerCount('SIGINT') + clock.pending).toBe(0);
});
