import { describe, expect, it } from 'vitest';
import type { Base } from '../../../src/models/modelfile.ts';
import { parseReference } from '../../../src/models/reference.ts';
import { declarationOf } from '../../../src/puller/derivation.ts';

const base = (parameters: Base['parameters'] = {}): Base => ({
  reference: parseReference('tiny'),
  manifest: { mediaType: '', config: undefined, layers: [] },
  config: {},
  parameters,
});
const launch = { maxContext: 4096, threads: 4 };

describe('what a model is derived with', () => {
  it.each<[string, Base['parameters']]>([
    ['says nothing', {}],
    ['says the same', { num_ctx: 4096, num_thread: 4 }],
    ['leaves the threads to the server', { num_thread: 0 }],
    ['says something else about another matter', { temperature: 0.1, num_batch: 64 }],
  ])('is nothing where the base %s', (_, parameters) => {
    expect(declarationOf(base(parameters), { launch })).toBeUndefined();
  });

  it.each<[string, Base['parameters'], object[]]>([
    ['more context', { num_ctx: 131_072 }, [{ name: 'num_ctx', value: '4096' }]],
    ['less context', { num_ctx: 2048 }, [{ name: 'num_ctx', value: '4096' }]],
    ['a context that is no number', { num_ctx: '8k' }, [{ name: 'num_ctx', value: '4096' }]],
    ['other threads', { num_thread: 64 }, [{ name: 'num_thread', value: '4' }]],
  ])('is what holds where the base asks for %s', (_, parameters, expected) => {
    expect(declarationOf(base(parameters), { launch })?.parameters).toEqual(expected);
  });

  it('leaves threads to the base where nobody has declared any', () => {
    expect(declarationOf(base({ num_thread: 64 }), { launch: { maxContext: 4096 } })).toBeUndefined();
  });

  it('is what was declared, with what holds behind it', () => {
    const derived = { system: 'Be short.', parameters: [{ name: 'top_k', value: '1' }] };
    expect(declarationOf(base(), { derived, launch })).toEqual(derived);
    expect(declarationOf(base({ num_ctx: 8192 }), { derived, launch })).toEqual({
      system: 'Be short.',
      parameters: [...derived.parameters, { name: 'num_ctx', value: '4096' }],
    });
  });

  it('is the declared value where both speak of one parameter', () => {
    const derived = { parameters: [{ name: 'num_ctx', value: '1024' }] };
    expect(declarationOf(base({ num_ctx: 8192 }), { derived, launch })).toEqual(derived);
  });
});
