// The registry client against a registry that misbehaves: manifests, credentials, redirects, mirrors, certificates, proxies.
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { digestOf } from '../../src/models/digest.ts';
import { parseDockerCredentials } from '../../src/models/dockerCredentials.ts';
import { parseReference } from '../../src/models/reference.ts';
import { referenceOn, registryFor, registryServer } from './download.ts';
import { type Behaviour, cutAfter, drop, freeze, protect, redirect, refuse } from './registryServer.ts';

const MANIFEST = JSON.stringify({ schemaVersion: 2, layers: [] });

async function setUp(options: Parameters<typeof registryFor>[0] = {}) {
  const server = await registryServer();
  const digest = server.addManifest('library/tiny:latest', MANIFEST);
  return { server, digest, reference: referenceOn(server), ...registryFor(options) };
}

const docker = (host: string) => {
  const auth = Buffer.from('me:secret').toString('base64');
  return { docker: parseDockerCredentials(JSON.stringify({ auths: { [host]: { auth } } }), 'the Secret') };
};

describe('a manifest', () => {
  it('comes as its bytes, with the digest that they hash to', async () => {
    const { registry, reference, digest, server } = await setUp();
    const manifest = await registry.manifest(reference);
    expect(manifest.bytes.toString('utf8')).toBe(MANIFEST);
    expect(manifest).toMatchObject({ digest, endpoint: server.host });
    expect(manifest.mediaType).toBe('application/vnd.docker.distribution.manifest.v2+json');
  });

  it('is asked for in the name of the runtime that will serve it', async () => {
    const { registry, reference, server } = await setUp();
    await registry.manifest(reference);
    const [request] = server.requests;
    expect(request?.path).toBe('/v2/library/tiny/manifests/latest');
    expect(request?.headers['user-agent']).toBe('ollama/0.32.15 (amd64 linux) Go/go1.26.0');
    expect(request?.headers.accept).toContain('application/vnd.docker.distribution.manifest.v2+json');
  });

  it('with a digest is that very one, though the tag has moved', async () => {
    const { registry, reference, digest, server } = await setUp();
    server.addManifest('library/tiny:latest', '{"schemaVersion":2,"layers":[],"new":true}');
    await expect(registry.manifest(reference, { digest })).resolves.toMatchObject({ digest });
  });

  it('with a digest is found by its tag where a registry knows no others', async () => {
    const { registry, server } = await setUp();
    const digest = server.addManifest('library/other:v1', MANIFEST.replace('2', '2 '), { byTagAlone: true });
    const reference = referenceOn(server, 'library/other:v1');
    await expect(registry.manifest(reference, { digest })).resolves.toMatchObject({ digest });
    expect(server.requests.map(({ path }) => path.split('/').at(-1))).toEqual([digest, 'v1']);
  });

  it('that is not the pinned one is refused, and both digests are named', async () => {
    const { registry, reference, digest, server } = await setUp();
    const moved = server.addManifest('library/other:v1', '{"moved":true}', { byTagAlone: true });
    const ended = registry.manifest(referenceOn(server, 'library/other:v1'), { digest });
    await expect(ended).rejects.toMatchObject({ reason: 'DigestMismatch' });
    await expect(ended).rejects.toThrow(digest);
    await expect(ended).rejects.toThrow(moved);
    expect(reference.model).toBe('tiny');
  });

  it.each([
    [400, 'InvalidReference'],
    [401, 'Unauthorized'],
    [403, 'Unauthorized'],
    [404, 'NotFound'],
    [412, 'NeedsNewerRuntime'],
  ])('refused with %s ends with %s and the words of the registry', async (status, reason) => {
    const { registry, reference, server, clock } = await setUp();
    server.always(/manifests/, refuse(status, { body: '{"errors":[{"code":"X","message":"update\\nOllama first"}]}' }));
    const ended = registry.manifest(reference);
    await expect(ended).rejects.toMatchObject({ name: 'PullError', reason, statusCode: status });
    await expect(ended).rejects.toThrow('update Ollama first');
    await expect(ended).rejects.toThrow('library/tiny:latest');
    expect(clock.pauses).toEqual([]);
  });

  it.each<[string, Behaviour]>([
    ['500', refuse(500)],
    ['a cut before the answer', drop],
    ['a cut in the body', cutAfter(5)],
  ])('is asked for again after %s', async (_, behaviour) => {
    const { registry, reference, server, digest, clock } = await setUp();
    server.next(/manifests/, behaviour, behaviour);
    await expect(registry.manifest(reference)).resolves.toMatchObject({ digest });
    expect(clock.pauses).toEqual([375, 750]);
  });

  it('is asked for as late as Retry-After says', async () => {
    const { registry, reference, server, digest, clock } = await setUp();
    server.next(/manifests/, refuse(429, { headers: { 'retry-after': '20' } }));
    await expect(registry.manifest(reference)).resolves.toMatchObject({ digest });
    expect(clock.pauses).toEqual([20_375]);
  });

  it('that never comes ends as Unreachable with the host and the reason', async () => {
    const { registry, reference, server, clock } = await setUp();
    server.always(/manifests/, refuse(503, { body: '<html>sorry</html>' }));
    const ended = registry.manifest(reference);
    await expect(ended).rejects.toMatchObject({ reason: 'Unreachable', statusCode: 503 });
    await expect(ended).rejects.toThrow(`${server.host} cannot answer (HTTP 503)`);
    expect(clock.pauses).toHaveLength(6);
  });

  it('that the registry is silent about for 30 s is asked for again', async () => {
    const { registry, reference, server, digest, clock } = await setUp();
    server.next(/manifests/, freeze);
    const found = registry.manifest(reference);
    await vi.waitUntil(() => server.requests.length === 1, { timeout: 20_000 });
    clock.runOut(30_000);
    await expect(found).resolves.toMatchObject({ digest });
  });

  it('of more than 4 MiB is refused, announced or not', async () => {
    const { registry, reference, server } = await setUp();
    server.addManifest('library/tiny:latest', Buffer.alloc(4 * 1024 * 1024 + 1, 32));
    await expect(registry.manifest(reference)).rejects.toMatchObject({ reason: 'Corrupt' });
    server.always(/manifests/, (call) => call.serve({ sends: 4 * 1024 * 1024 + 1, ending: 'end' }));
    await expect(registry.manifest(reference)).rejects.toMatchObject({ reason: 'Corrupt' });
  });

  it('is given up with the reason of the signal', async () => {
    const { registry, reference, server } = await setUp();
    server.always(/manifests/, freeze);
    const stop = new AbortController();
    const reason = new Error('stopped');
    const ended = expect(registry.manifest(reference, { signal: stop.signal })).rejects.toBe(reason);
    await vi.waitUntil(() => server.requests.length === 1, { timeout: 20_000 });
    stop.abort(reason);
    await ended;
  });
});

