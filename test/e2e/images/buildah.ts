// buildah, as it lies in the cache, with its storage there too, in a mount namespace that leaves no mount behind.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execute } from '../../runtime/execute.ts';
import { loaderCache, loaderCacheIn, writeLoaderCache } from '../node/loader.ts';

export interface Buildah {
  /** Builds a Dockerfile; every base must be in the storage. Layers of earlier builds are used again. */
  build(options: BuildOptions): Promise<void>;
  has(image: string): Promise<boolean>;
  /** Writes an OCI archive that a container runtime imports under that name. */
  save(image: string, archive: string): Promise<void>;
  /** Digest of the image's configuration: the same for the same content. */
  id(image: string): Promise<string>;
  /** Removes the layers of old builds once there are many; the next build then begins anew. */
  tidy(): Promise<void>;
}

export interface BuildOptions {
  tag: string;
  context: string;
  /** Default: that of the context. */
  file?: string;
  target?: string;
  args?: Readonly<Record<string, string>>;
  onLine?: (line: string) => void;
}

/** Builds from nothing make about thirty, a change of our sources one or two more. Without them, what stages fetch is fetched again. */
const mostLayers = 60;

/** `folder` holds storage and settings; `debian` is the folder of the program. */
export async function openBuildah(debian: string, folder: string): Promise<Buildah> {
  await mkdir(join(folder, 'tmp'), { recursive: true });
  const settings = {
    'policy.json': JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }),
    'registries.conf': 'unqualified-search-registries = []\nshort-name-mode = "permissive"\n',
    'storage.conf': `[storage]\ndriver = "overlay"\nrunroot = "${folder}/run"\ngraphroot = "${folder}/storage"\n`,
  };
  for (const [name, text] of Object.entries(settings)) await writeFile(join(folder, name), text);
  const env = {
    ...process.env,
    CONTAINERS_REGISTRIES_CONF: join(folder, 'registries.conf'),
    CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf'),
    BUILDAH_ISOLATION: 'chroot', // needs no container runtime
    TMPDIR: join(folder, 'tmp'),
  };
  const policy = `--signature-policy=${join(folder, 'policy.json')}`;
  await writeLoaderCache(folder, debian);
  const program = join(debian, 'buildah');
  const start = `mount --bind ${loaderCacheIn(folder)} ${loaderCache} && exec "$@"`;
  const run = (argv: string[], onLine?: (line: string) => void) =>
    execute('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', start, 'sh', program, ...argv], {
      cwd: folder,
      env,
      ...(onLine && { onLine }),
    });

  return {
    async build({ tag, context, file, target, args = {}, onLine }) {
      const options = [
        ...(file ? ['-f', file] : []),
        ...(target ? ['--target', target] : []),
        ...Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
      ];
      // Times of files would make another image of the same content.
      await run(['bud', policy, '--pull-never', '--layers', '--timestamp=0', '-t', tag, ...options, context], onLine);
    },
    has: (image) =>
      run(['inspect', '--type=image', image]).then(
        () => true,
        () => false,
      ),
    async save(image, archive) {
      await rm(archive, { force: true });
      await run(['push', policy, '--quiet', image, `oci-archive:${archive}:${image}`]);
    },
    async id(image) {
      return (await run(['inspect', '--type=image', '--format={{.FromImageID}}', image])).trim();
    },
    async tidy() {
      const layers = (await run(['images', '--all', '--quiet', '--filter', 'dangling=true'])).split('\n');
      if (layers.length > mostLayers) await run(['rmi', '--prune']);
    },
  };
}
