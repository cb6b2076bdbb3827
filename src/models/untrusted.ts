// Certificates that are not trusted: which failures of a connection these are, and what to do about each.
import { errorCode } from './errors.ts';

const UNKNOWN_AUTHORITY =
  'put the certificate of the authority that signed it into a ConfigMap or Secret and name that in spec.model.source.registry.caBundleRef';

/** What Node calls them (X509_V_ERR_… of OpenSSL, and its own check of names), with the cure. */
const cures: Partial<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  CERT_UNTRUSTED: UNKNOWN_AUTHORITY,
  CERT_SIGNATURE_FAILURE: 'the server has to show another one, or the right authority has to be trusted',
  CERT_HAS_EXPIRED: 'the server has to renew it',
  CERT_NOT_YET_VALID: 'check the clock of the node',
  CERT_REVOKED: 'the server has to show another one',
  CERT_CHAIN_TOO_LONG: 'the server has to show another one',
  INVALID_CA: 'what signed it may not sign certificates; name the real authority',
  INVALID_PURPOSE: 'the server has to show one that is made for servers',
  ERR_TLS_CERT_ALTNAME_INVALID: 'use a name of the server that stands in it, or have it made anew',
};

/** Undici wraps what happens on the way to a proxy, and Node what happened with several addresses. */
function* errorsIn(error: unknown, depth = 0): Generator<Error> {
  if (!(error instanceof Error) || depth > 4) return;
  yield error;
  yield* errorsIn(error.cause, depth + 1);
  if (error instanceof AggregateError) for (const other of error.errors) yield* errorsIn(other, depth + 1);
}

export interface Distrust {
  /** In the words of OpenSSL, with its code. */
  readonly what: string;
  readonly cure: string;
}

/** Undefined where it was something else that failed. */
export function distrustIn(error: unknown): Distrust | undefined {
  for (const one of errorsIn(error)) {
    const code = errorCode(one) ?? '';
    const cure = cures[code];
    if (cure) return { what: `${one.message} (${code})`, cure };
  }
  return undefined;
}
