// What becomes of a request's body before the runtime sees it: the name of the model, what would control the runtime, and
// what the gateway itself needs to know. All else passes byte for byte.
import { isUtf8 } from 'node:buffer';
import { GatewayError } from './errors.ts';
import { type Part, pieces, written } from './jsonEdit.ts';
import { isObjectAt, JsonError, type Member, membersAt, skipSpace, textOf } from './jsonScan.ts';
import type { Served } from './models.ts';
import type { Route, RuntimeKind } from './routes.ts';

/** Names what was taken out of a request, in the answer to it. */
export const REMOVED_HEADER = 'x-localmodel-removed';

export interface RequestBody {
  /** What the runtime gets, in pieces. */
  readonly chunks: readonly Uint8Array[];
  /** Their sum, for Content-Length. */
  readonly bytes: number;
  /** The served name that the client used. */
  readonly model: string;
  readonly stream: boolean;
  /** What was taken out, such as `options.num_ctx`; for REMOVED_HEADER. */
  readonly removed: readonly string[];
  /** Usage was asked for on our behalf, so the client must not see it. */
  readonly hideUsage: boolean;
}

export interface BodyInput {
  readonly route: Route;
  readonly runtime: RuntimeKind;
  readonly served: Served;
  readonly headers: { readonly 'content-type'?: string | undefined; readonly 'content-encoding'?: string | undefined };
  readonly body: Uint8Array;
}

/**
 * Keys as the runtime would read them: Go's decoder folds case as Unicode does, so that `KEEP_ALIVE`, and even one written
 * with the Kelvin sign, is keep_alive (encoding/json). Where the runtime is stricter, nothing is lost.
 */
const folded = (key: string): string => key.toLowerCase().replaceAll('\u017f', 's').replaceAll('\u212a', 'k');

/** Members that would control the runtime: how long it keeps the model, or how it has loaded it. */
const controls: Readonly<Record<RuntimeKind, ReadonlySet<string>>> = {
  // `shift` belongs to them: a value other than the loaded one's makes Ollama load the model again (server/sched.go, needsReload).
  Ollama: new Set(['keep_alive', 'shift']),
  FoundryLocal: new Set(['keep_alive', 'ttl']),
};

/** Ollama v0.32.15 api/types.go, type Runner: what a model is loaded with. Another value loads it again. */
const loadOptions: ReadonlySet<string> = new Set([
  'num_ctx',
  'num_batch',
  'num_gpu',
  'main_gpu',
  'use_mmap',
  'num_thread',
  'draft_num_predict',
  // Of older versions, which an image of one's own may hold.
  'use_mlock',
  'low_vram',
  'numa',
  'f16_kv',
  'logits_all',
  'vocab_only',
]);

/** State that would lie in the memory of one pod: the next request may reach another, and a restart loses it. */
const stateful: Readonly<Record<string, string>> = {
  previous_response_id: 'answers are not kept between requests; send the conversation as input',
  conversation: 'conversations are not kept between requests; send them as input',
  background: 'answers are not kept, so none can be fetched later',
  store: 'answers are not kept; leave it out, or send false',
};

function reject(message: string): GatewayError {
  return new GatewayError('BadRequest', message);
}

/** And what `curl -d` and `fetch` call it when nobody says otherwise. */
const JSON_TYPE = /^(?:application\/(?:(?:[\w.+-]+\+)?json|x-www-form-urlencoded)|text\/plain)$/i;

function assertReadable({ headers, body }: BodyInput): void {
  const encoding = headers['content-encoding']?.trim().toLowerCase();
  if (encoding && encoding !== 'identity')
    throw new GatewayError(
      'UnsupportedEncoding',
      `a body in ${JSON.stringify(encoding.slice(0, 40))} is not read; send it uncompressed`,
    );
  const [type = ''] = (headers['content-type'] ?? 'application/json').split(';', 1);
  if (!JSON_TYPE.test(type.trim())) throw new GatewayError('UnsupportedEncoding', 'the body must be application/json');
  if (!isUtf8(body)) throw reject('the body is not UTF-8');
}

/** The members of the one object that the body consists of. */
function membersOf(body: Uint8Array): Member[] {
  try {
    const start = skipSpace(body, 0);
    const { members, end } = membersAt(body, start);
    if (skipSpace(body, end) !== body.length) throw new JsonError('there is more than one value', end);
    return members;
  } catch (error) {
    if (!(error instanceof JsonError) && !(error instanceof SyntaxError)) throw error;
    throw reject(`the body is not a JSON object: ${error.message}`);
  }
}

/** Small values only: strings that name things, and switches. */
const MAX_VALUE_BYTES = 4096;

