// Models that people bring themselves, in a volume or an image: one model folder, or a cache folder that a Foundry Local has filled elsewhere.
import { basename, join } from 'node:path';
import { PullError } from '../models/errors.ts';
import { namesIn, sizeOfFile } from '../models/files.ts';
import { type ModelFolder, openModelFolder } from './modelFolder.ts';

/** A variant's id in its parts; without a version it is the first. */
export function partsOf(reference: string): { name: string; version: string } {
  const [name = '', version = '1'] = reference.split(':');
  return { name, version };
}

/** The id under which a model that was brought is served. */
export function idOf(reference: string): string {
  const { name, version } = partsOf(reference);
  return `${name}:${version}`;
}

/** What the core writes into the folder of a model when all of it has arrived. Files have their full size before. */
const COMPLETE = 'inference_model.json';

const publishersIn = async (cache: string): Promise<string[]> =>
  (await namesIn(cache).catch(() => [])).filter((publisher) => !publisher.startsWith('.'));

/** Where the core puts a variant, {cache}/{publisher}/{name}-{version}, whole or not: none, or one unless there are several publishers. */
export async function foldersOf(cache: string, reference: string): Promise<string[]> {
  const { name, version } = partsOf(reference);
  const publishers = await publishersIn(cache);
  const folders = publishers.map((publisher) => join(cache, publisher, `${name}-${version}`));
  const there = await Promise.all(folders.map((folder) => namesIn(folder).catch(() => [])));
  return folders.filter((_, index) => (there[index]?.length ?? 0) > 0);
}

async function isFinished(folder: string): Promise<boolean> {
  const places = [folder, ...(await namesIn(folder)).map((inner) => join(folder, inner))];
  const marks = await Promise.all(places.map((place) => sizeOfFile(join(place, COMPLETE))));
  return marks.some((size) => size !== undefined);
}

/** The folder of a variant that is whole; undefined where there is none, or where its download was not finished. */
export async function cachedFolder(cache: string, reference: string): Promise<string | undefined> {
  for (const folder of await foldersOf(cache, reference)) if (await isFinished(folder)) return folder;
  return undefined;
}

/** Folders of variants, whichever, whose download was not finished. */
export async function unfinishedFolders(cache: string): Promise<string[]> {
  const unfinished: string[] = [];
  for (const publisher of await publishersIn(cache)) {
    const names = await namesIn(join(cache, publisher)).catch(() => []); // or it is a file
    for (const folder of names.filter((name) => VARIANT.test(name)).map((name) => join(cache, publisher, name)))
      if (!(await isFinished(folder).catch(() => true))) unfinished.push(folder);
  }
  return unfinished;
}

/**
 * The model at `path` that `reference` means: in a cache folder the one of that name, else the one that lies there, whatever it is
 * called. Throws a PullError that says what was looked for.
 */
export async function openFolderSource(path: string, reference: string, title: string): Promise<ModelFolder> {
  const cached = await cachedFolder(path, reference);
  if (cached) return openModelFolder(cached, title);
  const names = await namesIn(path);
  if (names.length === 0) throw new PullError('NotFound', `${title} has nothing at ${path}`);
  try {
    return await openModelFolder(path, title);
  } catch (error) {
    if (!(error instanceof PullError) || error.reason !== 'NotFound' || !(await looksLikeCache(path, names)))
      throw error;
    throw new PullError(
      'NotFound',
      `${title} is a cache folder of Foundry Local at ${path}, and has no ${idOf(reference)}; it has ${await cachedIds(path, names)}`,
    );
  }
}

/** {name}-{version} */
const VARIANT = /^.+-\d+$/;

const looksLikeCache = async (path: string, names: readonly string[]): Promise<boolean> =>
  names.includes('foundry.modelinfo.json') || (await cachedIds(path, names)) !== NOTHING;

const NOTHING = 'nothing';
const MAX_NAMED = 8;

async function cachedIds(path: string, publishers: readonly string[]): Promise<string> {
  const lists = await Promise.all(publishers.map((name) => namesIn(join(path, name)).catch(() => [])));
  const ids = lists.flat().flatMap((name) => (VARIANT.test(name) ? basename(name).replace(/-(\d+)$/, ':$1') : []));
  return ids.slice(0, MAX_NAMED).join(', ') || NOTHING;
}
