// A token service as Distribution's token authentication wants it (https://distribution.github.io/distribution/spec/auth/token/).
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Certificate } from '../../controlplane/certificates.ts';
import { basicAuthorization } from './credentials.ts';

export interface TokenAccess {
  type: string;
  name: string;
  actions: string[];
}

/** What a client has asked for, in order. */
export interface TokenRequest {
  scopes: string[];
  service: string | null;
  /** Whether it came with the right password. */
  authorized: boolean;
}

export interface TokenService {
  /** Where clients get tokens. */
  readonly realm: string;
  readonly issuer: string;
  readonly service: string;
  /** The public key as a JSON Web Key Set. */
  readonly jwks: string;
  readonly requests: readonly TokenRequest[];
  /** A token for whatever one likes. */
  mint(access: readonly TokenAccess[]): string;
  stop(): Promise<void>;
}

export interface TokenOptions {
  /** Serves TLS. */
  certificate?: Certificate;
  /** Seconds that a token is good for; default 300. Distribution is lenient by a minute. */
  lifetimeSeconds?: number;
}

const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** repository:library/tiny:pull,push → its parts; the name may have colons in it. */
function accessOf(scope: string): TokenAccess {
  const pieces = scope.split(':');
  return { type: pieces[0] ?? '', name: pieces.slice(1, -1).join(':'), actions: (pieces.at(-1) ?? '').split(',') };
}

/** Starts one on 127.0.0.1. Gives the user of credentials.ts the right to pull whatever is asked for, and nobody else any. */
export async function startTokenService({ certificate, lifetimeSeconds = 300 }: TokenOptions): Promise<TokenService> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const [issuer, service, kid] = ['test-issuer', 'test-registry', 'test-key'];
  const requests: TokenRequest[] = [];

  function mint(access: readonly TokenAccess[]): string {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: issuer, sub: 'puller', aud: service, iat: now, nbf: now - 1, exp: now + lifetimeSeconds };
    const head = base64({ typ: 'JWT', alg: 'ES256', kid });
    const signed = `${head}.${base64({ ...claims, jti: randomUUID(), access })}`;
    const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  }

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const scopes = searchParams.getAll('scope').flatMap((scope) => scope.split(' '));
    const authorized = request.headers.authorization === basicAuthorization();
    requests.push({ scopes, service: searchParams.get('service'), authorized });
    if (!authorized) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="tokens"' }).end();
      return;
    }
    const access = scopes.map(accessOf).map((each) => ({ ...each, actions: each.actions.filter((a) => a === 'pull') }));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ token: mint(access), expires_in: lifetimeSeconds }));
  }

  const server = certificate ? createHttpsServer(certificate, answer) : createHttpServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' };
  return {
    realm: `${certificate ? 'https' : 'http'}://127.0.0.1:${port}/token`,
    issuer,
    service,
    jwks: JSON.stringify({ keys: [jwk] }),
    requests,
    mint,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
