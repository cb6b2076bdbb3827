// The images of the tests: ours by its Dockerfile, on bases made from what this machine has, and a real Ollama.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { defaultCacheFolder } from '../../controlplane/cache.ts';
import type { Progress } from '../../controlplane/progress.ts';
import { UnavailableError } from '../../runtime/workshop.ts';
import type { NodeBinaries } from '../node/binaries.ts';
import { pauseImage } from '../node/layout.ts';
import { type Buildah, openBuildah } from './buildah.ts';
import { type PreviousVersion, previousSources, previousVersion } from './previous.ts';
import { layTree, type Placed, type Tree } from './rootfs.ts';

const root = resolve(import.meta.dirname, '../../..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

export const images = {
  pause: pauseImage,
  /** By the version of the chart, which is what the chart asks for where nobody names a tag. */
  operator: `localhost/local-model-operator:${version}`,
  previous: `localhost/local-model-operator:${previousVersion}`,
  ollama: 'localhost/ollama:e2e',
  foundryLocal: 'localhost/foundry-local:e2e',
} as const;

const bases = {
  node: 'localhost/base/node:1',
  operator: 'localhost/base/nodejs:1',
  foundry: 'localhost/base/foundry:1',
} as const;

/** What an image without a Dockerfile in the repository is made from. */
interface Recipe {
  tag: string;
  tree: Tree;
  instructions: readonly string[];
}

const node: Placed = { from: process.execPath, to: 'nodejs/bin/node' };

/** As the distroless image has it. */
const operatorBase: Recipe = { tag: bases.operator, tree: { programs: [node] }, instructions: ['USER 65532'] };

/** Where npm lies, by the program that PATH leads to: `npm root` goes by the Node.js that runs it, which need not be npm's own. */
async function npmFolder(): Promise<string> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const program = await realpath(join(folder, 'npm')).catch(() => undefined);
    if (program) return dirname(dirname(program));
  }
  throw new UnavailableError('npm, which the build of our image runs, is not on the PATH.');
}

/** Node, npm and a shell for RUN. Where npm is told to use a mirror here, it is told so there. */
async function buildBase(): Promise<Recipe> {
  const run = promisify(execFile);
  const registry = (await run('npm', ['config', 'get', 'registry'])).stdout.trim();
  const authorities = ['/etc/ssl/certs/ca-certificates.crt'].filter((path) => existsSync(path));
  return {
    tag: bases.node,
    tree: {
      programs: [
        { from: '/bin/sh', to: 'bin/sh' },
        { from: process.execPath, to: 'usr/local/bin/node' },
      ],
      files: [
        { from: await npmFolder(), to: 'usr/local/lib/node_modules/npm' },
        { from: '/usr/bin/env', to: 'usr/bin/env' },
        ...authorities.map((path) => ({ from: path, to: path })),
      ],
      links: { 'usr/local/bin/npm': '../lib/node_modules/npm/bin/npm-cli.js' },
    },
    instructions: [
      'ENV PATH=/usr/local/bin:/usr/bin:/bin',
      `ENV npm_config_registry=${registry}`,
      ...authorities.map((path) => `ENV NODE_EXTRA_CA_CERTS=${path}`),
    ],
  };
}

/** As the official image: the server, what it starts to run models, and HTTP as its entry point. */
const ollama = ({ ollama: { ollama, llama } }: NodeBinaries): Recipe => ({
  tag: images.ollama,
  tree: {
    programs: [
      { from: ollama, to: 'usr/bin/ollama' },
      { from: join(llama, 'llama-server'), to: 'usr/lib/ollama/llama-server' },
    ],
    files: [{ from: llama, to: 'usr/lib/ollama' }],
  },
  instructions: ['ENV OLLAMA_HOST=0.0.0.0:11434', 'ENTRYPOINT ["/usr/bin/ollama"]', 'CMD ["serve"]'],
});

const pause = ({ pause: program }: NodeBinaries): Recipe => ({
  tag: images.pause,
  tree: { programs: [{ from: program, to: 'pause' }] },
  instructions: ['USER 65535:65535', 'ENTRYPOINT ["/pause"]'],
});

/** What the core loads by name when it needs it, and so does not show among its needs. */
const loadedByName = ['libssl.so.3', 'libcrypto.so.3'] as const;

