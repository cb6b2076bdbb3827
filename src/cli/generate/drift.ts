// Which generated files are not what src makes now.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Output } from './outputs.ts';

/** Paths of the files that are missing or differ. */
export async function drifted(root: string, outputs: readonly Output[]): Promise<string[]> {
  const isDrifted = async ({ path, render }: Output) =>
    (await readFile(join(root, path), 'utf8').catch(() => undefined)) !== render();
  const found = await Promise.all(outputs.map(isDrifted));
  return outputs.filter((_, index) => found[index]).map(({ path }) => path);
}
