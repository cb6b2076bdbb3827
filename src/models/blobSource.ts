// Bytes of blobs: from the first endpoint in health, straight from where it once redirected, as a range where it knows ranges.
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import { type Digest, shortDigest } from './digest.ts';
import type { Endpoint, Endpoints } from './endpoints.ts';
import { PullError } from './errors.ts';
import { type Answer, type Body, discard, type Exchange } from './exchange.ts';
import type { BlobFacts } from './partialState.ts';
import type { Reference } from './reference.ts';
import { isPassing, unreachable } from './refusal.ts';
import { accepted, type RegistryCall } from './registryCall.ts';

export interface BlobRange {
  readonly offset: number;
  /** Exclusive; default: to the end. */
  readonly end?: number | undefined;
}

export interface BlobAnswer {
  /** `whole`: the stream begins at byte 0, whatever was asked for. */
  status: 'partial' | 'whole';
  /** Bytes that the stream will give; absent where the server does not say. */
  length: number | undefined;
  /** Of the whole blob; absent where the server does not say. */
  size: number | undefined;
  stream: Body;
  /** Host that was asked; redirects may have led elsewhere. */
  endpoint: string;
}

export interface BlobSource {
  blob(reference: Reference, blob: BlobFacts, range: BlobRange, signal: AbortSignal): Promise<BlobAnswer>;
  distrust(host: string): void;
}

export interface BlobSourceOptions {
  endpoints: Endpoints;
  call: RegistryCall;
  exchange: Exchange;
  clock: Clock;
  log: Logger;
}

/** How long a mirror that cannot be reached is left alone. */
const AVOID_MS = 60_000;

export function createBlobSource({ endpoints, call, exchange, clock, log }: BlobSourceOptions): BlobSource {
  /** By URL or host of a mirror: until when it is passed over. */
  const avoided = new Map<string, number>();
  /** Where endpoints redirect to, since asking each for every chunk would double the requests. */
  const straight = new Map<string, URL>();

  const isAvoided = ({ url, host, mirror }: Endpoint) =>
    mirror && [url, host].some((key) => (avoided.get(key) ?? Number.NEGATIVE_INFINITY) > clock.monotonic());

  function passOver(endpoint: Endpoint, error: PullError): void {
    if (!endpoint.mirror) return;
    avoided.set(endpoint.url, isPassing(error) ? clock.monotonic() + AVOID_MS : Number.POSITIVE_INFINITY);
    log.warn({ mirror: endpoint.host, err: error }, 'mirror passed over');
  }

  async function answerOf(endpoint: Endpoint, digest: Digest, question: Question): Promise<Answer> {
    const key = `${endpoint.url}@${digest}`;
    const url = straight.get(key);
    if (url) {
      try {
        const answer = await exchange({ ...question, url });
        return await accepted(answer, endpoint.host, question.what, clock);
      } catch (error) {
        straight.delete(key);
        // Signed URLs expire and nodes of a CDN go away: the registry knows another. One that throttles is left alone.
        if (!(error instanceof PullError) || error.statusCode === 429) throw error;
      }
    }
    const answer = await call({ ...question, endpoint, path: `/blobs/${digest}` });
    if (answer.url.origin !== endpoint.origin) straight.set(key, answer.url);
    return answer;
  }

  async function blobFrom(endpoint: Endpoint, { digest, size }: BlobFacts, range: BlobRange, signal: AbortSignal) {
    const what = `blob ${shortDigest(digest)}`;
    const question = { what, signal, mayDowngrade: true };
    const ranged = await answerOf(endpoint, digest, { ...question, headers: rangeHeader(range) });
    const read = blobAnswer(ranged, range, endpoint.host);
    if (read) return ofSize(size, read, what);
    discard(ranged.body);
    const other = await answerOf(endpoint, digest, { ...question, headers: {} });
    const whole = blobAnswer(other, { offset: 0 }, endpoint.host);
    if (whole?.status === 'whole') return ofSize(size, whole, what);
    discard(other.body);
    throw unreachable(`${endpoint.host} gives neither the part of ${what} that it is asked for nor the whole of it`);
  }

  return {
    async blob(reference, blob, range, signal) {
      const all = endpoints(reference);
      const candidates = all.filter((endpoint) => !isAvoided(endpoint));
      let last: PullError | undefined;
      for (const endpoint of candidates) {
        try {
          return await blobFrom(endpoint, blob, range, signal);
        } catch (error) {
          if (!(error instanceof PullError) || signal.aborted) throw error;
          passOver(endpoint, error);
          last = error;
        }
      }
      throw last ?? new PullError('Internal', 'no registry was asked');
    },
    distrust: (host) => void avoided.set(host, Number.POSITIVE_INFINITY),
  };
}

interface Question {
  what: string;
  signal: AbortSignal;
  mayDowngrade: boolean;
  headers: Record<string, string>;
}

function rangeHeader({ offset, end }: BlobRange): Record<string, string> {
  if (offset === 0 && end === undefined) return {};
  return { range: `bytes=${offset}-${end === undefined ? '' : end - 1}` };
}

const CONTENT_RANGE = /^bytes (\d+)-(\d+)\/(\d+|\*)$/;

/** Undefined for a part that was not asked for: whoever sends it does not understand ranges. */
function blobAnswer(
  { statusCode, header, body }: Answer,
  { offset }: BlobRange,
  endpoint: string,
): BlobAnswer | undefined {
  if (statusCode !== 206) {
    const length = lengthIn(header('content-length'));
    return { status: 'whole', length, size: length, stream: body, endpoint };
  }
  const [, first, last, size] = CONTENT_RANGE.exec(header('content-range') ?? '') ?? [];
  if (first === undefined || Number(first) !== offset || Number(last) < offset) return undefined;
  return { status: 'partial', length: Number(last) - offset + 1, size: lengthIn(size), stream: body, endpoint };
}

/** A part of something else need not be fetched to know that it is wrong. */
function ofSize(size: number, answer: BlobAnswer, what: string): BlobAnswer {
  if (answer.size === undefined || answer.size === size) return answer;
  discard(answer.stream);
  throw new PullError('Corrupt', `${answer.endpoint} has ${answer.size} bytes as ${what}; the manifest says ${size}`);
}

const lengthIn = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
