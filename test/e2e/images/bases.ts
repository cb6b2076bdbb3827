// What stands in for the bases of the Dockerfile where no registry can be reached: images of what this machine has, with what
// the official ones have of it and the Dockerfile uses, and nothing else.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { UnavailableError } from '../../runtime/workshop.ts';
import type { Recipe } from './recipe.ts';
import type { Placed } from './rootfs.ts';

const run = promisify(execFile);

/** By the name of the Dockerfile's argument. */
export const bases = {
  NODE_IMAGE: 'localhost/base/node:2',
  PYTHON_IMAGE: 'localhost/base/python:1',
  OPERATOR_BASE: 'localhost/base/nodejs:2',
  FOUNDRY_BASE: 'localhost/base/nodejs:2',
} as const;

/** Authorities of this machine, which may have one of its own for the registries that it reaches. */
const authorities = '/etc/ssl/certs/ca-certificates.crt';
const trusted: readonly Placed[] = existsSync(authorities) ? [{ from: authorities, to: authorities }] : [];
const trustBy = (...names: string[]): string[] => trusted.flatMap(({ to }) => names.map((name) => `ENV ${name}=${to}`));

async function find(program: string): Promise<string> {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/bin']) {
    const found = await realpath(join(folder, program)).catch(() => undefined);
    if (found) return found;
  }
  throw new UnavailableError(`${program}, which the builds of our images run, is not on the PATH.`);
}

const toolsOf = (names: readonly string[]): Promise<Placed[]> =>
  Promise.all(names.map(async (name) => ({ from: await find(name), to: `bin/${name}` })));

/** Libraries of this machine, at the place where they are here. */
async function librariesByName(names: readonly string[]): Promise<Placed[]> {
  const known = (await run('ldconfig', ['-p'], { env: { PATH: '/usr/sbin:/sbin' } })).stdout;
  return names.flatMap((name) => {
    const path = known.match(new RegExp(`${name} .*=> (/\\S+)`))?.[1];
    return path ? [{ from: path, to: path }] : [];
  });
}

/** Of glibc, whole there, what the libraries of Foundry Local ask for beside what Node does; and OpenSSL, which they load when they need it. */
const besideNode = ['librt.so.1', 'libutil.so.1', 'libresolv.so.2', 'libssl.so.3', 'libcrypto.so.3'] as const;

/** As distroless has it: Node, glibc, libstdc++, OpenSSL and authorities, and no shell. */
async function runtimeBase(): Promise<Recipe> {
  return {
    tag: bases.OPERATOR_BASE,
    tree: {
      programs: [{ from: process.execPath, to: 'nodejs/bin/node' }, ...(await librariesByName(besideNode))],
      files: trusted,
    },
    instructions: [...trustBy('SSL_CERT_FILE'), 'USER 65532', 'ENTRYPOINT ["/nodejs/bin/node"]'],
  };
}

const npmRegistry = async () => (await run('npm', ['config', 'get', 'registry'])).stdout.trim();

const path = 'ENV PATH=/usr/local/bin:/usr/bin:/bin';

/** Node, npm, a shell and the tools that RUN calls. */
async function nodeBase(): Promise<Recipe> {
  const tools = await toolsOf(['sh', 'cp', 'find', 'gzip', 'mkdir', 'sha512sum', 'tar', 'uname']);
  return {
    tag: bases.NODE_IMAGE,
    tree: {
      programs: [...tools, { from: process.execPath, to: 'usr/local/bin/node' }],
      files: [
        // `npm root` goes by the Node.js that runs it, which need not be npm's own.
        { from: dirname(dirname(await find('npm'))), to: 'usr/local/lib/node_modules/npm' },
        { from: await find('env'), to: 'usr/bin/env' },
        ...trusted,
      ],
      links: { 'usr/local/bin/npm': '../lib/node_modules/npm/bin/npm-cli.js' },
    },
    // Dockerfiles of older sources have no argument for the registry.
    instructions: [path, `ENV npm_config_registry=${await npmRegistry()}`, ...trustBy('NODE_EXTRA_CA_CERTS')],
  };
}

/** Where Python is, by its own words: pyenv and the like put scripts on the PATH. */
const whereabouts = `import json, os, pip, sys, sysconfig
print(json.dumps({"program": sys.executable, "library": sysconfig.get_path("stdlib"), "pip": os.path.dirname(pip.__file__)}))`;

/** Python with pip, a shell and the tools that RUN calls. */
async function pythonBase(): Promise<Recipe> {
  const said = await run('python3', ['-c', whereabouts]).catch(() => {
    throw new UnavailableError('Python 3 with pip, which the build of the image of Foundry Local runs, is not here.');
  });
  const { program, library, pip } = JSON.parse(said.stdout) as { program: string; library: string; pip: string };
  const home = `usr/local/lib/${library.split('/').at(-1)}`;
  const extensions = (await readdir(join(library, 'lib-dynload'))).map((name) => join('lib-dynload', name));
  return {
    tag: bases.PYTHON_IMAGE,
    tree: {
      programs: [
        ...(await toolsOf(['sh', 'basename', 'cp', 'cut', 'ln', 'mkdir', 'rm', 'uname'])),
        { from: await realpath(program), to: 'usr/local/bin/python3' },
        // With the libraries of the system that they need.
        ...extensions.map((name) => ({ from: join(library, name), to: join(home, name) })),
      ],
      files: [
        {
          from: library,
          to: home,
          without: ['__pycache__', 'site-packages', 'dist-packages', 'lib-dynload', 'test', 'idlelib', 'tkinter'],
        },
        { from: pip, to: 'usr/local/pip/pip', without: ['__pycache__'] },
        ...trusted,
      ],
    },
    instructions: [path, 'ENV PYTHONHOME=/usr/local PYTHONPATH=/usr/local/pip', ...trustBy('PIP_CERT')],
  };
}

/** Rejects with UnavailableError where this machine lacks what they are made from. */
export const baseRecipes = (): Promise<Recipe[]> => Promise.all([runtimeBase(), nodeBase(), pythonBase()]);

/** The Dockerfile's arguments by which builds reach the registries that npm and pip are told to use here. */
export async function registryArguments(): Promise<Record<string, string>> {
  const pip = (await run('python3', ['-m', 'pip', 'config', 'list'])).stdout;
  const index = /^\S*\.index-url='(.*)'$/m.exec(pip)?.[1];
  return { NPM_CONFIG_REGISTRY: await npmRegistry(), ...(index && { PIP_INDEX_URL: index }) };
}
