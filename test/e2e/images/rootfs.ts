// File trees for images made from what this machine has: programs with the shared libraries that they need, and little else.
import { chmod, copyFile, cp, mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { execute } from '../../runtime/execute.ts';

/** A file or a folder of this machine, and where it goes in the image. */
export interface Placed {
  readonly from: string;
  readonly to: string;
  /** Of a folder: names that are left out, at any depth. */
  readonly without?: readonly string[];
}

export interface Tree {
  /** ELF files; the libraries of the system that they need come with them. */
  readonly programs: readonly Placed[];
  /** Copied as they are, folders with all that is in them. */
  readonly files?: readonly Placed[];
  /** Path → target. */
  readonly links?: Readonly<Record<string, string>>;
}

const accounts = {
  'etc/passwd': 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n',
  'etc/group': 'root:x:0:\nnonroot:x:65532:\n',
  'etc/nsswitch.conf': 'hosts: files dns\n',
} as const;

/** Writes the tree into `folder`, which must be empty. */
export async function layTree(folder: string, { programs, files = [], links = {} }: Tree): Promise<void> {
  for (const place of ['tmp', 'etc', 'root', 'home/nonroot']) await mkdir(join(folder, place), { recursive: true });
  await chmod(join(folder, 'tmp'), 0o1777);
  for (const [path, text] of Object.entries(accounts)) await writeFile(join(folder, path), text);
  const libraries = new Set<string>();
  for (const { from, to } of programs) {
    await place(folder, from, to);
    for (const library of await librariesOf(from)) libraries.add(library);
  }
  for (const library of libraries) await place(folder, await realpath(library), library);
  for (const { from, to, without = [] } of files) {
    await mkdir(dirname(join(folder, to)), { recursive: true });
    const filter = (path: string) => !without.includes(basename(path));
    await cp(from, join(folder, to), { recursive: true, verbatimSymlinks: true, dereference: false, filter });
  }
  for (const [path, target] of Object.entries(links)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await symlink(target, join(folder, path));
  }
}

async function place(folder: string, from: string, to: string): Promise<void> {
  await mkdir(dirname(join(folder, to)), { recursive: true });
  await copyFile(from, join(folder, to));
}

/** Absolute paths under which the program finds libraries of the system; not those that lie beside it. */
async function librariesOf(program: string): Promise<string[]> {
  const lines = await execute('ldd', [program], { cwd: '/', env: { ...process.env, LC_ALL: 'C' } }).catch(() => '');
  const found = [...lines.matchAll(/^\s*(?:\S+ => )?(\/\S+) \(0x/gm)].map((match) => match[1] ?? '');
  return found.filter((path) => dirname(path) !== dirname(program) && basename(path) !== basename(program));
}
