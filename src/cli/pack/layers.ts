// How the files of an image are spread over its layers.
import type { Contents, PackedFile } from './contents.ts';
import { type TarEntry, tarSize } from './tar.ts';

export interface Layer {
  /** For the image's history. */
  readonly title: string;
  /** In order; folders before what is in them. */
  readonly entries: readonly LayerEntry[];
  /** Of its tar. */
  readonly size: number;
}

export interface LayerEntry extends TarEntry {
  /** Absent for folders. */
  readonly file?: PackedFile;
}

/** Docker stops at 127 layers, and a model in safetensors form has a blob for each of its hundreds of tensors. */
const MAX_BLOB_LAYERS = 100;

/** `a/`, `a/b/` for `a/b/c`. */
function foldersOf(name: string): string[] {
  const parts = name.split('/').slice(0, -1);
  return parts.map((_, index) => `${parts.slice(0, index + 1).join('/')}/`);
}

/** Folders are named, each once, so that their modes are ours and not those that the unpacking program takes for missing ones. */
function layer(title: string, files: readonly PackedFile[]): Layer {
  const folders = [...new Set(files.flatMap(({ name }) => foldersOf(name)))];
  const entries: LayerEntry[] = [
    ...folders.map((name) => ({ name, size: 0 })),
    ...files.map((file) => ({ name: file.name, size: file.size, file })),
  ];
  return { title, entries, size: tarSize(entries) };
}

/**
 * One layer per blob, which is the same in every image that has the blob, so that registries and nodes keep it once; of very
 * many blobs the smaller ones share a layer. The manifests come last.
 */
export function layersOf({ blobs, manifests }: Contents): Layer[] {
  const largest = [...blobs].sort((a, b) => b.size - a.size || (a.digest < b.digest ? -1 : 1));
  const shared = new Set(blobs.length > MAX_BLOB_LAYERS ? largest.slice(MAX_BLOB_LAYERS - 1) : []);
  const alone = blobs.filter((blob) => !shared.has(blob));
  return [
    ...alone.map((blob) => layer(blob.digest, [blob])),
    ...(shared.size > 0
      ? [
          layer(
            `${shared.size} blobs`,
            blobs.filter((blob) => shared.has(blob)),
          ),
        ]
      : []),
    layer('manifests', manifests),
  ];
}