describe('credentials', () => {
  it('become a token, which all further requests use', async () => {
    const { server, reference, digest } = await setUp();
    const { registry } = registryFor({ credentials: docker(server.host) });
    protect(server, { token: 'abc', grants: ({ headers }) => headers.authorization === `Basic ${btoa('me:secret')}` });
    await registry.manifest(reference);
    await expect(registry.manifest(reference)).resolves.toMatchObject({ digest });
    const asked = server.requests.filter(({ path }) => path === '/token');
    expect(asked).toHaveLength(1);
    expect([...(asked[0]?.query ?? [])]).toEqual([
      ['service', 'models'],
      ['scope', 'repository:library/tiny:pull'],
    ]);
    expect(server.requests).toHaveLength(4);
  });

  it('are not needed where the token server gives to all', async () => {
    const { registry, server, reference, digest } = await setUp();
    protect(server, { token: 'abc' });
    await expect(registry.manifest(reference)).resolves.toMatchObject({ digest });
  });

  it('that the token server refuses end as Unauthorized, without the password in the message', async () => {
    const { server, reference } = await setUp();
    const { registry } = registryFor({ credentials: docker(server.host) });
    protect(server, { token: 'abc', grants: () => false });
    const error = await registry.manifest(reference).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ reason: 'Unauthorized', message: expect.stringContaining('no such user') });
    expect(JSON.stringify(error) + String(error)).not.toContain('secret');
  });

  it('of another host are not sent', async () => {
    const { server, reference } = await setUp();
    const { registry } = registryFor({ credentials: docker('other.example.org') });
    server.always(/./, refuse(401, { headers: { 'www-authenticate': 'Basic realm="x"' } }));
    await expect(registry.manifest(reference)).rejects.toMatchObject({ reason: 'Unauthorized' });
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it('are sent as they are where the registry asks for that', async () => {
    const { server, reference, digest } = await setUp();
    const { registry } = registryFor({ credentials: docker(server.host) });
    server.next(/./, refuse(401, { headers: { 'www-authenticate': 'Basic realm="x"' } }));
    await expect(registry.manifest(reference)).resolves.toMatchObject({ digest });
    expect(server.requests.at(-1)?.headers.authorization).toBe(`Basic ${btoa('me:secret')}`);
  });

  it('are renewed when the token has run out or is refused', async () => {
    const { server, reference, clock, registry } = await setUp();
    protect(server, { token: 'abc', expiresInSeconds: 300 });
    await registry.manifest(reference);
    clock.runOut(299_000);
    await registry.manifest(reference);
    server.next(/manifests/, refuse(401, { headers: { 'www-authenticate': `Bearer realm="${server.url}/token"` } }));
    await expect(registry.manifest(reference)).rejects.toMatchObject({ reason: 'Unauthorized' }); // the same token again
    expect(server.requests.filter(({ path }) => path === '/token')).toHaveLength(3);
  });

  it('are asked for once by many requests at a time', async () => {
    const { server, reference, registry } = await setUp();
    const layer = server.addBlob(Buffer.from('hello'));
    protect(server, { token: 'abc' });
    const signal = new AbortController().signal;
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => registry.blob(reference, layer, { offset: 1, end: 3 }, signal)),
    );
    for (const { stream } of answers) expect((await stream.toArray()).join('')).toBe('el');
    expect(server.requests.filter(({ path }) => path === '/token')).toHaveLength(1);
  });
});

