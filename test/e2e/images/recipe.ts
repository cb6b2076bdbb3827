// Images without a Dockerfile in the repository: a tree of files and what is said of it, built once per content.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Progress } from '../../controlplane/progress.ts';
import type { Buildah } from './buildah.ts';
import { layTree, type Tree } from './rootfs.ts';

export interface Recipe {
  readonly tag: string;
  readonly tree: Tree;
  readonly instructions: readonly string[];
}

/** Builds the image unless the storage has it as the recipe says; `folder` remembers what was built. */
export async function provideImage(
  recipe: Recipe,
  { buildah, folder, progress }: { buildah: Buildah; folder: string; progress: Progress },
): Promise<void> {
  const marker = join(folder, `${await keyOf(recipe)}.done`);
  if (existsSync(marker) && (await buildah.has(recipe.tag))) return;
  await progress.during(`Building the image ${recipe.tag}`, () => '', cook(buildah, recipe));
  await writeFile(marker, recipe.tag);
}

async function cook(buildah: Buildah, { tag, tree, instructions }: Recipe): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lmo-image-'));
  try {
    await mkdir(join(folder, 'root'));
    await layTree(join(folder, 'root'), tree);
    await writeFile(join(folder, 'Dockerfile'), ['FROM scratch', 'COPY root /', ...instructions, ''].join('\n'));
    await buildah.build({ tag, context: folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Changes with the names of what goes in; the paths of the cache have versions in them. */
async function keyOf({ tag, tree, instructions }: Recipe): Promise<string> {
  const own = await readFile(join(import.meta.dirname, 'rootfs.ts'), 'utf8');
  const text = JSON.stringify([tag, tree, instructions, own, dirname(process.execPath)]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
