// How a registry comes to trust us: bearer tokens from its token server, basic credentials, or the signature of Ollama's key.
import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import type { Clock } from '../process/clock.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import type { DockerCredential, DockerCredentials } from './dockerCredentials.ts';
import type { Endpoint } from './endpoints.ts';
import { PullError } from './errors.ts';
import { type Exchange, type RegistryRequest, readBody, readWords } from './exchange.ts';
import type { OllamaKey } from './ollamaKey.ts';
import { networkError, refusalError } from './refusal.ts';

export interface RegistryAuth {
  /** Value of the Authorization header, as far as it is known without asking. */
  header(endpoint: Endpoint): string | undefined;
  /**
   * Answers a 401 to a request that carried `sent`. False: nothing better can be sent. Rejects with a PullError, or with the
   * reason of the signal. Callers that are refused at the same time share one token request.
   */
  renew(endpoint: Endpoint, sent: string | undefined, wwwAuthenticate: string, signal: AbortSignal): Promise<boolean>;
}

export interface RegistryAuthOptions {
  readonly docker: DockerCredentials;
  readonly identity?: OllamaKey | undefined;
  readonly exchange: Exchange;
  readonly clock: Clock;
  /** For the signed request of Ollama; default: 16 random bytes. */
  readonly nonce?: () => string;
}

interface Grant {
  readonly header: string;
  /** On the monotonic clock. */
  readonly endsAt: number;
}

const MAX_TOKEN_BYTES = 1024 * 1024;
/** What a token without `expires_in` is good for, and the least that is believed (distribution's token specification). */
const SHORTEST_TOKEN_S = 60;
/** A token is not used in its last part, since requests take their time. */
const USABLE_PART = 0.9;

const tokenAnswer = z.object({
  token: z.string().optional(),
  access_token: z.string().optional(),
  expires_in: z.number().optional(),
});

const basic = ({ username, password }: { username: string; password: string }) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

export function createRegistryAuth(options: RegistryAuthOptions): RegistryAuth {
  const { docker, clock } = options;
  const grants = new Map<string, Grant>();
  const pending = new Map<string, Promise<Grant | undefined>>();

  /** By repository: a token is for one, and credentials may be. */
  const header = ({ url }: Endpoint): string | undefined => {
    const grant = grants.get(url);
    return grant && clock.monotonic() < grant.endsAt ? grant.header : undefined;
  };

  const findCredential = ({ host, url }: Endpoint) => docker.find(host, repositoryIn(url));

  async function grantFor(
    endpoint: Endpoint,
    challenges: Challenge[],
    signal: AbortSignal,
  ): Promise<Grant | undefined> {
    const credential = findCredential(endpoint);
    const forEver = (value: string): Grant => ({ header: value, endsAt: Number.POSITIVE_INFINITY });
    if (credential?.kind === 'RegistryToken') return forEver(`Bearer ${credential.token}`);
    const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.realm);
    if (bearer) return askForToken(options, endpoint, bearer, credential, signal);
    const wantsBasic = challenges.some(({ scheme }) => scheme === 'basic');
    return wantsBasic && credential?.kind === 'Basic' ? forEver(basic(credential)) : undefined;
  }

  return {
    header,
    async renew(endpoint, sent, wwwAuthenticate, signal) {
      const known = header(endpoint);
      if (known !== undefined && known !== sent) return true; // somebody else was faster
      let asked = pending.get(endpoint.url);
      if (!asked) {
        asked = grantFor(endpoint, parseChallenges(wwwAuthenticate), signal);
        pending.set(endpoint.url, asked);
      }
      try {
        const grant = await asked;
        if (!grant || grant.header === sent) return false;
        grants.set(endpoint.url, grant);
        return true;
      } finally {
        pending.delete(endpoint.url);
      }
    },
  };
}

const repositoryIn = (url: string): string => url.slice(url.indexOf('/v2/') + '/v2/'.length);