describe('a redirect', () => {
  it('to another host is followed without the credentials', async () => {
    const { server, reference, registry } = await setUp();
    const storage = await registryServer();
    const layer = storage.addBlob(Buffer.from('hello'));
    protect(server, { token: 'abc' });
    const signal = new AbortController().signal;
    server.next(/blobs/, refuse(401, { headers: { 'www-authenticate': `Bearer realm="${server.url}/token"` } }));
    server.next(/blobs/, redirect(`${storage.url}/v2/x/y/blobs/${layer.digest}?signed=1`));
    const { stream } = await registry.blob(reference, layer, { offset: 0 }, signal);
    expect((await stream.toArray()).join('')).toBe('hello');
    expect(server.requests.at(-1)?.headers.authorization).toBe('Bearer abc');
    expect(storage.requests).toHaveLength(1);
    expect(storage.requests[0]?.headers).not.toHaveProperty('authorization');
    expect(storage.requests[0]?.headers).not.toHaveProperty('cookie');
  });

  it('of a token server to another host does not get the token that is sent there', async () => {
    const { server, reference } = await setUp();
    const elsewhere = await registryServer();
    const docker = parseDockerCredentials(
      JSON.stringify({ auths: { [server.host]: { identitytoken: 'long' } } }),
      'it',
    );
    const { registry } = registryFor({ credentials: { docker } });
    protect(server, { token: 'abc' });
    server.always(/\/token/, redirect(`${elsewhere.url}/token`));
    await expect(registry.manifest(reference)).rejects.toMatchObject({
      reason: 'Unreachable',
      message: expect.stringContaining(`redirects to ${elsewhere.host}, which does not get what was sent`),
    });
    expect(server.requests.some(({ body }) => body.includes('long'))).toBe(true);
    expect(elsewhere.requests).toEqual([]);
  });

  it('within the host keeps them', async () => {
    const { server, reference, registry, digest } = await setUp();
    protect(server, { token: 'abc' });
    server.next(
      /manifests/,
      refuse(401, { headers: { 'www-authenticate': `Bearer realm="${server.url}/token"` } }),
      redirect(`/v2/library/tiny/manifests/${digest}`, 302),
    );
    await expect(registry.manifest(reference)).resolves.toMatchObject({ digest });
  });

  it.each(['ftp://example.org/x', 'http://[', 'file:///etc/passwd'])('to %s is refused', async (location) => {
    const { server, reference, registry } = await setUp();
    server.always(/manifests/, redirect(location));
    await expect(registry.manifest(reference)).rejects.toMatchObject({ reason: 'Unreachable', statusCode: 307 });
    expect(server.requests).toHaveLength(1);
  });
});

