// Programs out of Debian packages: fetched by apt as it is set up here, checked by it, unpacked, and never installed.
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Piece } from '../../controlplane/cache.ts';
import { execute } from '../../runtime/execute.ts';
import { fingerprint } from '../../runtime/versions.ts';
import { type Obstacle, supply, type Workshop } from '../../runtime/workshop.ts';
import { debian } from './versions.ts';

/** Debian and what is made from it. */
export const lacksApt: Obstacle = async ({ env }) => {
  const version = await execute('apt-get', ['--version'], { cwd: tmpdir(), env }).catch(() => undefined);
  return version === undefined
    ? `apt-get, which fetches ${debian.packages.join(', ')}, is not here: this needs Debian or Ubuntu`
    : undefined;
};

/** Packages of one release do not fit another. */
export async function debianPiece(): Promise<Piece> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const release = /^VERSION_CODENAME=(\S+)$/m.exec(text)?.[1] ?? 'unknown';
  return {
    name: 'debian',
    version: `${release}-${fingerprint(...debian.packages, ...debian.programs)}`,
    programs: debian.programs,
  };
}

/** The folder with the programs and, beside them, the libraries that are not installed here. */
export async function supplyDebian(workshop: Workshop): Promise<string> {
  const { progress } = workshop;
  const title = `Fetching ${debian.packages.join(', ')} as Debian packages`;
  return supply(
    await debianPiece(),
    (folder) => progress.during(title, () => '', fetchInto(folder, workshop)),
    workshop,
  );
}

async function fetchInto(folder: string, { env }: Workshop): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'lmo-debian-'));
  try {
    // apt's own downloader gives up root's rights and must be able to write here.
    const options = { cwd: work, env: { ...env, LC_ALL: 'C' } };
    const packages = [...new Set([...debian.packages, ...(await notInstalled(options))])];
    await execute('apt-get', ['-o', 'APT::Sandbox::User=root', 'download', ...packages], options);
    const root = join(work, 'root');
    await mkdir(root);
    for (const file of await readdir(work)) {
      if (file.endsWith('.deb')) await execute('dpkg-deb', ['-x', file, root], options);
    }
    await pick(root, folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** What an installation would bring along. */
async function notInstalled(options: Parameters<typeof execute>[2]): Promise<string[]> {
  const plan = await execute('apt-get', ['install', '-s', '--no-install-recommends', ...debian.packages], options);
  return [...plan.matchAll(/^Inst (\S+) (?!\[)/gm)].map((match) => match[1] ?? '');
}

/** Programs and shared libraries of an unpacked tree, side by side; links to libraries stay links. */
async function pick(root: string, folder: string): Promise<void> {
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() && !entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const isProgram = /\/(s?bin|cni)$/.test(entry.parentPath) && debian.programs.some((name) => name === entry.name);
    const isLibrary = /\/lib\/[^/]+-linux-gnu$/.test(entry.parentPath) && /\.so(\.|$)/.test(entry.name);
    if (isProgram || isLibrary) {
      await cp(path, join(folder, basename(path)), { verbatimSymlinks: true });
    }
  }
}
