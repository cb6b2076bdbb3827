// The real core of Foundry Local 1.2.3 with what it runs on: the addon out of its npm package, the libraries out of the
// Python packages, since those are on a registry that closed networks mirror. Nothing of it is built.
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execute } from '../execute.ts';
import { lacksPip, pipDownload } from '../pip.ts';
import { foundryAddon, foundryLibraries, foundryNatives, versions } from '../versions.ts';
import { openWorkshop, requireTools, supply, UnavailableError, type WorkshopOptions } from '../workshop.ts';

export interface FoundryNatives {
  /** Folder with the addon and the libraries, as FL_CORE has it. */
  readonly core: string;
}

const title = `Foundry Local ${versions.foundryLocal}`;

/** From the cache, else fetched: about 100 MB. Rejects with UnavailableError. */
export async function findFoundryLocal(options: WorkshopOptions): Promise<FoundryNatives> {
  const workshop = openWorkshop('foundry-local', options);
  const platform = `${process.platform}-${process.arch}`;
  if (platform !== 'linux-x64')
    throw new UnavailableError(`${title} is fetched for tests on linux-x64 only, and this is ${platform}.`);
  await requireTools(title, [foundryNatives], [lacksPip('its libraries')], workshop);
  const fetch = (folder: string) =>
    workshop.progress.during(`Fetching ${title}`, () => '', fetchNatives(folder, workshop.env));
  return { core: await supply(foundryNatives, fetch, workshop) };
}

async function fetchNatives(folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'lmo-foundry-'));
  try {
    await fetchAddon(work, folder, env);
    await fetchLibraries(work, folder, env);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Without its install script, which would fetch the libraries from a place of its own. */
async function fetchAddon(work: string, folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const options = { cwd: work, env };
  await execute('npm', ['pack', '--silent', '--ignore-scripts', foundryAddon.package], options);
  const archive = join(work, foundryAddon.file);
  const found = createHash('sha512')
    .update(await readFile(archive))
    .digest('base64');
  if (found !== foundryAddon.sha512)
    throw new Error(`${foundryAddon.file} has the hash sha512-${found}, not sha512-${foundryAddon.sha512}`);
  await execute('tar', ['-xzf', archive, foundryAddon.member], options);
  await copyFile(join(work, foundryAddon.member), join(folder, 'foundry_local_napi.node'));
}

async function fetchLibraries(work: string, folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  // For any Python: only the libraries are taken, and those know none.
  const target = ['--python-version', '311', '--implementation', 'cp', '--abi', 'cp311', '--abi', 'none'];
  const platforms = ['manylinux_2_27_x86_64', 'manylinux_2_28_x86_64'].flatMap((tag) => ['--platform', tag]);
  const argv = ['--only-binary=:all:', ...target, ...platforms];
  await pipDownload(foundryLibraries, { folder: work, env, argv });
  for (const name of await readdir(work)) {
    if (!name.endsWith('.whl')) continue;
    const opened = join(work, `${name}.d`);
    await mkdir(opened);
    await execute('python3', ['-m', 'zipfile', '-e', join(work, name), opened], { cwd: work, env });
    await takeLibraries(opened, folder);
  }
  // By this name the others ask for it.
  await symlink('libonnxruntime.so', join(folder, 'libonnxruntime.so.1'));
  // Debug symbols are nine tenths of it; without binutils they stay.
  await execute('strip', ['--strip-unneeded', join(folder, 'libonnxruntime-genai.so')], { cwd: work, env }).catch(
    () => undefined,
  );
}

async function takeLibraries(from: string, folder: string): Promise<void> {
  const entries = await readdir(from, { recursive: true, withFileTypes: true });
  for (const { name, parentPath } of entries) {
    // One package calls it libonnxruntime.so.1.26.0.
    const library = name.replace(/^(libonnxruntime\.so)[.\d]*$/, '$1');
    if ((foundryNatives.programs as readonly string[]).includes(library))
      await copyFile(join(parentPath, name), join(folder, library));
  }
}
