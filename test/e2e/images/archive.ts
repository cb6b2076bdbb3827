// What is in an image: configuration and files, read from its OCI archive with tar, which every machine that builds one has.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execute } from '../../runtime/execute.ts';

export interface ImageFile {
  /** Without a slash in front. */
  readonly path: string;
  /** As ls has it: type, then rights. */
  readonly mode: string;
  /** uid/gid. */
  readonly owner: string;
  readonly size: number;
}

export interface Layer {
  readonly compressed: number;
  readonly files: readonly ImageFile[];
}

/** The part of OCI's image configuration that says how containers start. */
export interface ImageConfig {
  readonly User: string;
  readonly Entrypoint: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env: readonly string[];
  readonly WorkingDir: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Volumes?: object;
}

export interface OpenedImage {
  readonly architecture: string;
  readonly config: ImageConfig;
  /** From the first of the base to the last. */
  readonly layers: readonly Layer[];
}

interface Descriptor {
  digest: string;
  size: number;
}

/** One line of `tar --list --verbose --numeric-owner`. */
const listed = /^(?<mode>\S{10}) (?<owner>\d+\/\d+) +(?<size>\d+) \S+ \S+ (?<path>.*?)(?: (?:->|link to) .*)?$/;

function fileOf(line: string): ImageFile {
  const { mode = '', owner = '', size, path = '' } = listed.exec(line)?.groups ?? {};
  if (!path) throw new Error(`not understood in the list of tar: ${line}`);
  return { mode, owner, size: Number(size), path: path.replace(/^\.?\//, '').replace(/\/$/, '') };
}

/** Of an archive with one image. */
export async function openImage(archive: string): Promise<OpenedImage> {
  const folder = await mkdtemp(join(tmpdir(), 'lmo-image-'));
  const tar = (...argv: string[]) => execute('tar', argv, { cwd: folder, env: { ...process.env, LC_ALL: 'C' } });
  const blob = ({ digest }: Descriptor) => join(folder, 'blobs', digest.replace(':', '/'));
  const read = async (path: string) => JSON.parse(await readFile(path, 'utf8'));
  try {
    await tar('--extract', '--file', archive);
    const index = (await read(join(folder, 'index.json'))) as { manifests: [Descriptor] };
    const manifest = (await read(blob(index.manifests[0]))) as { config: Descriptor; layers: Descriptor[] };
    const layers: Layer[] = [];
    for (const layer of manifest.layers) {
      const lines = (await tar('--list', '--verbose', '--numeric-owner', '--gzip', '--file', blob(layer))).split('\n');
      layers.push({ compressed: layer.size, files: lines.filter(Boolean).map(fileOf) });
    }
    return { ...(await read(blob(manifest.config))), layers };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
