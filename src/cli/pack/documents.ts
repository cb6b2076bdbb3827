// The JSON documents of an image: config, manifest, index, and the list that docker load reads. Made of sizes and digests alone,
// so that the same model gives the same bytes.
import { type Digest, digestOf, hexOf } from '../../models/digest.ts';
import { formatImageName, type ImageName } from './imageName.ts';

export const archiveFormats = {
  oci: 'an OCI image layout (podman load, skopeo oci-archive:, ctr image import)',
  docker: 'the same with the list that docker load and skopeo docker-archive: read',
} as const;

export type ArchiveFormat = keyof typeof archiveFormats;

/** A file that is in memory. */
export interface Document {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface ImageLayer {
  readonly title: string;
  readonly digest: Digest;
  readonly size: number;
}

export interface Image {
  readonly name: ImageName;
  readonly platform: Platform;
  readonly format: ArchiveFormat;
  /** Shown by `skopeo inspect`. */
  readonly labels: Readonly<Record<string, string>>;
  readonly layers: readonly ImageLayer[];
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
}

const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  /** Not compressed: weights hardly shrink, and the digests of the layers then are the digests of what is unpacked. */
  layer: 'application/vnd.oci.image.layer.v1.tar',
} as const;

const EPOCH = '1970-01-01T00:00:00Z';

const json = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`, 'utf8');

export const blobFile = (digest: Digest): string => `blobs/sha256/${hexOf(digest)}`;

const blob = (bytes: Uint8Array): Document & { digest: Digest } => {
  const digest = digestOf(bytes);
  return { name: blobFile(digest), bytes, digest };
};

const configOf = ({ platform: { os, architecture }, labels, layers }: Image) =>
  blob(
    json({
      created: EPOCH,
      architecture,
      os,
      config: { Labels: labels },
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
      history: layers.map(({ title }) => ({ created: EPOCH, created_by: `lmd pack: ${title}` })),
    }),
  );

const descriptor = (mediaType: string, { digest, bytes }: Document & { digest: Digest }) => ({
  mediaType,
  digest,
  size: bytes.length,
});

/**
 * What an archive holds besides its layers, and the digest of the image. The name stands in it as BuildKit writes it: in full
 * for containerd and podman, the tag alone for those who address images inside of an archive.
 */
export function imageDocuments(image: Image): { documents: readonly Document[]; digest: Digest } {
  const { name, platform, layers, format } = image;
  const config = configOf(image);
  const manifest = blob(
    json({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: descriptor(mediaTypes.config, config),
      layers: layers.map(({ digest, size }) => ({ mediaType: mediaTypes.layer, digest, size })),
    }),
  );
  const annotations = {
    'io.containerd.image.name': formatImageName(name),
    'org.opencontainers.image.ref.name': name.tag,
  };
  const entry = { ...descriptor(mediaTypes.manifest, manifest), platform, annotations };
  const index = json({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [entry] });
  const list = json([
    { Config: config.name, RepoTags: [formatImageName(name)], Layers: layers.map(({ digest }) => blobFile(digest)) },
  ]);
  return {
    documents: [
      config,
      manifest,
      { name: 'index.json', bytes: index },
      ...(format === 'docker' ? [{ name: 'manifest.json', bytes: list }] : []),
      { name: 'oci-layout', bytes: json({ imageLayoutVersion: '1.0.0' }) },
    ],
    digest: manifest.digest,
  };
}
