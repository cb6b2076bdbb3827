import { expect, test } from 'vitest';
import { createProgress } from '../../controlplane/progress.ts';
import { createVirtualClock } from '../virtualClock.ts';

function setup(isTTY: boolean) {
  const clock = createVirtualClock();
  const written: string[] = [];
  const progress = createProgress({ write: (text) => written.push(text), isTTY }, clock);
  return { clock, written, progress };
}

test('in a log, a long step says every 30 seconds that it is alive', async () => {
  const { clock, written, progress } = setup(false);
  const work = Promise.withResolvers<string>();
  let compiled = 0;
  const result = progress.during('Building', () => `${compiled} packages`, work.promise);
  compiled = 7;
  await clock.advance(65_000);
  work.resolve('built');
  expect(await result).toBe('built');
  expect(written).toEqual([
    'Building\n',
    'Building · 7 packages · 30 s\n',
    'Building · 7 packages · 1 min 0 s\n',
    'Building · took 1 min 5 s\n',
  ]);
});

test('on a terminal, one line is rewritten every second', async () => {
  const { clock, written, progress } = setup(true);
  const work = Promise.withResolvers<void>();
  const result = progress.during('Building', () => '', work.promise);
  await clock.advance(2_000);
  work.resolve();
  await result;
  expect(written.slice(1, 3)).toEqual(['\r\u001b[KBuilding · 1 s', '\r\u001b[KBuilding · 2 s']);
});

test('a step that fails stops talking and passes its error on', async () => {
  const { clock, written, progress } = setup(false);
  await expect(progress.during('Building', () => '', Promise.reject(new Error('no')))).rejects.toThrow('no');
  await clock.advance(120_000);
  expect(written).toEqual(['Building\n']);
});
