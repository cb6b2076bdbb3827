// The certificate that clients see, from a mounted Secret: taken over when it is renewed, kept when the new one is unusable.
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import { type Entries, watchMounted } from './mountedSecret.ts';
import type { Problem } from './observation.ts';

/** PEM. */
export interface KeyPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface Certificate {
  /** Undefined before there is a usable one. */
  current(): KeyPair | undefined;
  /** While there is none. */
  problem(): Problem | undefined;
  /** Milliseconds since the epoch; undefined without a certificate. */
  expiresAt(): number | undefined;
  /** Called with each new pair; the returned function ends that. */
  onChange(listener: (pair: KeyPair) => void): () => void;
  /** Reads it, and again every few seconds until `stop`. */
  start(): Promise<void>;
  stop(): void;
}

export interface CertificateOptions {
  directory: string;
  secretName: string;
  log: Logger;
  clock: Clock;
}

interface Loaded extends KeyPair {
  readonly expiresAt: number;
}

/** As in every Secret of the type kubernetes.io/tls. Throws with what is wrong, and nothing of the key. */
function loadPair(entries: Entries | Error): Loaded {
  if (entries instanceof Error) throw entries;
  const cert = entries.get('tls.crt');
  const key = entries.get('tls.key');
  if (!cert || !key) throw new Error(`there is no ${cert ? 'tls.key' : 'tls.crt'}`);
  createSecureContext({ cert, key }); // throws where they do not belong together
  return { cert, key, expiresAt: Date.parse(new X509Certificate(cert).validTo) };
}

/** Has no certificate before `start`. */
export function createCertificate({ directory, secretName, log, clock }: CertificateOptions): Certificate {
  const listeners = new Set<(pair: KeyPair) => void>();
  let current: Loaded | undefined;
  let unusable: string | undefined;

  function take(loaded: Loaded): void {
    unusable = undefined;
    if (current?.cert.equals(loaded.cert) && current.key.equals(loaded.key)) return;
    current = loaded;
    log.info({ secretName, expiresAt: new Date(loaded.expiresAt).toISOString() }, 'certificate read');
    for (const listener of listeners) listener(loaded);
  }

  const watch = watchMounted({
    directory,
    clock,
    onRead(entries) {
      try {
        take(loadPair(entries));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (reason !== unusable)
          log.warn({ secretName, reason, kept: current !== undefined }, 'certificate is unusable');
        unusable = reason;
      }
    },
  });

  return {
    current: () => current,
    problem: () =>
      current
        ? undefined
        : {
            reason: 'SecretMissing',
            message: `Secret ${secretName} with the certificate is missing or unusable (${unusable ?? 'not read yet'}); it needs tls.crt and tls.key`,
          },
    expiresAt: () => current?.expiresAt,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    start: () => watch.start(),
    stop: () => watch.stop(),
  };
}
