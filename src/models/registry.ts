// A registry as the pull sees it: manifests and blobs from the best endpoint that has them.
import { type Clock, delay, type Random } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import { type BlobAnswer, type BlobRange, createBlobSource } from './blobSource.ts';
import { type Connections, createConnections, type NetworkSettings } from './connections.ts';
import { type Digest, digestOf } from './digest.ts';
import { type DockerCredentials, noCredentials } from './dockerCredentials.ts';
import type { Endpoint, Endpoints } from './endpoints.ts';
import { PullError } from './errors.ts';
import { type Answer, createExchange, readBody } from './exchange.ts';
import { MAX_MANIFEST_BYTES, manifestMediaType, ociManifestMediaType, refuseOver } from './manifest.ts';
import type { OllamaKey } from './ollamaKey.ts';
import type { BlobFacts } from './partialState.ts';
import { formatReference, type Reference } from './reference.ts';
import { isPassing, networkError } from './refusal.ts';
import { createRegistryAuth } from './registryAuth.ts';
import { createRegistryCall, type RegistryCall } from './registryCall.ts';
import { pauseMs } from './retry.ts';
import { limitSilence } from './silence.ts';

export interface FetchedManifest {
  /** As they came: the digest is of these. */
  bytes: Buffer;
  digest: Digest;
  mediaType: string;
  /** Host that it came from. */
  endpoint: string;
}

export interface Registry {
  /**
   * The manifest of a tag, or the one with `digest`, which is then what the bytes hash to. Rejects with a PullError
   * (`DigestMismatch` where another one is served), or with the reason of the signal.
   */
  manifest(
    reference: Reference,
    options?: { digest?: Digest | undefined; signal?: AbortSignal },
  ): Promise<FetchedManifest>;
  /**
   * Bytes of a blob; each endpoint in health is asked once, so that the caller owns retries. Rejects with a PullError or
   * the reason of `signal`. The stream breaks off with what the network threw, or with that reason.
   */
  blob(reference: Reference, blob: BlobFacts, range: BlobRange, signal: AbortSignal): Promise<BlobAnswer>;
  /** What came from this host was wrong or did not come: if it is a mirror, it is asked for no more blobs. */
  distrust(host: string): void;
  close(): Promise<void>;
}

export interface RegistryOptions {
  endpoints: Endpoints;
  credentials?: { docker?: DockerCredentials | undefined; identity?: OllamaKey | undefined };
  /** Proxies and certificates. */
  network?: NetworkSettings;
  clock: Clock;
  random: Random;
  log: Logger;
  /** See userAgent.ts. */
  userAgent: string;
  /** Ends everything that is under way. */
  signal?: AbortSignal;
}

/** Rounds over all endpoints before a manifest is given up; the pauses between them add up to about a minute. */
const MANIFEST_ROUNDS = 7;
/** Without a byte of the answer. */
const SILENCE_MS = 30_000;

/** Opens no connection before the first request. Throws a PullError for settings that cannot be used. */
export function createRegistry(options: RegistryOptions): Registry {
  const connections: Connections = createConnections(options.network);
  const { clock, log, endpoints, credentials = {} } = options;
  const exchange = createExchange(connections, options.userAgent);
  const auth = createRegistryAuth({ docker: noCredentials, ...credentials, exchange, clock });
  const call = createRegistryCall({ exchange, auth, clock });
  const { blob, distrust } = createBlobSource({ endpoints, call, exchange, clock, log });
  return {
    manifest: (reference, { digest, signal = options.signal } = {}) =>
      fetchManifest({ ...options, call }, reference, digest, signal),
    blob,
    distrust,
    close: connections.close,
  };
}

type Fetching = Pick<RegistryOptions, 'endpoints' | 'clock' | 'random' | 'log'> & { call: RegistryCall };

async function fetchManifest(
  fetching: Fetching,
  reference: Reference,
  digest: Digest | undefined,
  signal: AbortSignal | undefined,
): Promise<FetchedManifest> {
  const { clock, random, log } = fetching;
  const refused = new Map<Endpoint, PullError>();
  for (let round = 0; ; round++) {
    const { found, retryAfterMs } = await askEach(fetching, reference, digest, refused, signal);
    if (found) return found;
    const errors = [...refused.values()];
    const pause = pauseMs(round, random, retryAfterMs);
    if (pause === undefined || round + 1 >= MANIFEST_ROUNDS || !isPassing(errors.at(-1))) throw verdict(errors);
    log.warn(
      { model: formatReference(reference), pauseMs: Math.round(pause), err: errors.at(-1) },
      'manifest not fetched yet',
    );
    await delay(clock, pause, signal);
    signal?.throwIfAborted();
  }
}

