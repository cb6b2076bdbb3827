import { describe, expect, it } from 'vitest';
import { createEndpoints } from '../../../src/models/endpoints.ts';
import { parseReference } from '../../../src/models/reference.ts';

const urls = (reference: string, mirrors: string[] = [], plainHttp = false) =>
  createEndpoints({ mirrors, plainHttp })(parseReference(reference)).map(({ url }) => url);

describe('endpoints', () => {
  it('are the host of the reference, over https', () => {
    expect(urls('phi4-mini:3.8b')).toEqual(['https://registry.ollama.ai/v2/library/phi4-mini']);
    expect(urls('hf.co/bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M')).toEqual([
      'https://hf.co/v2/bartowski/Llama-3.2-1B-Instruct-GGUF',
    ]);
  });

  it('use http only for the own host and only when asked', () => {
    expect(urls('models.test:5000/a/b', ['https://mirror.test'], true)).toEqual([
      'https://mirror.test/v2/a/b',
      'http://models.test:5000/v2/a/b',
    ]);
  });

  it('begin with the mirrors, in their order, each once', () => {
    expect(urls('tiny', ['http://b.test', 'https://a.test/', 'http://b.test/'])).toEqual([
      'http://b.test/v2/library/tiny',
      'https://a.test/v2/library/tiny',
      'https://registry.ollama.ai/v2/library/tiny',
    ]);
  });

  it('leave out a mirror that is the own host', () => {
    const [only, ...more] = createEndpoints({ mirrors: ['https://registry.ollama.ai'], plainHttp: false })(
      parseReference('tiny'),
    );
    expect(only).toMatchObject({ host: 'registry.ollama.ai', mirror: false });
    expect(more).toEqual([]);
  });

  it('take the path of a mirror for the front part of the repository', () => {
    expect(urls('tiny', ['https://cache.test/ollama/'])[0]).toBe('https://cache.test/v2/ollama/library/tiny');
  });

  it('take a path with v2 in it as it is', () => {
    expect(urls('tiny', ['https://cache.test/api/docker/x/v2'])[0]).toBe(
      'https://cache.test/api/docker/x/v2/library/tiny',
    );
    expect(urls('tiny', ['https://cache.test/v2/project'])[0]).toBe('https://cache.test/v2/project/library/tiny');
  });

  it('tell the origin that credentials are bound to', () => {
    const [mirror] = createEndpoints({ mirrors: ['http://cache.test:8080/x'], plainHttp: false })(
      parseReference('a/b'),
    );
    expect(mirror).toMatchObject({ host: 'cache.test:8080', origin: 'http://cache.test:8080', mirror: true });
  });

  it.each([
    ['ftp://mirror.test', 'no http or https URL'],
    ['mirror.test', 'no http or https URL'],
    ['https://mirror.test/?x=1', 'query'],
    ['https://mirror.test/#x', 'fragment'],
  ])('refuse the mirror %s', (mirror, why) => {
    expect(() => createEndpoints({ mirrors: [mirror], plainHttp: false })).toThrow(why);
  });

  it('refuse credentials in the URL of a mirror without repeating them', () => {
    const act = () => createEndpoints({ mirrors: ['https://me:hunter2@mirror.test'], plainHttp: false });
    expect(act).toThrow('credentialsSecretRef');
    expect(act).not.toThrow('hunter2');
  });
});
