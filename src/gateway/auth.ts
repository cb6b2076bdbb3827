// Who is calling: API keys from a mounted Secret, one entry per client, compared in constant time.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import { GatewayError } from './errors.ts';
import { type Entries, watchMounted } from './mountedSecret.ts';
import type { Problem } from './observation.ts';

export interface Keyring {
  /** The client whose key it is. Throws a GatewayError: Unauthorized, or NotReady while there are no keys at all. */
  identify(headers: IncomingHttpHeaders): string;
  /** Names of all clients, sorted. */
  clients(): readonly string[];
  /** While there are no keys. */
  problem(): Problem | undefined;
  /** Reads the keys, and again every few seconds until `stop`. */
  start(): Promise<void>;
  stop(): void;
}

export interface KeyringOptions {
  directory: string;
  secretName: string;
  log: Logger;
  clock: Clock;
}

interface Key {
  readonly client: string;
  /** SHA-256: all of one length, and the key itself is not kept. */
  readonly digest: Buffer;
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** What can stand in a header as one word. */
const USABLE = /^[\x21-\x7e]{1,4096}$/;

function keysOf(entries: Entries): { keys: Key[]; unusable: string[] } {
  const keys: Key[] = [];
  const unusable: string[] = [];
  for (const [client, bytes] of entries) {
    const key = bytes.toString('utf8').trim(); // files made by hand end with a newline
    if (USABLE.test(key)) keys.push({ client, digest: digestOf(key) });
    else unusable.push(client);
  }
  return { keys, unusable };
}

const BEARER = /^bearer +(\S+) *$/i;

/** Either header; clients of different make send one of them, some both. */
function presented({ authorization, 'x-api-key': apiKey }: IncomingHttpHeaders): string[] {
  const bearer = authorization && BEARER.exec(authorization)?.[1];
  return [bearer, apiKey].filter((key) => typeof key === 'string' && key !== '').map(String);
}

/** Looks at every key whatever was found before, so that the time tells nothing. */
function clientOf(keys: readonly Key[], presentedKey: string): string | undefined {
  const digest = digestOf(presentedKey);
  let client: string | undefined;
  for (const key of keys) if (timingSafeEqual(key.digest, digest)) client ??= key.client;
  return client;
}

const sameKeys = (a: readonly Key[], b: readonly Key[]): boolean =>
  a.length === b.length &&
  a.every(({ client, digest }, index) => client === b[index]?.client && b[index].digest.equals(digest));

/** Knows no keys before `start`, and lets nobody in then. */
export function createKeyring({ directory, secretName, log, clock }: KeyringOptions): Keyring {
  let keys: readonly Key[] = [];
  let told = '';

  /** Once per change, names only. */
  function report(unusable: readonly string[], reason: string | undefined): void {
    const text = JSON.stringify([reason, unusable]);
    if (text === told) return;
    told = text;
    if (reason !== undefined) log.warn({ secretName, reason }, 'API keys cannot be read');
    if (unusable.length > 0) log.warn({ secretName, entries: unusable }, 'entries that are no API key');
  }

  const watch = watchMounted({
    directory,
    clock,
    onRead(entries) {
      const failed = entries instanceof Error;
      const next = failed ? { keys: [], unusable: [] } : keysOf(entries);
      report(next.unusable, failed ? entries.message : undefined);
      if (sameKeys(keys, next.keys)) return;
      keys = next.keys;
      log.info({ secretName, clients: keys.map(({ client }) => client) }, 'API keys read');
    },
  });

  const missing = `Secret ${secretName} with the API keys is missing, empty or unusable; make it with one entry per client, the key as its value`;

  return {
    identify(headers) {
      if (keys.length === 0)
        throw new GatewayError('NotReady', 'nobody can be let in: this server has no API keys yet');
      const given = presented(headers);
      if (given.length === 0)
        throw new GatewayError('Unauthorized', 'an API key is needed: Authorization: Bearer KEY, or x-api-key: KEY');
      for (const key of given) {
        const client = clientOf(keys, key);
        if (client !== undefined) return client;
      }
      throw new GatewayError('Unauthorized', 'this API key is not known');
    },
    clients: () => keys.map(({ client }) => client),
    problem: () => (keys.length > 0 ? undefined : { reason: 'SecretMissing', message: missing }),
    start: () => watch.start(),
    stop: () => watch.stop(),
  };
}
