// The registries that the pull is tested with: they hold a model, and keep it from those who may not have it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, fetch } from 'undici';
import { describe, expect, test } from 'vitest';
import { type AtEnd, given } from '../given.ts';
import { tinyLlama } from '../models/llama.ts';
import { type WrittenModel, writeModel } from '../models/written.ts';
import { call } from '../ollama/api.ts';
import { startOllama } from '../ollama/server.ts';
import { basicAuthorization } from './credentials.ts';
import { type RegistryOptions, type RunningRegistry, startRegistry } from './server.ts';
import { upload } from './upload.ts';

interface World {
  registry: RunningRegistry;
  model: WrittenModel;
  reference: string;
}

const name = 'library/tiny:v1';

let seed = 200;

/** A registry with a model in it whose weights no other test has. */
async function serve(options: RegistryOptions, atEnd: AtEnd): Promise<World> {
  const store = await mkdtemp(join(tmpdir(), 'lmo-upload-'));
  atEnd(() => rm(store, { recursive: true }));
  const model = await writeModel(store, name, { gguf: tinyLlama({ seed: seed++ }) });
  const registry = await startRegistry(options);
  atEnd(registry.stop);
  const { reference, digest } = await upload(registry, store, name);
  expect(digest).toBe(model.digest);
  return { registry, model, reference };
}

const get = ({ url, dispatcher }: RunningRegistry, path: string, headers: Record<string, string> = {}) =>
  fetch(`${url}/v2/library/tiny/${path}`, { headers, dispatcher, redirect: 'manual' });

describe.each([
  { kind: 'gcr', auth: 'none', tls: false },
  { kind: 'gcr', auth: 'basic', tls: true },
  { kind: 'distribution', auth: 'none', tls: true },
  { kind: 'distribution', auth: 'basic', tls: false },
  { kind: 'distribution', auth: 'bearer', tls: false },
  { kind: 'distribution', auth: 'bearer', tls: true },
] as const)('$kind, authentication: $auth, TLS: $tls', (options) => {
  const world = given(['registries'], ({ registries: binaries }, atEnd) => serve({ binaries, ...options }, atEnd));

  test('serves what was uploaded, and any range of it', async () => {
    const { registry, model } = world();
    const headers = registry.authorization('library/tiny');
    const manifest = await get(registry, 'manifests/v1', {
      ...headers,
      accept: 'application/vnd.docker.distribution.manifest.v2+json',
    });
    expect(Buffer.from(await manifest.arrayBuffer()).equals(model.manifest)).toBe(true);
    const range = await get(registry, `blobs/${model.weights}`, { ...headers, range: 'bytes=4-7' });
    expect(range.status).toBe(206);
    expect(Buffer.from(await range.arrayBuffer())).toEqual(Buffer.from([3, 0, 0, 0])); // the version of a GGUF
  });

  if (options.auth !== 'none')
    test('refuses who says no password, and tells how to go about it', async () => {
      const { registry } = world();
      const refused = await get(registry, 'manifests/v1');
      expect(refused.status).toBe(401);
      const challenge = refused.headers.get('www-authenticate') ?? '';
      if (!registry.tokens) return expect(challenge).toMatch(/^Basic realm=/i);
      expect(challenge).toContain(`Bearer realm="${registry.tokens.realm}"`);
      expect(challenge).toContain('scope="repository:library/tiny:pull"');
    });

  if (options.auth === 'bearer')
    test('gives a token for the password, which is good for pulling only', async () => {
      const { registry } = world();
      const { realm = '', service = '' } = registry.tokens ?? {};
      const scope = 'repository:library/tiny:pull,push';
      const url = `${realm}?${new URLSearchParams({ service, scope })}`;
      const headers = { authorization: basicAuthorization() };
      const { token } = (await (await fetch(url, { headers, dispatcher: registry.dispatcher })).json()) as {
        token: string;
      };
      const authorization = `Bearer ${token}`;
      expect((await get(registry, 'manifests/v1', { authorization })).status).toBe(200);
      const pushed = await fetch(`${registry.url}/v2/library/tiny/blobs/uploads/`, {
        method: 'POST',
        headers: { authorization },
        dispatcher: registry.dispatcher,
      });
      expect(pushed.status).toBe(401);
    });

  if (options.tls)
    test('is trusted only by who knows its authority', async () => {
      const { registry } = world();
      const stranger = new Agent();
      const failing = fetch(`${registry.url}/v2/`, { dispatcher: stranger });
      await expect(failing).rejects.toMatchObject({ cause: { code: expect.stringMatching(/CERT|SIGNATURE|ISSUER/) } });
      await stranger.close();
    });
});

describe('a pull by Ollama itself', () => {
  const world = given(['ollama', 'registries'], async ({ ollama, registries: binaries }, atEnd) => {
    const server = await startOllama({ binaries: ollama });
    atEnd(server.stop);
    const pull = async (options: Omit<RegistryOptions, 'binaries'>) => {
      const { reference: model } = await serve({ binaries, ...options }, atEnd);
      return { model, answer: await call(server.url, '/api/pull', { model, insecure: true }) };
    };
    return { server, pull };
  });

  test('works from a registry that sends the headers which it wants', async () => {
    const { server, pull } = world();
    const { model, answer } = await pull({ kind: 'gcr', ollama: true });
    expect(answer).toMatchObject({ status: 200, body: { status: 'success' } });
    const { body } = await call(server.url, '/api/generate', { model, prompt: 'hello' });
    expect(body.response).toBe('Hello from the tiny test model.');
  });

  test.each(['gcr', 'distribution'] as const)('fails from a plain registry: %s', async (kind) => {
    const { answer } = await world().pull({ kind });
    expect(answer.status).toBe(500);
    expect(answer.body.error).toContain('no Location header');
  });
});
