// Names of images, as registries and kubelet read them: [host[:port]/]path[:tag].
import { UsageError } from '../verb.ts';

export interface ImageName {
  /** Host and path, also where the host was left out. */
  readonly repository: string;
  readonly tag: string;
}

const DEFAULT_HOST = 'docker.io';
const HOST = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$/;
const PATH = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const MAX_REPOSITORY = 255;

const isHost = (part: string): boolean => /[.:]/.test(part) || part === 'localhost';

/** Throws a UsageError that says what is wrong with it. */
export function parseImageName(text: string): ImageName {
  const refuse = (why: string) =>
    new UsageError(`--tag ${text}: ${why}; it looks like registry.example.org/ai/phi4-mini:3.8b`);
  if (text.includes('@')) throw refuse('a digest is computed, not given');
  if (text.includes('://')) throw refuse('it has no scheme');
  const colon = text.lastIndexOf(':');
  const tagged = colon > text.lastIndexOf('/');
  const tag = tagged ? text.slice(colon + 1) : 'latest';
  if (!TAG.test(tag)) throw refuse(`${JSON.stringify(tag)} is no tag`);
  const parts = (tagged ? text.slice(0, colon) : text).split('/');
  const hasHost = parts.length > 1 && isHost(parts[0] ?? '');
  const host = hasHost ? (parts.shift() ?? '') : DEFAULT_HOST;
  if (!HOST.test(host)) throw refuse(`${JSON.stringify(host)} is no host`);
  const wrong = parts.find((part) => !PATH.test(part));
  if (wrong !== undefined)
    throw refuse(`${JSON.stringify(wrong)} must be lower-case letters, digits and . _ - between them`);
  const path = !hasHost && parts.length === 1 ? ['library', ...parts] : parts;
  const repository = [host, ...path].join('/');
  if (repository.length > MAX_REPOSITORY) throw refuse(`it has more than ${MAX_REPOSITORY} characters`);
  return { repository, tag };
}

export const formatImageName = ({ repository, tag }: ImageName): string => `${repository}:${tag}`;

/** For who names none: the model's own name, on a host that no registry has. */
export function defaultImageName(model: string, tag: string): ImageName {
  const path =
    model
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '') || 'model';
  return { repository: `localhost/${path}`, tag };
}
