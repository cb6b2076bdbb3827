// Which bytes of an unfinished download are there, told by a small file beside it.
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import * as z from 'zod';
import type { Clock } from '../process/clock.ts';
import type { Digest } from './digest.ts';
import { addRange, type Range, rangesSize } from './ranges.ts';
import type { Store } from './store.ts';
import { partialsOf } from './storeBlobs.ts';

export interface BlobFacts {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

export interface Leftover {
  readonly path: string;
  readonly ranges: readonly Range[];
}

const SAVE_EVERY_MS = 1_000;

const savedState = z.object({
  version: z.literal(1),
  size: z.number(),
  ranges: z.array(z.tuple([z.int().min(0), z.int().min(0)])),
});

export const statePath = (path: string) => `${path}.json`;
export const lockPath = (path: string) => `${path}.lock`;
const isData = (path: string) => /^sha256-[0-9a-f]{64}\.[A-Za-z0-9-]+$/.test(basename(path));

/** Bytes of a blob that an earlier pull has left, so that a plan does not count them twice. */
export async function resumableBytes(store: Store, blob: BlobFacts): Promise<number> {
  const [best] = await leftovers(store, blob);
  return best ? rangesSize(best.ranges) : 0;
}

/** All unfinished downloads of a blob, those with the most bytes first; others may be at work on them. */
export async function leftovers(store: Store, blob: BlobFacts): Promise<Leftover[]> {
  const paths = (await partialsOf(store, blob.digest)).filter(isData);
  const found = await Promise.all(paths.map(async (path) => ({ path, ranges: await rangesOf(path, blob) })));
  return found.sort((a, b) => rangesSize(b.ranges) - rangesSize(a.ranges));
}

/** Of a state that does not fit the file: nothing. */
export async function rangesOf(path: string, { size }: BlobFacts): Promise<readonly Range[]> {
  try {
    const state = savedState.parse(JSON.parse(await readFile(statePath(path), 'utf8')));
    const { size: length } = await stat(path);
    const fits = ([start, end]: Range) => start < end && end <= Math.min(size, length);
    if (state.size !== size || !state.ranges.every(fits)) return [];
    return state.ranges.reduce<Range[]>((ranges, range) => addRange(ranges, range), []);
  } catch {
    return [];
  }
}

export interface PartialState {
  ranges: readonly Range[];
  /** Notes what was written. Saves now and then: after a second, or after so many bytes. */
  add(range: Range): void;
  /** Saves what is there now. Never throws: it spares work for whoever resumes, nothing else. */
  save(): Promise<void>;
  remove(): Promise<void>;
}

export function createPartialState(
  path: string,
  ranges: readonly Range[],
  { size, clock, saveEveryBytes }: { size: number; clock: Clock; saveEveryBytes: number },
): PartialState {
  const temp = `${statePath(path)}.new`;
  let saved = { at: clock.monotonic(), bytes: 0 };
  let saving: Promise<void> | undefined;
  let removed = false;

  async function write(): Promise<void> {
    saved = { at: clock.monotonic(), bytes: 0 };
    try {
      await writeFile(temp, JSON.stringify({ version: 1, size, ranges: state.ranges }));
      await rename(temp, statePath(path));
    } catch {
      // A full disk is told by the bytes themselves.
    }
  }

  const isDue = () =>
    saved.bytes >= saveEveryBytes || (saved.bytes > 0 && clock.monotonic() - saved.at >= SAVE_EVERY_MS);

  /** What arrives during one save is in the next. */
  const saveInTurn = () => {
    saving ??= write().finally(() => {
      saving = undefined;
      if (isDue() && !removed) saveInTurn();
    });
  };

  const state: PartialState = {
    ranges,
    add(range) {
      state.ranges = addRange(state.ranges, range);
      saved.bytes += range[1] - range[0];
      if (isDue()) saveInTurn();
    },
    async save() {
      while (saving) await saving;
      await write();
    },
    async remove() {
      removed = true;
      while (saving) await saving;
      for (const file of [temp, statePath(path)]) await rm(file, { force: true }).catch(() => undefined);
    },
  };
  return state;
}