/** One round; what an endpoint said last is in `refused`, in the order of the endpoints. */
async function askEach(
  { endpoints, call, clock, log }: Fetching,
  reference: Reference,
  digest: Digest | undefined,
  refused: Map<Endpoint, PullError>,
  signal: AbortSignal | undefined,
): Promise<{ found?: FetchedManifest; retryAfterMs: number }> {
  let retryAfterMs = 0;
  for (const endpoint of endpoints(reference)) {
    const before = [...refused].find(([{ url }]) => url === endpoint.url);
    if (before && !isPassing(before[1])) continue;
    try {
      return { found: await manifestFrom(endpoint, { call, clock }, reference, digest, signal), retryAfterMs };
    } catch (error) {
      if (!(error instanceof PullError)) throw error;
      refused.set(before?.[0] ?? endpoint, error);
      retryAfterMs = Math.max(retryAfterMs, error.retryAfterMs ?? 0);
      if (endpoint.mirror) log.warn({ mirror: endpoint.host, err: error }, 'mirror passed over');
    }
  }
  return { retryAfterMs };
}

/** The own host's word counts; a mirror's is told beside it. */
function verdict(errors: PullError[]): PullError {
  const [last, ...mirrors] = errors.toReversed();
  if (!last) return new PullError('Internal', 'no registry was asked');
  if (mirrors.length === 0) return last;
  const { reason, statusCode, retryAfterMs } = last;
  const message = errors.map((error) => error.message).join('; ');
  return new PullError(reason, message, { statusCode, retryAfterMs, cause: last });
}

const accept = [manifestMediaType, ociManifestMediaType].join(', ');

async function manifestFrom(
  endpoint: Endpoint,
  { call, clock }: { call: RegistryCall; clock: Clock },
  reference: Reference,
  digest: Digest | undefined,
  signal: AbortSignal | undefined,
): Promise<FetchedManifest> {
  const what = `manifest of ${formatReference(reference)}`;
  const silence = limitSilence(clock, SILENCE_MS, signal, () =>
    networkError(new Error(`no answer in ${SILENCE_MS / 1_000} s`), endpoint.host, what),
  );
  const ask = (name: string) =>
    call({ endpoint, path: `/manifests/${name}`, what, headers: { accept }, signal: silence.signal });
  try {
    const answer = await askByDigest(ask, reference, digest);
    const bytes = await bodyOf(answer, endpoint.host, what, silence.signal);
    const actual = digestOf(bytes);
    if (digest !== undefined && actual !== digest)
      throw new PullError('DigestMismatch', `${endpoint.host} serves ${actual} as ${what}, not ${digest}`);
    const mediaType = answer.header('content-type')?.split(';')[0]?.trim() ?? '';
    return { bytes, digest: actual, mediaType, endpoint: endpoint.host };
  } finally {
    silence.end();
  }
}

/** By digest where one is wanted, since the tag may have moved; by tag where the registry knows manifests by tag alone. */
async function askByDigest(
  ask: (name: string) => Promise<Answer>,
  { tag }: Reference,
  digest: Digest | undefined,
): Promise<Answer> {
  if (digest === undefined) return ask(tag);
  try {
    return await ask(digest);
  } catch (error) {
    const unknown = error instanceof PullError && [400, 404, 405].includes(error.statusCode ?? 0);
    if (!unknown) throw error;
    return ask(tag);
  }
}

async function bodyOf({ body, header }: Answer, host: string, what: string, signal: AbortSignal): Promise<Buffer> {
  refuseOver(MAX_MANIFEST_BYTES, Number(header('content-length') ?? 0), `the ${what} from ${host}`);
  try {
    const bytes = await readBody(body, MAX_MANIFEST_BYTES);
    if (bytes) return bytes;
  } catch (error) {
    throw signal.aborted ? signal.reason : networkError(error, host, what);
  }
  throw new PullError('Corrupt', `the ${what} from ${host} is more than ${MAX_MANIFEST_BYTES} bytes; refused`);
}
