// The files of a model with their hashes. Foundry Local checks none of what it fetches and loads, so this list is the only proof.
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import * as z from 'zod';
import { type Digest, digestOf, isDigest } from '../models/digest.ts';
import { fileError, PullError } from '../models/errors.ts';
import { digestOfFile } from '../models/fileDigest.ts';
import { sizeOfFile } from '../models/files.ts';
import type { Progress } from '../puller/progress.ts';

export const listedFile = z.object({
  /** Relative to the folder of the model, with slashes. */
  path: z.string(),
  size: z.number(),
  digest: z.custom<Digest>((value) => typeof value === 'string' && isDigest(value)),
});

export type ListedFile = z.output<typeof listedFile>;

/** What the core puts beside the files of a model: marks of its own, and what it knows of the model. */
const ofTheCore: ReadonlySet<string> = new Set(['inference_model.json', 'download.tmp']);
const isOfTheCore = (name: string): boolean => ofTheCore.has(name) || name.endsWith('.lock');

/** Of a list: the files in order, so that the same files have the same digest wherever they lie. */
export const digestOfList = (files: readonly ListedFile[]): Digest =>
  digestOf(JSON.stringify(files.map(({ path, size, digest }) => [path, size, digest])));

export const sizeOfList = (files: readonly ListedFile[]): number => files.reduce((sum, { size }) => sum + size, 0);

/** Of file systems: not to be read by anybody but root. */
export const LOST_AND_FOUND = 'lost+found';

async function filesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const lists = entries
      .filter(({ name }) => name !== LOST_AND_FOUND && !isOfTheCore(name))
      .map(async (entry) => {
        const path = join(folder, entry.name);
        return entry.isDirectory() ? filesIn(path) : [path];
      });
    return (await Promise.all(lists)).flat();
  } catch (error) {
    throw fileError(error, `list ${folder}`);
  }
}

/** Paths of the files below, sorted by code unit; links are files here, wherever they lead. Throws a PullError. */
export async function pathsIn(folder: string): Promise<string[]> {
  const paths = await filesIn(folder);
  return paths.map((path) => relative(folder, path)).sort((a, b) => (a < b ? -1 : 1));
}

/** Files have no digest before they are hashed, and progress goes by digests. */
const placeholder = (index: number): Digest => `sha256:${String(index).padStart(64, '0')}`;

export interface Reading {
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Reads files one after the other, as the phase Verifying. */
async function hashed(folder: string, files: readonly { path: string; size: number }[], { progress, signal }: Reading) {
  const layers = files.map(({ path, size }, index) => ({
    digest: placeholder(index),
    size,
    mediaType: path.slice(path.lastIndexOf('/') + 1),
  }));
  progress.begin('Verifying', { layers });
  const found: ListedFile[] = [];
  for (const [index, { path }] of files.entries()) {
    let read = 0;
    const onBytes = (bytes: number) => {
      read += bytes;
      progress.layer(placeholder(index), read, bytes);
    };
    found.push({ path, ...(await digestOfFile(join(folder, path), { signal, onBytes })) });
  }
  return found;
}

/** Reads the whole folder. Throws a PullError, or the reason of the signal. */
export async function listFiles(folder: string, reading: Reading): Promise<ListedFile[]> {
  const paths = await pathsIn(folder);
  const sizes = await Promise.all(paths.map((path) => sizeOfFile(join(folder, path))));
  const files = paths.flatMap((path, index) => {
    const size = sizes[index];
    return size === undefined ? [] : { path, size };
  });
  if (files.length === 0) throw new PullError('NotFound', `${folder} holds no files`);
  return hashed(folder, files, reading);
}

/** To hash these takes no time, and a damaged configuration would be believed. */
const ALWAYS_HASHED_BYTES = 1024 * 1024;

/**
 * Those that are missing, have another size or, as far as they are read, another hash. Read are the small ones and, where `all`
 * says so, the others.
 */
export async function badFiles(
  folder: string,
  files: readonly ListedFile[],
  all: boolean,
  reading: Reading,
): Promise<ListedFile[]> {
  const sizes = await Promise.all(files.map(({ path }) => sizeOfFile(join(folder, path))));
  const wrongSize = files.filter(({ size }, index) => sizes[index] !== size);
  const doubtful = files.filter((file) => !wrongSize.includes(file) && (all || file.size <= ALWAYS_HASHED_BYTES));
  const found = await hashed(folder, doubtful, reading);
  return [...wrongSize, ...doubtful.filter(({ digest }, index) => found[index]?.digest !== digest)];
}
