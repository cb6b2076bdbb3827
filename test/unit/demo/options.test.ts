import { expect, test } from 'vitest';
import { readOptions, UsageError } from '../../demo/options.ts';

test('pauses for reading on a terminal, unless told otherwise', () => {
  expect(readOptions([], true)).toEqual({ help: false, keep: false, fast: false });
  expect(readOptions(['--fast'], true)).toMatchObject({ fast: true });
});

test('never pauses without a terminal', () => {
  expect(readOptions(['--keep'], false)).toEqual({ help: false, keep: true, fast: true });
});

test('takes a cluster of the user', () => {
  const options = readOptions(['--kubeconfig', 'mine', '--context', 'test'], true);
  expect(options).toMatchObject({ kubeconfig: 'mine', context: 'test' });
});

test('takes a real node instead', () => {
  expect(readOptions(['--real-node'], true)).toMatchObject({ realNode: true });
});

test.each([
  [['--real-node', '--kubeconfig', 'mine']],
  [['--context', 'test']],
  [['--nonsense']],
  [['word']],
  [['--kubeconfig']],
])('refuses %j', (argv) => {
  expect(() => readOptions(argv, true)).toThrow(UsageError);
});
