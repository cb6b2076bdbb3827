// The only ways in: allow-lists of method and path per API and runtime. What is not listed is not there.
import { type Family, GatewayError } from './errors.ts';

export type RuntimeKind = 'Ollama' | 'FoundryLocal';
type Method = 'GET' | 'HEAD' | 'POST';

/** How the numbers of tokens are told in the answers of a route. */
export type AnswerFormat = 'Ollama' | 'OpenAI' | 'Responses' | 'Anthropic';

/**
 * `Work` goes through admission to the runtime. `Light` goes to the runtime too, and takes it no time. The others are
 * answered by the gateway alone, from what it knows.
 */
export type Handling = 'Work' | 'Light' | 'Models' | 'Model' | 'Tags' | 'Loaded' | 'LoadedIds' | 'Greeting';

export interface Route {
  /** Also what the runtime is asked for: the client's own bytes never reach it. A `*` at the end stands for one name. */
  readonly path: string;
  readonly methods: readonly Method[];
  readonly family: Family;
  readonly runtimes: readonly RuntimeKind[];
  readonly handling: Handling;
  /** Where it has a body: whether `stream` is taken for granted. */
  readonly body?: { readonly streamsByDefault: boolean };
  readonly answers?: AnswerFormat;
  /** Only where the model is of this kind. */
  readonly kind?: ModelKind;
}

export type ModelKind = 'Generate' | 'Embed';

const read = ['GET', 'HEAD'] as const;
const post = ['POST'] as const;
const both = ['Ollama', 'FoundryLocal'] as const;
const ollama = ['Ollama'] as const;
const foundryLocal = ['FoundryLocal'] as const;
const plain = { streamsByDefault: false } as const;
const streaming = { streamsByDefault: true } as const;

/** ollama/ollama v0.32.15 server/routes.go; Foundry Local 1.2.3 as observed. */
export const routes: readonly Route[] = [
  openAi('/v1/chat/completions', both, 'OpenAI'),
  openAi('/v1/completions', ollama, 'OpenAI'),
  openAi('/v1/embeddings', ollama, 'OpenAI'),
  { ...openAi('/v1/embeddings', foundryLocal, 'OpenAI'), kind: 'Embed' },
  openAi('/v1/responses', both, 'Responses'),
  { path: '/v1/models', methods: read, family: 'OpenAI', runtimes: both, handling: 'Models' },
  { path: '/v1/models/*', methods: read, family: 'OpenAI', runtimes: both, handling: 'Model' },
  native('/api/generate', streaming),
  native('/api/chat', streaming),
  native('/api/embed', plain),
  native('/api/embeddings', plain),
  { path: '/api/show', methods: post, family: 'Native', runtimes: ollama, handling: 'Light', body: plain },
  { path: '/api/version', methods: read, family: 'Native', runtimes: ollama, handling: 'Light' },
  { path: '/api/tags', methods: read, family: 'Native', runtimes: ollama, handling: 'Tags' },
  { path: '/api/ps', methods: ['GET'], family: 'Native', runtimes: ollama, handling: 'Loaded' },
  { path: '/', methods: read, family: 'Native', runtimes: ollama, handling: 'Greeting' },
  { path: '/models/loaded', methods: ['GET'], family: 'Native', runtimes: foundryLocal, handling: 'LoadedIds' },
  { ...openAi('/v1/messages', ollama, 'Anthropic'), family: 'Anthropic' },
];

function openAi(path: string, runtimes: readonly RuntimeKind[], answers: AnswerFormat): Route {
  return { path, methods: post, family: 'OpenAI', runtimes, handling: 'Work', body: plain, answers };
}

function native(path: string, body: { readonly streamsByDefault: boolean }): Route {
  return { path, methods: post, family: 'Native', runtimes: ollama, handling: 'Work', body, answers: 'Ollama' };
}

interface Refused {
  /** A `*` at the end stands for any rest. */
  readonly path: string;
  readonly why: string;
}

const changesModels = 'models are changed through the LocalModelDeployment, not through the API';
const hasNoAccount = 'this server has no account on ollama.com';
const stopsTheProcess = 'the process is run by Kubernetes';
const leaksPrompts = 'it would send what is asked to another server';

/** Of either runtime, whatever is opened: these get a reason, so that nobody looks for a bug. */
export const refused: readonly Refused[] = [
  { path: '/api/pull', why: changesModels },
  { path: '/api/push', why: changesModels },
  { path: '/api/create', why: changesModels },
  { path: '/api/copy', why: changesModels },
  { path: '/api/delete', why: changesModels },
  { path: '/api/blobs', why: changesModels },
  { path: '/api/blobs/*', why: changesModels },
  { path: '/api/me', why: hasNoAccount },
  { path: '/api/signout', why: hasNoAccount },
  { path: '/api/user/keys/*', why: hasNoAccount },
  { path: '/api/experimental/web_search', why: leaksPrompts },
  { path: '/api/experimental/web_fetch', why: leaksPrompts },
  { path: '/models/load', why: changesModels },
  { path: '/models/load/*', why: changesModels },
  { path: '/models/unload', why: changesModels },
  { path: '/models/unload/*', why: changesModels },
  { path: '/shutdown', why: stopsTheProcess },
];