/** Node, a shell, and the core of Foundry Local with what it runs on, at the place where the image of our Dockerfile has it. */
async function foundryBase({ foundryLocal: { core } }: NodeBinaries): Promise<Recipe> {
  const libraries = (await readdir(core)).filter((name) => name !== 'manifest.json');
  const known = (await promisify(execFile)('ldconfig', ['-p'], { env: { PATH: '/usr/sbin:/sbin' } })).stdout;
  const system = loadedByName.flatMap((name) => known.match(new RegExp(`${name} .*=> (/\\S+)`))?.[1] ?? []);
  return {
    tag: bases.foundry,
    tree: {
      programs: [
        node,
        { from: '/bin/sh', to: 'bin/sh' },
        ...libraries.map((name) => ({ from: join(core, name), to: `app/core/${name}` })),
        ...system.map((path) => ({ from: path, to: path })),
      ],
    },
    instructions: ['WORKDIR /app', 'USER 65532:65532', 'ENTRYPOINT ["/nodejs/bin/node", "/app/foundryLocal.js"]'],
  };
}

/** The server out of our own image, on that base: the Dockerfile's own target fetches a hundred megabytes at each build. */
async function buildFoundryLocal(buildah: Buildah): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lmo-image-'));
  try {
    const lines = [`FROM ${images.operator} AS ours`, `FROM ${bases.foundry}`, 'COPY --from=ours /app /app', ''];
    await writeFile(join(folder, 'Dockerfile'), lines.join('\n'));
    await buildah.build({ tag: images.foundryLocal, context: folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function cook(buildah: Buildah, { tag, tree, instructions }: Recipe): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lmo-image-'));
  try {
    await mkdir(join(folder, 'root'));
    await layTree(join(folder, 'root'), tree);
    await writeFile(join(folder, 'Dockerfile'), ['FROM scratch', 'COPY root /', ...instructions, ''].join('\n'));
    await buildah.build({ tag, context: folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Ours {
  tag: string;
  context: string;
  version: string;
}

/** The image of operator, gateway and pull, by the Dockerfile of the sources. */
async function buildOurs(buildah: Buildah, progress: Progress, { tag, context, version }: Ours): Promise<void> {
  let last = '';
  const building = buildah.build({
    tag,
    context,
    target: 'operator',
    args: { NODE_IMAGE: bases.node, OPERATOR_BASE: bases.operator, VERSION: version },
    onLine: (line) => {
      last = line.slice(0, 60);
    },
  });
  await progress.during(`Building the image ${tag}`, () => last, building);
}

export interface BuiltImages {
  /** OCI archives. */
  readonly archives: readonly string[];
  readonly previous: PreviousVersion;
}

export interface ImageOptions {
  binaries: NodeBinaries;
  env: NodeJS.ProcessEnv;
  progress: Progress;
}

/** Builds what the cache lacks. Resolves with an archive for each of `images`. */
export async function buildImages({ binaries, env, progress }: ImageOptions): Promise<BuiltImages> {
  const folder = defaultCacheFolder(env, 'images');
  const buildah = await openBuildah(binaries.debian, folder);
  const recipes = [pause(binaries), ollama(binaries), operatorBase, await buildBase(), await foundryBase(binaries)];
  const archives: string[] = [];
  for (const recipe of recipes) {
    const key = await keyOf(recipe);
    const marker = join(folder, `${key}.done`);
    if (!existsSync(marker) || !(await buildah.has(recipe.tag))) {
      await progress.during(`Building the image ${recipe.tag}`, () => '', cook(buildah, recipe));
      await writeFile(marker, recipe.tag);
    }
  }
  const previous = await previousSources(root, folder);
  progress.say(previous.words);
  await buildOurs(buildah, progress, { tag: images.previous, context: previous.folder, version: previousVersion });
  await buildOurs(buildah, progress, { tag: images.operator, context: root, version });
  await buildFoundryLocal(buildah);
  for (const tag of Object.values(images)) archives.push(await archiveOf(buildah, folder, tag));
  await buildah.tidy();
  return { archives, previous };
}

/** Written once per content. */
async function archiveOf(buildah: Buildah, folder: string, tag: string): Promise<string> {
  const name = tag.replaceAll(/[^a-z0-9]+/g, '-');
  const archive = join(folder, `${name}.${(await buildah.id(tag)).slice(0, 16)}.tar`);
  if (existsSync(archive)) return archive;
  for (const old of await readdir(folder)) if (old.startsWith(`${name}.`)) await rm(join(folder, old));
  await buildah.save(tag, archive);
  return archive;
}

/** Changes with the names and the sizes of what goes in; the paths of the cache have versions in them. */
async function keyOf({ tag, tree, instructions }: Recipe): Promise<string> {
  const own = await readFile(join(import.meta.dirname, 'rootfs.ts'), 'utf8');
  const text = JSON.stringify([tag, tree, instructions, own, dirname(process.execPath)]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