function smallValue(body: Uint8Array, { key, valueStart, valueEnd }: Member): unknown {
  if (valueEnd - valueStart > MAX_VALUE_BYTES) throw reject(`${JSON.stringify(key.slice(0, 40))} is too long`);
  return JSON.parse(textOf(body.subarray(valueStart, valueEnd)));
}

/** What the last member of this name says; the runtimes too believe the last one. */
function lastValue(body: Uint8Array, members: readonly Member[], key: string): unknown {
  const member = members.findLast((candidate) => folded(candidate.key) === key);
  return member && smallValue(body, member);
}

/** Ollama's /api/show still takes `name` where there is no model. */
const takesName = ({ path }: Route): boolean => path === '/api/show';

function servedNameOf({ body, route, served }: BodyInput, members: readonly Member[]): string {
  const model = lastValue(body, members, 'model');
  const asked = takesName(route) ? model || lastValue(body, members, 'name') : model;
  if (asked === undefined || asked === null || asked === '') throw reject(`model is missing; ${served.hint}`);
  if (typeof asked !== 'string') throw reject('model must be a string');
  const name = served.find(asked);
  if (name === undefined) throw served.unknown(asked);
  return name;
}

function assertStateless(body: Uint8Array, members: readonly Member[]): void {
  for (const [key, why] of Object.entries(stateful)) {
    const value = lastValue(body, members, key);
    if (value !== undefined && value !== null && value !== false)
      throw new GatewayError('Unsupported', `${key} is refused: ${why}`);
  }
}

function streams(body: Uint8Array, members: readonly Member[], route: Route): boolean {
  const value = lastValue(body, members, 'stream');
  return typeof value === 'boolean' ? value : (route.body?.streamsByDefault ?? false);
}

/** `options` without what a model is loaded with. */
function cleanOptions(body: Uint8Array, member: Member, removed: Set<string>): Part {
  if (!isObjectAt(body, member.valueStart)) return member;
  const { members } = membersAt(body, member.valueStart);
  const kept = members.filter(({ key }) => !loadOptions.has(folded(key)));
  if (kept.length === members.length) return member;
  for (const { key } of members) if (loadOptions.has(folded(key))) removed.add(`options.${folded(key)}`);
  return { key: member.key, bytes: Buffer.concat(pieces(body, kept)) };
}

/** Usage is asked for on Ollama's OpenAI streams, which tell it only when asked; Foundry Local tells it in every chunk. */
function wantsUsage({ route, runtime }: BodyInput, stream: boolean): boolean {
  return stream && route.answers === 'OpenAI' && runtime === 'Ollama';
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function partsOf(input: BodyInput, members: readonly Member[], name: string, removed: Set<string>): Part[] {
  const { body, route, runtime, served } = input;
  const parts: Part[] = [written('model', served.runtimeName(name))];
  for (const member of members) {
    const key = folded(member.key);
    if (key === 'model' || (key === 'name' && takesName(route))) continue;
    if (controls[runtime].has(key)) removed.add(key);
    else if (key === 'options') parts.push(cleanOptions(body, member, removed));
    else parts.push(member);
  }
  // Foundry Local keeps answers in memory unless told otherwise.
  if (route.answers !== 'Responses' || runtime !== 'FoundryLocal') return parts;
  return [...parts.filter(({ key }) => folded(key) !== 'store'), written('store', false)];
}

function askingForUsage(
  body: Uint8Array,
  members: readonly Member[],
  parts: readonly Part[],
): { parts: Part[]; hide: boolean } {
  const options = lastValue(body, members, 'stream_options');
  const asked = isRecord(options) && options.include_usage === true;
  if (asked) return { parts: [...parts], hide: false };
  const others = parts.filter(({ key }) => folded(key) !== 'stream_options');
  const known = isRecord(options) ? options : {};
  return { parts: [...others, written('stream_options', { ...known, include_usage: true })], hide: true };
}

/**
 * The body as the runtime gets it. Throws a GatewayError: BadRequest, UnsupportedEncoding, ModelNotFound with the right
 * names, or Unsupported for what no pod can keep.
 */
export function rewriteBody(input: BodyInput): RequestBody {
  assertReadable(input);
  const { body, route } = input;
  const members = membersOf(body);
  const model = servedNameOf(input, members);
  if (route.answers === 'Responses') assertStateless(body, members);
  const stream = streams(body, members, route);
  const removed = new Set<string>();
  const parts = partsOf(input, members, model, removed);
  const { parts: all, hide } = wantsUsage(input, stream)
    ? askingForUsage(body, members, parts)
    : { parts, hide: false };
  const chunks = pieces(body, all);
  const bytes = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return { chunks, bytes, model, stream, removed: [...removed].sort(), hideUsage: hide };
}
