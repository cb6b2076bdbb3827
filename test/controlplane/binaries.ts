// Where the control plane's binaries come from: a folder of the user's, the cache, the official downloads, or a build.
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../src/process/clock.ts';
import { type BuildState, buildPart, findGo } from './build.ts';
import { type Cache, createCache, defaultCacheFolder, type Source } from './cache.ts';
import { createDownloader } from './download.ts';
import { withLock } from './lock.ts';
import { type Progress, silent, spelledSeconds } from './progress.ts';
import { downloadPart, isPublishedFor, type Origins, originsFrom } from './releases.ts';
import { helm, type Part, type Program, parts, type Tool, versions } from './versions.ts';

export type Binaries = Record<Program, string>;

export interface Found<P extends Program | Tool> {
  /** Absolute path of every program. */
  paths: Record<P, string>;
  /** The folders that they lie in, for a PATH. */
  folders: string[];
  /** One sentence for people. */
  origin: string;
}

export type FoundBinaries = Found<Program>;

/** The binaries can be had in no way. The message is one sentence that says what to do. */
export class BinariesError extends Error {
  override name = 'BinariesError';
}

export interface BinariesOptions {
  env: NodeJS.ProcessEnv;
  /** Default: `defaultCacheFolder(env)`. */
  cacheDir?: string;
  progress?: Progress;
  clock?: Clock;
  origins?: Origins;
  /** Folder with the Go modules; default: ours. */
  modules?: string;
  platform?: string;
  architecture?: string;
}

interface Search extends Required<Omit<BinariesOptions, 'cacheDir'>> {
  cache: Cache;
  /** Why the downloads came to nothing, if they did. */
  refusals: string[];
}

const isProgram = (path: string) =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

/** Finds, downloads or builds all programs of the control plane. Rejects with BinariesError. */
export const findBinaries = (options: BinariesOptions): Promise<FoundBinaries> =>
  findParts<Program>(parts, 'Control plane binaries', options);

/** Finds, downloads or builds Helm. Rejects with BinariesError. */
export const findHelm = (options: BinariesOptions): Promise<Found<'helm'>> =>
  findParts<'helm'>([helm], 'Helm', options);

async function findParts<P extends Program | Tool>(
  sought: readonly Part[],
  title: string,
  options: BinariesOptions,
): Promise<Found<P>> {
  const search = prepare(options);
  const { paths: given, origins } = await givenByUser(sought, search);
  const wanted = sought.filter((part) => part.programs.some((program) => !(program in given)));
  const got = new Map<Part, Source | 'cache'>();
  for (const part of wanted) if (await search.cache.find(part)) got.set(part, 'cache');
  const missing = () => wanted.filter((part) => !got.has(part));
  if (missing().length > 0) {
    const tellWaiting = (owner: string) =>
      search.progress.say(`Waiting for ${owner}, which is fetching the same binaries.`);
    await withLock(join(search.cache.root, '.lock'), search.clock, tellWaiting, async () => {
      for (const part of missing()) if (await search.cache.find(part)) got.set(part, 'cache');
      for (const part of await downloaded(missing(), search)) got.set(part, 'download');
      for (const part of await built(missing(), search)) got.set(part, 'build');
    });
  }
  const cached = wanted.flatMap((part) =>
    part.programs.map((program) => [program, join(search.cache.folder(part), program)] as const),
  );
  const paths = { ...Object.fromEntries(cached), ...given } as Record<P, string>;
  return {
    paths,
    folders: [...new Set(Object.values<string>(paths).map((path) => path.slice(0, path.lastIndexOf('/'))))],
    origin: `${title}: ${[...origins, ...sentence(got, search.cache.root)].join('; ')}.`,
  };
}

function prepare({ env, cacheDir, ...rest }: BinariesOptions): Search {
  const platform = rest.platform ?? process.platform;
  const architecture = rest.architecture ?? process.arch;
  return {
    env,
    progress: rest.progress ?? silent,
    clock: rest.clock ?? systemClock,
    origins: rest.origins ?? originsFrom(env),
    modules: rest.modules ?? join(import.meta.dirname, 'go'),
    platform,
    architecture,
    cache: createCache(cacheDir ?? defaultCacheFolder(env), platform, architecture),
    refusals: [],
  };
}

