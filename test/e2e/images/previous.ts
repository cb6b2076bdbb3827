// The version before this one, for upgrades to begin with: real older code where the history has it.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Lower than any: image and chart of the older sources are called so, whatever the sources call themselves. */
export const previousVersion = '0.0.9';

/**
 * Until there is a release: the oldest code with chart and images as they are today. It knows nothing of MALLOC_ARENA_MAX in the gateway
 * nor of status.hardware.executionProvider, so that both the pods and the CustomResourceDefinition are others.
 */
const beforeReleases = '78be8d293fc4556f5022cc6083a0ef726922060b';

/** All that an image and a chart are made from. */
const parts = [
  'Dockerfile',
  '.dockerignore',
  'LICENSE',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'src',
  'charts',
];

export interface PreviousVersion {
  /** A tree with Dockerfile and charts. */
  readonly folder: string;
  /** What it is, in one sentence. */
  readonly words: string;
}

/** The release before HEAD, else a commit that stands for it; else, in a clone that has neither, the tree itself. Written once into `cache`. */
export async function previousSources(root: string, cache: string): Promise<PreviousVersion> {
  const git = async (...argv: string[]): Promise<string | undefined> => {
    // As root in a tree of somebody else, git wants to be told that this is meant.
    const { stdout } = await promisify(execFile)('git', ['-c', `safe.directory=${root}`, '-C', root, ...argv]).catch(
      () => ({ stdout: undefined }),
    );
    return stdout?.trim();
  };
  const release = await git('describe', '--tags', '--abbrev=0', '--match=v*', 'HEAD^');
  const name = release ?? beforeReleases;
  const commit = await git('rev-parse', '--verify', '--quiet', `${name}^{commit}`);
  if (!commit) return { folder: root, words: 'The version before has the same sources: this clone has no older ones.' };
  const folder = join(cache, `previous-${commit.slice(0, 12)}`);
  if (!existsSync(folder)) await extract(folder, (archive) => git('archive', `--output=${archive}`, commit, ...parts));
  return { folder, words: `The version before is ${release ?? `commit ${commit.slice(0, 12)}`}.` };
}

async function extract(folder: string, archiveTo: (path: string) => Promise<string | undefined>): Promise<void> {
  const cache = join(folder, '..');
  for (const old of await readdir(cache))
    if (old.startsWith('previous-')) await rm(join(cache, old), { recursive: true, force: true });
  const scratch = await mkdtemp(join(cache, 'tmp-'));
  try {
    const archive = join(scratch, 'sources.tar');
    if ((await archiveTo(archive)) === undefined) throw new Error(`git could not write ${archive}`);
    await mkdir(join(scratch, 'sources'));
    await promisify(execFile)('tar', ['-xf', archive, '-C', join(scratch, 'sources')]);
    await rename(join(scratch, 'sources'), folder);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
