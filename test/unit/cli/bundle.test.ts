import { execFile } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { bundle } from '../../../src/cli/build/bundle.ts';
import { lmd } from '../../../src/cli/lmd.ts';
import { helpText } from '../../../src/puller/help.ts';
import { temporaryFolder } from '../models/temporaryStore.ts';
import { surroundingsOf } from './surroundings.ts';

const root = resolve(import.meta.dirname, '../../..');
const run = promisify(execFile);

async function told(args: string[]): Promise<string> {
  const surroundings = surroundingsOf();
  await lmd(args, surroundings);
  return surroundings.told();
}

it('programs run from their bundles alone, without the repository', { timeout: 60_000 }, async () => {
  const folder = await temporaryFolder();
  const paths = await bundle(root, folder);
  const helpOf = async (path: string, ...args: string[]) =>
    (await run(process.execPath, [path, ...args, '--help'], { cwd: folder, env: {} })).stdout;
  expect(await helpOf(paths.pull)).toBe(helpText());
  expect(await helpOf(paths.lmd)).toBe(await told(['--help']));
  expect(await helpOf(paths.lmd, 'pack')).toBe(await told(['pack', '--help']));
  // As an image would put it into the PATH.
  await symlink(paths.lmd, join(folder, 'lmd'));
  expect(await helpOf(join(folder, 'lmd'))).toBe(await told(['--help']));
});