type Given = Partial<Record<Program | Tool, string>>;

async function givenByUser(sought: readonly Part[], { env }: Search): Promise<{ paths: Given; origins: string[] }> {
  const folder = env.KUBEBUILDER_ASSETS;
  if (!folder) return { paths: {}, origins: [] };
  const paths: Given = {};
  const lacking: (Program | Tool)[] = [];
  for (const program of sought.flatMap((part) => part.programs)) {
    const path = join(folder, program);
    if (await isProgram(path)) paths[program] = path;
    else lacking.push(program);
  }
  const has = Object.keys(paths).join(', ') || 'nothing';
  const lack = lacking.length > 0 ? ` (KUBEBUILDER_ASSETS lacks ${lacking.join(', ')})` : '';
  return { paths, origins: [`${has} from ${folder}${lack}`] };
}

async function downloaded(missing: Part[], search: Search): Promise<Part[]> {
  const { env, cache, progress, origins, platform, architecture, refusals } = search;
  if (missing.length === 0) return [];
  if (env.LMO_CONTROLPLANE_DOWNLOAD === 'off') {
    refusals.push('downloading is switched off by LMO_CONTROLPLANE_DOWNLOAD');
    return [];
  }
  if (!isPublishedFor(platform, architecture)) {
    refusals.push(`there are no official binaries for ${platform} on ${architecture}`);
    return [];
  }
  const download = createDownloader();
  let bytes = 0;
  const onBytes = (count: number) => {
    bytes += count;
  };
  const context = { download, origins, architecture, onBytes };
  // All at once, so that a closed network is noticed once and not part by part.
  const attempts = missing.map(async (part) => {
    await cache.publish(part, 'download', (folder) => downloadPart(part, folder, context));
    return part;
  });
  const title = `Trying the official downloads of ${missing.map(titleOf).join(', ')}`;
  const settled = await progress.during(title, () => `${Math.round(bytes / 1e6)} MB`, Promise.allSettled(attempts));
  await download.close();
  for (const attempt of settled) if (attempt.status === 'rejected') refusals.push(messageOf(attempt.reason));
  if (refusals.length > 0) progress.say(`The official downloads cannot be used: ${refusals.join('; ')}.`);
  return settled.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
}

async function built(missing: Part[], search: Search): Promise<Part[]> {
  const { env, modules, cache, progress, refusals } = search;
  if (missing.length === 0) return [];
  const go = await findGo(env, join(modules, 'kubernetes'));
  if ('problem' in go) {
    throw new BinariesError(
      `The binaries of ${missing.map(titleOf).join(', ')} cannot be had: ${refusals.join('; ')}, and they cannot be ` +
        `built because ${go.problem}. Install Go ${versions.go} or newer (https://go.dev/dl), or set KUBEBUILDER_ASSETS to a folder that has them.`,
    );
  }
  for (const [index, part] of missing.entries()) {
    const state: BuildState = { compiled: 0, downloaded: 0 };
    const usual = `${spelledSeconds(part.build.elsewhereSeconds)} on two cores elsewhere`;
    const title = `Building with Go ${go.version}, ${index + 1} of ${missing.length}: ${titleOf(part)} (${usual})`;
    const shown = () => `${state.downloaded} modules fetched, ${state.compiled} packages compiled`;
    const work = cache.publish(part, 'build', (folder) => buildPart(part, folder, { env, modules, state }));
    await progress.during(title, shown, work).catch((error: unknown) => {
      throw new BinariesError(messageOf(error));
    });
  }
  return missing;
}

const titleOf = ({ name, version }: Part) => `${name} ${version}`;
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

function sentence(got: Map<Part, Source | 'cache'>, root: string): string[] {
  const words = { cache: `from the cache ${root}`, download: 'downloaded', build: 'built here with Go' } as const;
  return (['cache', 'download', 'build'] as const).flatMap((source) => {
    const titles = [...got].filter(([, from]) => from === source).map(([part]) => titleOf(part));
    return titles.length > 0 ? [`${titles.join(', ')} ${words[source]}`] : [];
  });
}
