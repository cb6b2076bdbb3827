import { expect, test } from 'vitest';
import { createUndoing } from '../../demo/undoing.ts';

function noting() {
  const undoing = createUndoing();
  const done: string[] = [];
  const act = (name: string) => async () => void done.push(name);
  return { undoing, done, act };
}

test('undoes the last thing first, and nothing twice', async () => {
  const { undoing, done, act } = noting();
  undoing.add(act('cluster'));
  undoing.add(act('operator'));
  await undoing.run({ kept: false });
  await undoing.run({ kept: false });
  expect(done).toEqual(['operator', 'cluster']);
});

test('undoes the rest when one thing cannot be undone, and says which', async () => {
  const { undoing, done, act } = noting();
  undoing.add(act('cluster'));
  undoing.add(() => Promise.reject(new Error('namespace stays')));
  expect(await undoing.run({ kept: false })).toEqual(['namespace stays']);
  expect(done).toEqual(['cluster']);
});

test('leaves what is to be kept', async () => {
  const { undoing, done, act } = noting();
  undoing.add(act('cluster'));
  undoing.add(act('connection'), 'always');
  await undoing.run({ kept: true });
  expect(done).toEqual(['connection']);
});
