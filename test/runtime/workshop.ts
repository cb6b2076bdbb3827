// Where a program for tests comes from: the user's cache, or a build that fills it, once, however many ask.
import { join } from 'node:path';
import { type Clock, systemClock } from '../../src/process/clock.ts';
import { type BuildState, findGo, goBuild } from '../controlplane/build.ts';
import { type Cache, createCache, defaultCacheFolder, type Piece } from '../controlplane/cache.ts';
import { withLock } from '../controlplane/lock.ts';
import { type Progress, silent, spelledSeconds } from '../controlplane/progress.ts';
import type { GoPiece } from './versions.ts';

export interface WorkshopOptions {
  env: NodeJS.ProcessEnv;
  progress?: Progress;
  clock?: Clock;
  /** Default: a folder of the user's cache. */
  cacheDir?: string;
}

export interface Workshop {
  env: NodeJS.ProcessEnv;
  progress: Progress;
  clock: Clock;
  cache: Cache;
}

/** A program cannot be had here. The message is one sentence that says why and what to do. */
export class UnavailableError extends Error {
  override name = 'UnavailableError';
}

/** `what` names the folder in the user's cache. */
export function openWorkshop(what: string, { env, progress, clock, cacheDir }: WorkshopOptions): Workshop {
  const cache = createCache(cacheDir ?? defaultCacheFolder(env, what), process.platform, process.arch);
  return { env, progress: progress ?? silent, clock: clock ?? systemClock, cache };
}

/** What stands between us and a build, in words that read on after "because". */
export type Obstacle = (workshop: Workshop) => Promise<string | undefined>;

const switchedOff: Obstacle = async ({ env }) =>
  env.LMO_RUNTIME_BUILD === 'off' ? 'building is switched off by LMO_RUNTIME_BUILD' : undefined;

export const lacksGo =
  (module: string): Obstacle =>
  async ({ env }) => {
    const go = await findGo(env, module);
    return 'problem' in go ? go.problem : undefined;
  };

/** Rejects with an UnavailableError that names all that is lacking, unless every piece is in the cache. */
export async function requireTools(what: string, pieces: readonly Piece[], obstacles: Obstacle[], workshop: Workshop) {
  const cached = await Promise.all(pieces.map((piece) => workshop.cache.find(piece)));
  if (cached.every(Boolean)) return;
  const found = await Promise.all([switchedOff, ...obstacles].map((obstacle) => obstacle(workshop)));
  const problems = found.filter((problem) => problem !== undefined);
  if (problems.length === 0) return;
  throw new UnavailableError(
    `${what} is not in the cache ${workshop.cache.root} and cannot be built because ${problems.join(', and ')}.`,
  );
}

/** The folder of the piece, made by `work` where the cache has none. Rejects with UnavailableError. */
export async function supply(
  piece: Piece,
  work: (folder: string) => Promise<void>,
  { cache, clock, progress }: Workshop,
): Promise<string> {
  const tellWaiting = (owner: string) => progress.say(`Waiting for ${owner}, which is building ${piece.name}.`);
  const make = async () => {
    if (!(await cache.find(piece))) await cache.publish(piece, 'build', work);
  };
  if (!(await cache.find(piece))) {
    await withLock(join(cache.root, `.lock-${piece.name}`), clock, tellWaiting, make).catch((error: unknown) => {
      throw new UnavailableError(error instanceof Error ? error.message : String(error));
    });
  }
  return cache.folder(piece);
}

/** The path of a program that Go builds. Rejects with UnavailableError. */
export async function supplyGoProgram(piece: GoPiece, workshop: Workshop): Promise<string> {
  const { env, progress } = workshop;
  const folder = await supply(
    piece,
    (aside) => {
      const state: BuildState = { compiled: 0, downloaded: 0 };
      const title = `Building ${piece.name} ${piece.version} with Go (${spelledSeconds(piece.elsewhereSeconds)} on two cores elsewhere)`;
      const shown = () => `${state.downloaded} modules fetched, ${state.compiled} packages compiled`;
      return progress.during(title, shown, goBuild({ ...piece, output: join(aside, piece.name) }, env, state));
    },
    workshop,
  );
  return join(folder, piece.name);
}