export interface RouteInput {
  method: string;
  /** The request target as it came, with its query. */
  target: string;
}

export interface RouteTable {
  /**
   * The route that the request means.
   * Throws a GatewayError: BadRequest for what is no path, Forbidden with the reason, NotFound for all else.
   */
  match(input: RouteInput): Match;
}

export interface Match {
  readonly route: Route;
  /** What stands for the `*`, decoded. */
  readonly name?: string;
}

export interface RouteOptions {
  runtime: RuntimeKind;
  protocols: readonly Family[];
  /** Absent: not known, or both. */
  modelKind?: () => ModelKind | undefined;
}

/** In which dialect an error on this path is worded. */
export function familyOf(target: string): Family {
  if (/^\/v1\/messages(?![^/?])/.test(target)) return 'Anthropic';
  return /^\/v1(?![^/?])/.test(target) ? 'OpenAI' : 'Native';
}

/** For messages: what a client sends may be long and may hold anything. */
const quoted = (text: string): string => {
  const shown = text.replace(/[^\x20-\x7e]/g, '?');
  return JSON.stringify(shown.length > 80 ? `${shown.slice(0, 79)}…` : shown);
};

function pathOf(target: string): string {
  if (!target.startsWith('/')) throw new GatewayError('BadRequest', 'the request target must be a path');
  const [path = ''] = target.split('?', 1);
  return path;
}

/** Letters that a path of ours consists of. No percent sign: nothing of ours needs one, and it hides what is meant. */
const PLAIN = /^(?:\/[A-Za-z0-9_.~:-]+)*\/?$/;

const isPlain = (path: string): boolean => PLAIN.test(path) && !/\/\.{1,2}(?:\/|$)/.test(path);

const covers = (pattern: string, path: string): boolean =>
  pattern.endsWith('/*')
    ? path.startsWith(pattern.slice(0, -1)) && path.length > pattern.length - 1
    : path === pattern || path === `${pattern}/`;

/** A model's name may hold slashes and colons, as they are or encoded: it is only ever compared. */
function nameOf(pattern: string, path: string): string | undefined {
  if (!pattern.endsWith('/*') || !path.startsWith(pattern.slice(0, -1))) return undefined;
  try {
    return decodeURIComponent(path.slice(pattern.length - 1)) || undefined;
  } catch {
    return undefined;
  }
}

function notFound(message: string): GatewayError {
  return new GatewayError('NotFound', message);
}

/** The routes that are opened on this gateway. */
export function createRouteTable({ runtime, protocols, modelKind }: RouteOptions): RouteTable {
  const here = routes.filter(({ runtimes }) => runtimes.includes(runtime));
  const opened = here.filter(({ family }) => protocols.includes(family));
  const exact = new Map(opened.map((route) => [route.path, route]));
  const named = opened.filter(({ path }) => path.endsWith('/*'));

  function find(path: string): Match | undefined {
    const route = exact.get(path);
    if (route && !route.path.endsWith('/*')) return { route };
    for (const candidate of named) {
      const name = nameOf(candidate.path, path);
      if (name !== undefined) return { route: candidate, name };
    }
    return undefined;
  }

  function missing(method: string, path: string): GatewayError {
    const shown = `${quoted(method)} ${quoted(path)}`;
    const closed = here.find((route) => route.path === path)?.family;
    if (closed && !protocols.includes(closed))
      return notFound(`${shown} is not opened; it takes ${closed} in spec.api.protocols`);
    return notFound(`there is no ${shown} here`);
  }

  return {
    match({ method, target }) {
      const path = pathOf(target);
      const found = find(path);
      if (!found && !isPlain(path))
        throw notFound(`there is no ${quoted(path)} here; a path is written plainly: no //, no dots, no percent signs`);
      const refusal = refused.find((candidate) => covers(candidate.path, path));
      if (refusal) throw new GatewayError('Forbidden', `${quoted(path)} is refused: ${refusal.why}`);
      if (!found?.route.methods.some((allowed) => allowed === method)) throw missing(method, path);
      const { kind } = found.route;
      if (kind && modelKind?.() !== kind)
        throw new GatewayError('Forbidden', `${quoted(path)} is refused: the model is not of the kind ${kind}`);
      return found;
    },
  };
}
