// pip, which knows the user's mirrors, proxies and certificates, as a way to fetch files that are pinned by their hash.
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execute } from './execute.ts';
import type { Obstacle } from './workshop.ts';

const pips = [['python3', '-m', 'pip'], ['pip3'], ['pip']] as const;

async function findPip(env: NodeJS.ProcessEnv): Promise<readonly [string, ...string[]] | undefined> {
  for (const [program, ...argv] of pips) {
    const found = await execute(program, [...argv, '--version'], { cwd: tmpdir(), env }).then(
      () => true,
      () => false,
    );
    if (found) return [program, ...argv];
  }
  return undefined;
}

/** `what` it is wanted for. */
export const lacksPip =
  (what: string): Obstacle =>
  async ({ env }) =>
    (await findPip(env)) ? undefined : `pip, which fetches ${what}, is not installed`;

/** A package and the file of it that is meant. */
export interface Pinned {
  /** Such as onnxruntime==1.26.0. */
  readonly package: string;
  readonly sha256: string;
}

/** Fetches into `folder`; a file with another hash is refused. `argv` goes to `pip download`. */
export async function pipDownload(
  packages: readonly Pinned[],
  { folder, env, argv = [] }: { folder: string; env: NodeJS.ProcessEnv; argv?: readonly string[] },
): Promise<void> {
  const [pip, ...words] = (await findPip(env)) ?? ['pip'];
  const requirements = join(folder, 'requirements.txt');
  await writeFile(requirements, packages.map((each) => `${each.package} --hash=sha256:${each.sha256}\n`).join(''));
  const download = ['download', '--no-deps', '--require-hashes', '-r', requirements, '-d', folder];
  await execute(pip, [...words, ...download, ...argv], { cwd: folder, env });
}
