// Who is calling: API keys from a mounted Secret, one entry per client, compared in constant time.
import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import { type ApiKey, digestOf, parseApiKey, sameApiKey } from './apiKey.ts';
import { GatewayError } from './errors.ts';
import { type Entries, watchMounted } from './mountedSecret.ts';
import type { Problem } from './observation.ts';

export interface Keyring {
  /** The client whose key it is. Throws a GatewayError: Unauthorized, for an expired key too, or NotReady while there are no keys at all. */
  identify(headers: IncomingHttpHeaders): string;
  /** All keys, sorted by their clients; expired ones too. */
  keys(): readonly Pick<ApiKey, 'client' | 'expiresAt'>[];
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

function keysOf(entries: Entries): { keys: ApiKey[]; unusable: string[] } {
  const keys: ApiKey[] = [];
  const unusable: string[] = [];
  for (const [client, entry] of entries) {
    const key = parseApiKey(client, entry);
    if (key) keys.push(key);
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

const expiredMessage = ({ expiresAt = 0 }: ApiKey): string =>
  `this API key has expired: it was good until ${new Date(expiresAt).toISOString()}`;

const isExpired = ({ expiresAt }: ApiKey, now: number): boolean => expiresAt !== undefined && expiresAt <= now;

/** Looks at every key whatever was found before, so that the time tells nothing. Of two entries with one key, one that lasts counts. */
function find(keys: readonly ApiKey[], presentedKey: string, now: number): ApiKey | undefined {
  const digest = digestOf(presentedKey);
  let found: ApiKey | undefined;
  for (const key of keys) if (timingSafeEqual(key.digest, digest) && (!found || isExpired(found, now))) found = key;
  return found;
}

const sameKeys = (a: readonly ApiKey[], b: readonly ApiKey[]): boolean =>
  a.length === b.length && a.every((key, index) => sameApiKey(key, b[index]));

/** Knows no keys before `start`, and lets nobody in then. */
export function createKeyring({ directory, secretName, log, clock }: KeyringOptions): Keyring {
  let keys: readonly ApiKey[] = [];
  let told = '';

  /** Once per change, names only. */
  function report(unusable: readonly string[], reason: string | undefined): void {
    const text = JSON.stringify([reason, unusable]);
    if (text === told) return;
    told = text;
    if (reason !== undefined) log.warn({ secretName, reason }, 'API keys cannot be read');
    if (unusable.length > 0)
      log.warn(
        { secretName, entries: unusable },
        'entries that are no API key; one is a word, and may be followed by expires=DATE',
      );
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
      const now = clock.now();
      const found = given.map((key) => find(keys, key, now)).filter((key) => key !== undefined);
      const valid = found.find((key) => !isExpired(key, now));
      if (valid) return valid.client;
      throw new GatewayError('Unauthorized', found[0] ? expiredMessage(found[0]) : 'this API key is not known');
    },
    keys: () => keys,
    problem: () => (keys.length > 0 ? undefined : { reason: 'SecretMissing', message: missing }),
    start: () => watch.start(),
    stop: () => watch.stop(),
  };
}
