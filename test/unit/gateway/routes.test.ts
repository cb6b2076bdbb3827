import { describe, expect, it } from 'vitest';
import { type Family, GatewayError } from '../../../src/gateway/errors.ts';
import { createRouteTable, familyOf, type RuntimeKind, refused, routes } from '../../../src/gateway/routes.ts';

const all: readonly Family[] = ['OpenAI', 'Native', 'Anthropic'];
const table = (runtime: RuntimeKind, protocols = all) => createRouteTable({ runtime, protocols });

function outcome(method: string, target: string, { runtime = 'Ollama' as RuntimeKind, protocols = all } = {}) {
  try {
    return table(runtime, protocols).match({ method, target }).route.path;
  } catch (error) {
    if (error instanceof GatewayError) return error.reason;
    throw error;
  }
}

describe('the allow-lists', () => {
  it('hold these routes and no other', () => {
    const listed = (runtime: RuntimeKind) =>
      routes
        .filter(({ runtimes }) => runtimes.includes(runtime))
        .map(({ family, methods, path }) => `${family} ${methods.join('|')} ${path}`);
    expect(listed('Ollama')).toEqual([
      'OpenAI POST /v1/chat/completions',
      'OpenAI POST /v1/completions',
      'OpenAI POST /v1/embeddings',
      'OpenAI POST /v1/responses',
      'OpenAI GET|HEAD /v1/models',
      'OpenAI GET|HEAD /v1/models/*',
      'Native POST /api/generate',
      'Native POST /api/chat',
      'Native POST /api/embed',
      'Native POST /api/embeddings',
      'Native POST /api/show',
      'Native GET|HEAD /api/version',
      'Native GET|HEAD /api/tags',
      'Native GET /api/ps',
      'Native GET|HEAD /',
      'Anthropic POST /v1/messages',
    ]);
    expect(listed('FoundryLocal')).toEqual([
      'OpenAI POST /v1/chat/completions',
      'OpenAI POST /v1/embeddings',
      'OpenAI POST /v1/responses',
      'OpenAI GET|HEAD /v1/models',
      'OpenAI GET|HEAD /v1/models/*',
      'Native GET /models/loaded',
    ]);
  });

  it.each(routes.filter(({ runtimes }) => runtimes.includes('Ollama')))('open $path', ({ path, methods }) => {
    const target = path.replace('*', 'tiny:latest');
    for (const method of methods) expect(outcome(method, `${target}?api-version=1`)).toBe(path);
    expect(outcome('PUT', target)).toBe('NotFound');
    expect(outcome('DELETE', target)).toBe('NotFound');
  });

  it.each([
    ['POST', '/v1/chat/completions', 'OpenAI'],
    ['POST', '/api/chat', 'Native'],
    ['POST', '/v1/messages', 'Anthropic'],
  ] as const)('open %s %s only with its protocol', (method, target, family) => {
    expect(outcome(method, target, { protocols: [family] })).toBe(target);
    expect(outcome(method, target, { protocols: all.filter((other) => other !== family) })).toBe('NotFound');
    const others = table(
      'Ollama',
      all.filter((other) => other !== family),
    );
    expect(() => others.match({ method, target })).toThrow(`takes ${family} in spec.api.protocols`);
  });

  it('open nothing of Ollama on Foundry Local', () => {
    for (const target of ['/api/generate', '/api/chat', '/v1/completions', '/v1/messages'])
      expect(outcome('POST', target, { runtime: 'FoundryLocal' })).toBe('NotFound');
  });

  it('open embeddings on Foundry Local only for a model of that kind: with a chat model its process would crash', () => {
    const match = (kind: 'Embed' | 'Generate' | undefined) =>
      createRouteTable({ runtime: 'FoundryLocal', protocols: all, modelKind: () => kind }).match({
        method: 'POST',
        target: '/v1/embeddings',
      });
    expect(match('Embed').route.path).toBe('/v1/embeddings');
    for (const kind of ['Generate', undefined] as const) expect(() => match(kind)).toThrow('not of the kind Embed');
  });
});

describe('what changes models, accounts or the process', () => {
  it.each(refused)('is forbidden with the reason: $path', ({ path, why }) => {
    const target = path.replace('*', 'x');
    for (const runtime of ['Ollama', 'FoundryLocal'] as const)
      for (const method of ['GET', 'POST', 'DELETE', 'HEAD', 'PATCH'])
        expect(() => table(runtime, ['OpenAI']).match({ method, target })).toThrow(why);
    expect(outcome('POST', `${target}/`)).toBe('Forbidden');
    expect(outcome('POST', `${target}?x=1`)).toBe('Forbidden');
  });
});

describe('path tricks', () => {
  it.each([
    '//api/chat',
    '/api//chat',
    '/api/chat/',
    '/api/./chat',
    '/api/x/../chat',
    '/v1/../api/pull',
    '/api/%63hat',
    '/api%2fchat',
    '/api%2Fpull',
    '/API/chat',
    '/Api/Pull',
    '/api/chat%00',
    '/api/chat\\..\\pull',
    '/api\\pull',
    '/api/chat;x=1',
    '/api/chat#',
    '/v1/chat/completions/../../../api/pull',
    '/api/%2e%2e/shutdown',
    '/metrics',
    '/health',
    '/v1',
    '/v1/models/',
    '/openai/models',
    '/status',
    '/.',
    '/..',
  ])('are not found: %s', (target) => {
    for (const method of ['GET', 'POST']) expect(outcome(method, target)).toBe('NotFound');
  });

  it.each(['http://runtime/api/pull', 'api/chat', '*', 'example.com:443', ''])(
    'that are no path are bad: %j',
    (target) => {
      expect(outcome('POST', target)).toBe('BadRequest');
    },
  );

  it('never reach the runtime through a name, which is only compared', () => {
    const { route, name } = table('Ollama').match({ method: 'GET', target: '/v1/models/..%2f..%2fapi%2fpull' });
    expect(route.handling).toBe('Model');
    expect(name).toBe('../../api/pull');
  });

  it('do not bring their letters into the message', () => {
    expect(() => table('Ollama').match({ method: 'GET', target: '/\u001b[31m\n' })).toThrow(/^[\x20-\x7e…]+$/);
  });
});

describe('the name of a model in the path', () => {
  it.each([
    ['/v1/models/hf.co/user/repo:q4', 'hf.co/user/repo:q4'],
    ['/v1/models/hf.co%2Fuser%2Frepo%3Aq4', 'hf.co/user/repo:q4'],
    ['/v1/models/tiny:latest?x=1', 'tiny:latest'],
  ])('of %s is %s', (target, name) => {
    expect(table('Ollama').match({ method: 'GET', target }).name).toBe(name);
  });

  it('that cannot be decoded is not found', () => {
    expect(outcome('GET', '/v1/models/%E0%A4%A')).toBe('NotFound');
  });
});

describe('the dialect of an error', () => {
  it.each([
    ['/v1/messages', 'Anthropic'],
    ['/v1/messages?beta=true', 'Anthropic'],
    ['/v1/messages/count_tokens', 'Anthropic'],
    ['/v1/messagesx', 'OpenAI'],
    ['/v1/nothing', 'OpenAI'],
    ['/v10', 'Native'],
    ['/api/pull', 'Native'],
    ['*', 'Native'],
  ])('on %s is that of %s', (target, family) => {
    expect(familyOf(target)).toBe(family);
  });
});
