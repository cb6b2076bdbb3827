// SHA-256 digests, in the form of registries (sha256:…) and in that of an Ollama store (sha256-…).
import { createHash } from 'node:crypto';

export type Digest = `sha256:${string}`;

const DIGEST = /^sha256:[0-9a-f]{64}$/;
const BLOB_NAME = /^sha256-([0-9a-f]{64})$/;

export const isDigest = (text: string): text is Digest => DIGEST.test(text);

/** Undefined for what is none: another algorithm, capitals, another length. */
export const parseDigest = (text: string): Digest | undefined => (isDigest(text) ? text : undefined);

/** Of 64 hexadecimal digits, as `hash.digest('hex')` gives them. */
export const digestOfHex = (hex: string): Digest => `sha256:${hex}`;

export const hexOf = (digest: Digest): string => digest.slice('sha256:'.length);

/** Text counts as UTF-8. */
export const digestOf = (bytes: Uint8Array | string): Digest =>
  digestOfHex(createHash('sha256').update(bytes).digest('hex'));

/** As Ollama shows it in progress lines: the first 12 digits. */
export const shortDigest = (digest: Digest): string => hexOf(digest).slice(0, 12);

/** Name of its file in a store. */
export const blobName = (digest: Digest): string => `sha256-${hexOf(digest)}`;

export function digestOfBlobName(name: string): Digest | undefined {
  const hex = BLOB_NAME.exec(name)?.[1];
  return hex === undefined ? undefined : digestOfHex(hex);
}
