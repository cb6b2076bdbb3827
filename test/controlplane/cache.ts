// The folder of finished binaries in the user's cache: a part is there whole, with a manifest of its checksums, or not at all.
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, readdir, readFile, readlink, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

export type Source = 'download' | 'build';

/** What is cached in one go. */
export interface Piece {
  readonly name: string;
  readonly version: string;
  /** Names of the files that have to be there; there may be more. */
  readonly programs: readonly string[];
}

export interface Manifest {
  part: string;
  version: string;
  source: Source;
  /** Regular files by name. */
  files: Record<string, { size: number; sha256: string }>;
  /** Symbolic links by name; the target is a file of the same folder. */
  links: Record<string, string>;
}

export interface Cache {
  /** Where everything of this operating system and architecture lies. */
  readonly root: string;
  folder(part: Piece): string;
  /** The manifest of a part that is there and whole, judged by sizes (quick) or by checksums (`thorough`). */
  find(part: Piece, thorough?: boolean): Promise<Manifest | undefined>;
  /**
   * Lets `fill` write the part's programs into a folder aside, then puts that folder in place in one step. Safe with
   * several processes at once: the first one wins, and who comes second uses what is there.
   */
  publish(part: Piece, source: Source, fill: (folder: string) => Promise<void>): Promise<Manifest>;
}

const manifestName = 'manifest.json';
const dayMs = 86_400_000;

/** `${XDG_CACHE_HOME or ~/.cache}/local-model-operator/controlplane`, so that a fresh clone finds what an older one made. */
export function defaultCacheFolder(env: NodeJS.ProcessEnv, what = 'controlplane'): string {
  const base = env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache');
  return join(base, 'local-model-operator', what);
}

export function createCache(folder: string, platform: string, architecture: string): Cache {
  const root = join(folder, `${platform}-${architecture}`);
  const folderOf = (part: Piece) => join(root, `${part.name}-${part.version}`);
  const find = (part: Piece, thorough = false) => readWhole(folderOf(part), part, thorough);

  async function publish(part: Piece, source: Source, fill: (folder: string) => Promise<void>): Promise<Manifest> {
    await mkdir(root, { recursive: true });
    await sweep(root);
    const aside = join(root, `.new-${part.name}-${randomUUID()}`);
    await mkdir(aside);
    try {
      await fill(aside);
      const manifest = await describe(aside, part, source);
      await writeFile(join(aside, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
      return await putInPlace(aside, folderOf(part), manifest, () => find(part));
    } finally {
      await rm(aside, { recursive: true, force: true });
    }
  }

  return { root, folder: folderOf, find, publish };
}

async function putInPlace(
  aside: string,
  place: string,
  manifest: Manifest,
  present: () => Promise<Manifest | undefined>,
): Promise<Manifest> {
  for (;;) {
    try {
      await rename(aside, place);
      return manifest;
    } catch (error) {
      if (!isOccupied(error)) throw error;
    }
    const theirs = await present();
    if (theirs) return theirs;
    // What lies there is damaged. Move it away whole, so that nobody ever sees half of it.
    const away = `${aside}.old`;
    await rename(place, away).catch(ignoreMissing);
    await rm(away, { recursive: true, force: true });
  }
}

async function readWhole(folder: string, part: Piece, thorough: boolean): Promise<Manifest | undefined> {
  const manifest = await readManifest(folder);
  if (!manifest || manifest.part !== part.name || manifest.version !== part.version) return undefined;
  if (!part.programs.every((program) => program in manifest.files || program in manifest.links)) return undefined;
  for (const [name, { size, sha256 }] of Object.entries(manifest.files)) {
    const file = await stat(join(folder, name)).catch(ignoreMissing);
    if (!file?.isFile() || file.size !== size) return undefined;
    if (thorough && (await checksum(join(folder, name))) !== sha256) return undefined;
  }
  for (const [name, target] of Object.entries(manifest.links)) {
    if ((await readlink(join(folder, name)).catch(ignoreMissing)) !== target) return undefined;
  }
  return manifest;
}

async function readManifest(folder: string): Promise<Manifest | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, manifestName), 'utf8')) as Manifest;
  } catch {
    return undefined; // missing or cut short: the same to us
  }
}

async function describe(folder: string, part: Piece, source: Source): Promise<Manifest> {
  const manifest: Manifest = { part: part.name, version: part.version, source, files: {}, links: {} };
  for (const name of (await readdir(folder)).sort()) {
    const path = join(folder, name);
    const entry = await lstat(path);
    if (entry.isSymbolicLink()) manifest.links[name] = await readlink(path);
    else manifest.files[name] = { size: entry.size, sha256: await checksum(path) };
  }
  return manifest;
}

/** SHA-256 of a file, in hexadecimal. */
export async function checksum(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** Removes what processes that were killed long ago left aside. */
async function sweep(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    if (!name.startsWith('.new-')) continue;
    const entry = await stat(join(root, name)).catch(ignoreMissing);
    if (entry && Date.now() - entry.mtimeMs > dayMs) await rm(join(root, name), { recursive: true, force: true });
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;
const isOccupied = (error: unknown) => ['ENOTEMPTY', 'EEXIST'].includes(codeOf(error) ?? '');

function ignoreMissing(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'EINVAL') throw error;
  return undefined;
}