async function askForToken(
  options: RegistryAuthOptions,
  endpoint: Endpoint,
  { parameters }: Challenge,
  credential: DockerCredential | undefined,
  signal: AbortSignal,
): Promise<Grant> {
  const { exchange, clock, identity } = options;
  const realm = realmOf(endpoint, parameters.realm ?? '');
  const scopes = parameters.scope?.split(' ').filter(Boolean) ?? [];
  const what = `token of ${endpoint.host}`;
  const common = { what, signal };
  const question: RegistryRequest =
    credential?.kind === 'IdentityToken'
      ? refreshRequest(realm, parameters.service, scopes, credential.token, common)
      : tokenRequest(realm, parameters.service, scopes, common);
  if (credential?.kind === 'Basic') question.authorization = basic(credential);
  else if (!credential && identity && realm.host === endpoint.host) signRequest(question, identity, options);

  const askedAt = clock.monotonic();
  const answer = await exchange(question);
  if (answer.statusCode !== 200) {
    const facts = { host: realm.host, what, statusCode: answer.statusCode };
    throw refusalError({ ...facts, text: await readWords(answer.body) });
  }
  const { token, seconds } = tokenIn(await readAnswer(answer.body, realm.host, what, signal), realm.host);
  return { header: `Bearer ${token}`, endsAt: askedAt + seconds * 1_000 * USABLE_PART };
}

/** Passwords go to the realm, which a registry names freely: so it must be as private as the registry itself. */
function realmOf({ origin, host }: Endpoint, text: string): URL {
  const realm = URL.parse(text, origin);
  if (!realm || !/^https?:$/.test(realm.protocol))
    throw new PullError('Unauthorized', `${host} names no http or https URL for its tokens`);
  if (realm.protocol === 'http:' && origin.startsWith('https:'))
    throw new PullError('Unauthorized', `${host} wants credentials sent to ${realm.host} over http; refused`);
  return realm;
}

type Common = Pick<RegistryRequest, 'what' | 'signal'>;

function tokenRequest(realm: URL, service: string | undefined, scopes: string[], common: Common): RegistryRequest {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.append('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  return { ...common, url };
}

/** OAuth2, as Docker's token servers take it. */
function refreshRequest(
  url: URL,
  service: string | undefined,
  scopes: string[],
  refreshToken: string,
  common: Common,
): RegistryRequest {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: 'local-model-operator',
    ...(service !== undefined && { service }),
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    refresh_token: refreshToken,
  });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return { ...common, url, method: 'POST', headers, body: form.toString() };
}

/** SHA-256 of an empty body, hexadecimal, then base64: the form that Ollama signs (server/auth.go). */
const EMPTY_BODY = Buffer.from('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855').toString('base64');

const randomNonce = () => randomBytes(16).toString('base64url');

function signRequest(question: RegistryRequest, key: OllamaKey, { clock, nonce = randomNonce }: RegistryAuthOptions) {
  question.url.searchParams.append('ts', String(Math.floor(clock.now() / 1_000)));
  question.url.searchParams.append('nonce', nonce());
  question.authorization = key.authorization(`GET,${question.url.href},${EMPTY_BODY}`);
}

async function readAnswer(body: Parameters<typeof readBody>[0], host: string, what: string, signal: AbortSignal) {
  try {
    return (await readBody(body, MAX_TOKEN_BYTES))?.toString('utf8') ?? '';
  } catch (error) {
    throw signal.aborted ? signal.reason : networkError(error, host, what);
  }
}

function tokenIn(text: string, host: string): { token: string; seconds: number } {
  try {
    const { token, access_token: accessToken, expires_in: expiresIn = 0 } = tokenAnswer.parse(JSON.parse(text));
    const value = token || accessToken;
    // A token with other characters could carry further header lines.
    if (value && /^[!-~]+$/.test(value)) return { token: value, seconds: Math.max(SHORTEST_TOKEN_S, expiresIn) };
  } catch {
    // What cannot be read may be a token, so it is not repeated.
  }
  throw new PullError('Unauthorized', `${host} answers the request for a token with something else`);
}