describe('TLS', () => {
  const secure = async () => {
    const server = await registryServer({ tls: true });
    const digest = server.addManifest('library/tiny:latest', MANIFEST);
    return { server, digest, reference: referenceOn(server) };
  };

  it('with a private authority is trusted where its certificate is given', async () => {
    const { server, digest, reference } = await secure();
    const { registry } = registryFor({ plainHttp: false, network: { ca: server.ca } });
    await expect(registry.manifest(reference)).resolves.toMatchObject({ digest });
  });

  it('with an authority that nobody knows is given up at once, with the cure', async () => {
    const { server, reference } = await secure();
    const { registry, lines } = registryFor({ plainHttp: false });
    const ended = registry.manifest(reference);
    await expect(ended).rejects.toMatchObject({ reason: 'Untrusted' });
    await expect(ended).rejects.toThrow(/self.signed certificate/);
    await expect(ended).rejects.toThrow('spec.model.source.registry.caBundleRef');
    expect({ requests: server.requests, connections: server.connections, lines }).toEqual({
      requests: [],
      connections: 1,
      lines: [],
    });
  });

  it('that the registry does not speak is told with the field for plain HTTP, not in the words of OpenSSL', async () => {
    const server = await registryServer();
    const { registry } = registryFor({ plainHttp: false });
    const ended = registry.manifest(referenceOn(server));
    await expect(ended).rejects.toMatchObject({ reason: 'Unreachable' });
    await expect(ended).rejects.toThrow(/does not answer with TLS; .* spec\.model\.source\.registry\.plainHttp/);
  });

  it('is not left for http: not by a redirect to a manifest, not for a token', async () => {
    const { server, reference } = await secure();
    const plain = await registryServer();
    const { registry } = registryFor({
      plainHttp: false,
      network: { ca: server.ca },
      credentials: docker(server.host),
    });
    server.next(/manifests/, redirect(`${plain.url}/v2/library/tiny/manifests/latest`));
    await expect(registry.manifest(reference)).rejects.toThrow('from https to http');
    server.next(/manifests/, refuse(401, { headers: { 'www-authenticate': `Bearer realm="${plain.url}/token"` } }));
    await expect(registry.manifest(reference)).rejects.toMatchObject({ reason: 'Unauthorized' });
    expect(plain.requests).toHaveLength(0);
  });
});

