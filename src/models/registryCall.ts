// One request to one endpoint: with its credentials, a 401 answered once, and anything but success as a PullError.
import type { Clock } from '../process/clock.ts';
import type { Endpoint } from './endpoints.ts';
import { type Answer, discard, type Exchange, readWords } from './exchange.ts';
import { parseRetryAfter, refusalError } from './refusal.ts';
import type { RegistryAuth } from './registryAuth.ts';

export interface RegistryQuestion {
  endpoint: Endpoint;
  /** Below the repository, such as `/manifests/latest`. */
  path: string;
  /** For messages. */
  what: string;
  headers?: Readonly<Record<string, string>>;
  mayDowngrade?: boolean;
  signal: AbortSignal;
}

/** Resolves with a success (2xx); rejects with a PullError, or with the reason of the signal. */
export type RegistryCall = (question: RegistryQuestion) => Promise<Answer>;

export function createRegistryCall(parts: { exchange: Exchange; auth: RegistryAuth; clock: Clock }): RegistryCall {
  const { exchange, auth, clock } = parts;
  return async ({ endpoint, path, ...question }) => {
    const url = new URL(`${endpoint.url}${path}`);
    const ask = (authorization: string | undefined) => exchange({ ...question, url, authorization });
    const sent = auth.header(endpoint);
    const answer = await ask(sent);
    const wanted = answer.header('www-authenticate');
    if (answer.statusCode !== 401 || wanted === undefined) return accepted(answer, endpoint.host, question.what, clock);
    discard(answer.body);
    const renewed = await auth.renew(endpoint, sent, wanted, question.signal);
    return accepted(renewed ? await ask(auth.header(endpoint)) : answer, endpoint.host, question.what, clock);
  };
}

/** The answer if it is a success, else the error in it. */
export async function accepted(answer: Answer, host: string, what: string, clock: Clock): Promise<Answer> {
  const { statusCode, header, body, url } = answer;
  if (statusCode >= 200 && statusCode < 300) return answer;
  const text = await readWords(body);
  const retryAfterMs = parseRetryAfter(header('retry-after'), clock.now());
  const from = url.host === host ? host : `${host} (by way of ${url.host})`;
  throw refusalError({ host: from, what, statusCode, text, retryAfterMs });
}
