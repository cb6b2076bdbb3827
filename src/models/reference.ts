// Names of models as Ollama reads them (its types/model/name.go): [host/][namespace/]model[:tag].
import { PullError } from './errors.ts';

export interface Reference {
  /** With a port where there is one. */
  readonly host: string;
  readonly namespace: string;
  readonly model: string;
  readonly tag: string;
}

export type ReferencePart = keyof Reference;

export interface ReferenceProblem {
  /** Absent where the form as a whole is wrong. */
  readonly part?: ReferencePart;
  /** Reads on after the reference: `… must be …`. */
  readonly message: string;
}

const referenceDefaults = {
  host: 'registry.ollama.ai',
  namespace: 'library',
  tag: 'latest',
} as const satisfies Partial<Reference>;

/** The parts, in the order of the path. */
const parts = {
  host: { pattern: /^[A-Za-z0-9_][A-Za-z0-9_.:-]*$/, max: 350, letters: 'letters, digits, _ . : and -' },
  namespace: { pattern: /^[A-Za-z0-9_][A-Za-z0-9_-]*$/, max: 80, letters: 'letters, digits, _ and -' },
  model: { pattern: /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, max: 80, letters: 'letters, digits, _ . and -' },
  tag: { pattern: /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, max: 80, letters: 'letters, digits, _ . and -' },
} as const satisfies Record<ReferencePart, { pattern: RegExp; max: number; letters: string }>;

const FORM = '[host/][namespace/]model[:tag]';

/** For messages: a reference comes from people and may be anything of any length. */
const quoted = (text: string) => JSON.stringify(text.length > 100 ? `${text.slice(0, 99)}…` : text);

function partProblem(part: ReferencePart, value: string): ReferenceProblem | undefined {
  const { pattern, max, letters } = parts[part];
  if (value === '') return { part, message: `has an empty ${part}; it must be ${FORM}` };
  if (value.length > max)
    return { part, message: `has a ${part} of ${value.length} characters; at most ${max} are allowed` };
  if (pattern.test(value)) return undefined;
  if (part === 'namespace' && value.includes('.'))
    return {
      part,
      message: `has a dot in its namespace ${quoted(value)}; with a host it must be host/namespace/model[:tag]`,
    };
  return {
    part,
    message: `has the ${part} ${quoted(value)}; a ${part} is made of ${letters}, and begins with a letter, a digit or _`,
  };
}

function formProblem(text: string): ReferenceProblem | undefined {
  if (text === '') return { message: 'is empty' };
  if (text.includes('://')) return { part: 'host', message: 'must be without a scheme' };
  if (text.includes('@')) return { message: 'cannot carry a digest; give it beside the reference' };
  if (text.split('/').length > 3) return { message: `has more than two slashes; it must be ${FORM}` };
  return undefined;
}

/** Cut from the end, as Ollama does, so that a host may have a port. Absent parts get their defaults. */
function split(text: string): Reference {
  const colon = text.lastIndexOf(':');
  const tagged = colon > text.lastIndexOf('/');
  const path = (tagged ? text.slice(0, colon) : text).split('/');
  const [model = '', namespace, host] = path.reverse();
  return {
    host: host ?? referenceDefaults.host,
    namespace: namespace ?? referenceDefaults.namespace,
    model,
    tag: tagged ? text.slice(colon + 1) : referenceDefaults.tag,
  };
}

const firstProblem = (reference: Reference): ReferenceProblem | undefined =>
  (['host', 'namespace', 'model', 'tag'] as const)
    .map((part) => partProblem(part, reference[part]))
    .find((problem) => problem !== undefined);

/** What is wrong with it, or undefined. */
export const referenceProblem = (text: string): ReferenceProblem | undefined =>
  formProblem(text) ?? firstProblem(split(text));

/** Throws a PullError `InvalidReference` that says which part is wrong. */
export function parseReference(text: string): Reference {
  const problem = referenceProblem(text);
  if (problem) throw new PullError('InvalidReference', `${quoted(text)} ${problem.message}`);
  return split(text);
}

/** All four parts: registry.ollama.ai/library/phi4-mini:3.8b. */
export const formatReference = ({ host, namespace, model, tag }: Reference): string =>
  `${host}/${namespace}/${model}:${tag}`;

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

/** As Ollama shows it in /api/tags and /api/ps: without the default host and namespace, always with a tag. */
export function shortReference({ host, namespace, model, tag }: Reference): string {
  if (!same(host, referenceDefaults.host)) return `${host}/${namespace}/${model}:${tag}`;
  return same(namespace, referenceDefaults.namespace) ? `${model}:${tag}` : `${namespace}/${model}:${tag}`;
}

/** Path of its repository in the registry's API. */
export const repositoryOf = ({ namespace, model }: Reference): string => `${namespace}/${model}`;

/** Below `manifests` in a store. No part can be `..` or hold a slash, so it never leaves that folder. */
export const manifestPath = ({ host, namespace, model, tag }: Reference): string =>
  `${host}/${namespace}/${model}/${tag}`;

/** The reverse of manifestPath; undefined for what Ollama would not list either. */
export function referenceOfPath(path: string): Reference | undefined {
  const [host, namespace, model, tag, ...more] = path.split('/');
  if (!host || !namespace || !model || !tag || more.length > 0) return undefined;
  const reference = { host, namespace, model, tag };
  return firstProblem(reference) ? undefined : reference;
}
