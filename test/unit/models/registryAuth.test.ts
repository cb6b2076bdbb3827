import { generateKeyPairSync } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import {
  type DockerCredentials,
  noCredentials,
  parseDockerCredentials,
} from '../../../src/models/dockerCredentials.ts';
import { createEndpoints } from '../../../src/models/endpoints.ts';
import type { Answer, RegistryRequest } from '../../../src/models/exchange.ts';
import { parseOllamaKey } from '../../../src/models/ollamaKey.ts';
import { parseReference } from '../../../src/models/reference.ts';
import { createRegistryAuth } from '../../../src/models/registryAuth.ts';
import { createVirtualClock } from '../virtualClock.ts';

const endpointOf = (reference: string, plainHttp = false) => {
  const [endpoint] = createEndpoints({ mirrors: [], plainHttp })(parseReference(reference));
  if (!endpoint) throw new Error('no endpoint');
  return endpoint;
};
const endpoint = endpointOf('models.test/a/b');
const bearer = (realm: string) => `Bearer realm="${realm}",service="models.test",scope="repository:a/b:pull"`;
const signal = new AbortController().signal;
const keyText = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const identity = parseOllamaKey(keyText, 'the key');

const dockerFor = (entries: Record<string, object>) =>
  parseDockerCredentials(JSON.stringify({ auths: entries }), 'the Secret');

function setUp({ docker = noCredentials, body = '{"token":"abc"}', status = 200, withKey = false } = {} as Options) {
  const asked: RegistryRequest[] = [];
  const clock = createVirtualClock();
  const exchange = async (request: RegistryRequest): Promise<Answer> => {
    asked.push(request);
    const stream = Readable.from([Buffer.from(body)]) as unknown as Answer['body'];
    return { statusCode: status, url: request.url, header: () => undefined, body: stream };
  };
  const auth = createRegistryAuth({ docker, exchange, clock, nonce: () => 'once', ...(withKey && { identity }) });
  return { auth, asked, clock };
}

interface Options {
  docker?: DockerCredentials;
  body?: string;
  status?: number;
  withKey?: boolean;
}

