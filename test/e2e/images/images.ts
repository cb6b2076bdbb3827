// The images of the tests: ours by its Dockerfile, on bases made from what this machine has, and a real Ollama.

import { existsSync, readFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { defaultCacheFolder } from '../../controlplane/cache.ts';
import type { Progress } from '../../controlplane/progress.ts';
import type { NodeBinaries } from '../node/binaries.ts';
import { pauseImage } from '../node/layout.ts';
import { baseRecipes, bases, registryArguments } from './bases.ts';
import { type Buildah, openBuildah } from './buildah.ts';
import { type PreviousVersion, previousSources, previousVersion } from './previous.ts';
import { provideImage, type Recipe } from './recipe.ts';

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

interface Ours {
  tag: string;
  target: 'operator' | 'foundry-local';
  context: string;
  /** Default: what the Dockerfile says. */
  version?: string;
}

/** An image by the Dockerfile of the sources. */
async function buildOurs(buildah: Buildah, progress: Progress, { version, ...ours }: Ours): Promise<void> {
  let last = '';
  const args = { ...bases, ...(await registryArguments()), ...(version && { VERSION: version }) };
  const onLine = (line: string) => {
    last = line.slice(0, 60);
  };
  await progress.during(`Building the image ${ours.tag}`, () => last, buildah.build({ ...ours, args, onLine }));
}

export interface BuiltImages {
  /** Paths of OCI archives. */
  readonly archives: Readonly<Record<keyof typeof images, string>>;
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
  for (const recipe of [pause(binaries), ollama(binaries), ...(await baseRecipes())])
    await provideImage(recipe, { buildah, folder, progress });
  const previous = await previousSources(root, folder);
  progress.say(previous.words);
  const built: Ours[] = [
    { tag: images.previous, target: 'operator', context: previous.folder, version: previousVersion },
    { tag: images.operator, target: 'operator', context: root },
    { tag: images.foundryLocal, target: 'foundry-local', context: root },
  ];
  for (const ours of built) await buildOurs(buildah, progress, ours);
  const archives: [string, string][] = [];
  for (const [name, tag] of Object.entries(images)) archives.push([name, await archiveOf(buildah, folder, tag)]);
  await buildah.tidy();
  return { archives: Object.fromEntries(archives) as BuiltImages['archives'], previous };
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