describe('mirrors', () => {
  it('are asked first, in their order, for the same repository', async () => {
    const [first, second] = [await registryServer(), await registryServer()];
    const { server, reference, registry, digest, lines } = await setUp({
      mirrors: [first.url, `${second.url}/cache`],
    });
    second.addManifest('cache/library/tiny:latest', MANIFEST);
    await expect(registry.manifest(reference)).resolves.toMatchObject({ digest, endpoint: second.host });
    expect(first.requests.map(({ path }) => path)).toEqual(['/v2/library/tiny/manifests/latest']);
    expect(server.requests).toHaveLength(0);
    expect(lines).toContainEqual(expect.objectContaining({ level: 'warn', message: 'mirror passed over' }));
  });

  it('that serve another manifest than the pinned one are passed over', async () => {
    const mirror = await registryServer();
    mirror.addManifest('library/tiny:latest', '{"old":true}');
    const { server, reference, registry, digest } = await setUp({ mirrors: [mirror.url] });
    await expect(registry.manifest(reference, { digest })).resolves.toMatchObject({ digest, endpoint: server.host });
  });

  it('and the own host are all named when none answers', async () => {
    const mirror = await registryServer();
    const { server, reference, registry } = await setUp({ mirrors: [mirror.url] });
    server.always(/./, refuse(500));
    const ended = registry.manifest(reference);
    await expect(ended).rejects.toMatchObject({ reason: 'Unreachable' });
    await expect(ended).rejects.toThrow(`${mirror.host} has nothing there`);
    await expect(ended).rejects.toThrow(`${server.host} cannot answer`);
    // What it has not it will not have a second later.
    expect(mirror.requests).toHaveLength(1);
  });

  it('do not get the credentials of the own host', async () => {
    const mirror = await registryServer();
    const { server, reference, digest } = await setUp();
    mirror.always(/./, refuse(401, { headers: { 'www-authenticate': 'Basic realm="x"' } }));
    const { registry } = registryFor({ mirrors: [mirror.url], credentials: docker(server.host) });
    await expect(registry.manifest(reference)).resolves.toMatchObject({ digest });
    expect(mirror.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });
});

describe('a proxy', () => {
  /** Knows every name as this one server; notes what it was asked to reach. */
  async function proxyTo(target: string) {
    const asked: string[] = [];
    const [host = '', port = ''] = target.split(':');
    const proxy = createServer((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
      response.writeHead(200, { 'content-type': 'application/json' }).end(MANIFEST);
    });
    proxy.on('connect', (request, socket) => {
      asked.push(`CONNECT ${request.url}`);
      const through = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        through.pipe(socket).pipe(through);
      });
      for (const end of [socket, through]) end.on('error', () => undefined);
      socket.on('close', () => through.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void proxy.close().closeAllConnections());
    return { url: `http://me:pass@127.0.0.1:${(proxy.address() as AddressInfo).port}`, asked };
  }

  it('carries requests for http, with its own credentials', async () => {
    const { url, asked } = await proxyTo('127.0.0.1:1');
    const { registry } = registryFor({ network: { proxies: { httpProxy: url } } });
    await registry.manifest(parseReference('models.example/library/tiny:latest'));
    expect(asked).toEqual([`GET http://models.example/v2/library/tiny/manifests/latest Basic ${btoa('me:pass')}`]);
  });

  it('is a tunnel for https: the certificate is checked end to end', async () => {
    const server = await registryServer({ tls: true });
    server.addManifest('library/tiny:latest', MANIFEST);
    const { url, asked } = await proxyTo(server.host);
    const network = { ca: server.ca, proxies: { httpsProxy: url } };
    const { registry } = registryFor({ plainHttp: false, network });
    // The certificate is for localhost, and not for this name.
    await expect(registry.manifest(parseReference('models.example/library/tiny'))).rejects.toThrow('models.example');
    expect(asked[0]).toBe('CONNECT models.example:443');
    expect(server.requests).toHaveLength(0);
  });

  it('is left out for the hosts of NO_PROXY', async () => {
    const server = await registryServer();
    const digest = server.addManifest('library/tiny:latest', MANIFEST);
    const { url, asked } = await proxyTo('127.0.0.1:1');
    const { registry } = registryFor({ network: { proxies: { httpProxy: url, noProxy: '127.0.0.0/8' } } });
    await expect(registry.manifest(referenceOn(server))).resolves.toMatchObject({ digest });
    expect(asked).toEqual([]);
  });
});

describe('a moving tag', () => {
  it('gives each pull the manifest that its digest names', async () => {
    const { server, reference, registry, digest } = await setUp();
    const first = await registry.manifest(reference);
    const moved = server.addManifest('library/tiny:latest', '{"schemaVersion":2,"layers":[],"moved":1}');
    expect(digestOf(first.bytes)).toBe(digest);
    await expect(registry.manifest(reference)).resolves.toMatchObject({ digest: moved });
    await expect(registry.manifest(reference, { digest: first.digest })).resolves.toMatchObject({ digest });
  });
});