describe('registry auth', () => {
  it('asks the token server for what the challenge names', async () => {
    const { auth, asked } = setUp();
    const renewed = await auth.renew(endpoint, undefined, bearer('https://auth.test/token?x=1'), signal);
    expect(renewed).toBe(true);
    expect(auth.header(endpoint)).toBe('Bearer abc');
    expect(asked[0]?.url.href).toBe('https://auth.test/token?x=1&service=models.test&scope=repository%3Aa%2Fb%3Apull');
    expect(asked[0]?.authorization).toBeUndefined();
  });

  it('asks for each scope by itself', async () => {
    const { auth, asked } = setUp();
    await auth.renew(endpoint, undefined, 'Bearer realm="https://auth.test",scope="a:b:pull c:d:pull"', signal);
    expect(asked[0]?.url.searchParams.getAll('scope')).toEqual(['a:b:pull', 'c:d:pull']);
  });

  it('keeps the tokens of repositories apart', async () => {
    const { auth } = setUp();
    await auth.renew(endpoint, undefined, bearer('https://auth.test'), signal);
    expect(auth.header(endpointOf('models.test/a/other'))).toBeUndefined();
  });

  it('shows the credentials of the registry to its token server', async () => {
    const { auth, asked } = setUp({ docker: dockerFor({ 'models.test': { username: 'me', password: 'p:w' } }) });
    await auth.renew(endpoint, undefined, bearer('https://auth.test'), signal);
    expect(asked[0]?.authorization).toBe(`Basic ${btoa('me:p:w')}`);
  });

  it('does not show them to a token server over http', async () => {
    const { auth, asked } = setUp({ docker: dockerFor({ 'models.test': { username: 'me', password: 'pw' } }) });
    await expect(auth.renew(endpoint, undefined, bearer('http://auth.test'), signal)).rejects.toThrow('over http');
    expect(asked).toEqual([]);
  });

  it('does so where the registry itself is asked over http', async () => {
    const { auth } = setUp();
    const plain = endpointOf('models.test/a/b', true);
    await expect(auth.renew(plain, undefined, bearer('http://auth.test'), signal)).resolves.toBe(true);
  });

  it('swaps an identity token for an access token', async () => {
    const { auth, asked } = setUp({
      docker: dockerFor({ 'models.test': { identitytoken: 'refresh' } }),
      body: '{"access_token":"fresh"}',
    });
    await auth.renew(endpoint, undefined, bearer('https://auth.test/oauth2'), signal);
    expect(auth.header(endpoint)).toBe('Bearer fresh');
    expect(asked[0]).toMatchObject({ method: 'POST' });
    const form = new URLSearchParams(asked[0]?.body);
    expect(Object.fromEntries(form)).toEqual({
      grant_type: 'refresh_token',
      client_id: 'local-model-operator',
      service: 'models.test',
      scope: 'repository:a/b:pull',
      refresh_token: 'refresh',
    });
  });

  it('sends a registry token as it is', async () => {
    const { auth, asked } = setUp({ docker: dockerFor({ 'models.test': { registrytoken: 'ready' } }) });
    await auth.renew(endpoint, undefined, bearer('https://auth.test'), signal);
    expect(auth.header(endpoint)).toBe('Bearer ready');
    expect(asked).toEqual([]);
    // Refused once more: there is nothing better.
    await expect(auth.renew(endpoint, 'Bearer ready', bearer('https://auth.test'), signal)).resolves.toBe(false);
  });

  it.each(['', 'Basic realm="x"', 'Negotiate', 'Bearer service="x"'])(
    'has nothing for the challenge %j without credentials',
    async (challenge) => {
      const { auth } = setUp();
      await expect(auth.renew(endpoint, undefined, challenge, signal)).resolves.toBe(false);
    },
  );

  it('counts a token as used up before it is', async () => {
    const { auth, clock } = setUp({ body: '{"token":"abc","expires_in":1000}' });
    await auth.renew(endpoint, undefined, bearer('https://auth.test'), signal);
    await clock.advance(899_000);
    expect(auth.header(endpoint)).toBe('Bearer abc');
    await clock.advance(1_001);
    expect(auth.header(endpoint)).toBeUndefined();
  });

  it('asks once for all that wait', async () => {
    const { auth, asked } = setUp();
    const renew = () => auth.renew(endpoint, undefined, bearer('https://auth.test'), signal);
    await expect(Promise.all([renew(), renew(), renew()])).resolves.toEqual([true, true, true]);
    // And not again for one whose refusal came late.
    await expect(renew()).resolves.toBe(true);
    expect(asked).toHaveLength(1);
  });

  it.each(['<html>', '{}', '{"token":""}', '{"token":"a\\nb"}', '{"token":5}', ''])(
    'refuses %j as a token, and does not repeat it',
    async (body) => {
      const { auth } = setUp({ body });
      const ended = auth.renew(endpoint, undefined, bearer('https://auth.test'), signal);
      await expect(ended).rejects.toMatchObject({
        reason: 'Unauthorized',
        message: expect.not.stringContaining('html'),
      });
    },
  );

  it.each([
    [401, 'Unauthorized'],
    [403, 'Unauthorized'],
    [500, 'Unreachable'],
  ])('takes %s of the token server for %s', async (status, reason) => {
    const { auth } = setUp({ status, body: 'no' });
    await expect(auth.renew(endpoint, undefined, bearer('https://auth.test'), signal)).rejects.toMatchObject({
      reason,
    });
  });
});

describe("Ollama's signature", () => {
  const realm = 'https://models.test/token';

  it('is made over method, URL with time and nonce, and the hash of no body', async () => {
    const { auth, asked, clock } = setUp({ withKey: true });
    await auth.renew(endpoint, undefined, bearer(realm), signal);
    const url = asked[0]?.url;
    expect(url?.searchParams.get('ts')).toBe(String(clock.now() / 1_000));
    expect(url?.searchParams.get('nonce')).toBe('once');
    // base64 of the hexadecimal SHA-256 of nothing, as Ollama's server/auth.go makes it
    const signed = `GET,${url?.href},ZTNiMGM0NDI5OGZjMWMxNDlhZmJmNGM4OTk2ZmI5MjQyN2FlNDFlNDY0OWI5MzRjYTQ5NTk5MWI3ODUyYjg1NQ==`;
    expect(asked[0]?.authorization).toBe(identity.authorization(signed)); // ed25519 signs the same each time
  });

  it('is for the host of the registry alone', async () => {
    const { auth, asked } = setUp({ withKey: true });
    await auth.renew(endpoint, undefined, bearer('https://elsewhere.test/token'), signal);
    expect(asked[0]?.authorization).toBeUndefined();
    expect(asked[0]?.url.searchParams.has('nonce')).toBe(false);
  });

  it('gives way to credentials for the host', async () => {
    const { auth, asked } = setUp({
      withKey: true,
      docker: dockerFor({ 'models.test': { username: 'me', password: 'pw' } }),
    });
    await auth.renew(endpoint, undefined, bearer(realm), signal);
    expect(asked[0]?.authorization).toMatch(/^Basic /);
  });
});
