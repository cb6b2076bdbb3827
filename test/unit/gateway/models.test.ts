import { describe, expect, it } from 'vitest';
import {
  createServed,
  type ModelFacts,
  ollamaLoaded,
  ollamaTags,
  openAiList,
  openAiOne,
} from '../../../src/gateway/models.ts';

const facts: ModelFacts = {
  digest: `sha256:${'a'.repeat(64)}`,
  sizeBytes: 1000,
  deviceBytes: 500,
  contextLength: 4096,
  family: 'llama',
  quantization: 'Q4_K_M',
  since: Date.UTC(2026, 0, 1),
};
const served = createServed({
  runtime: 'Ollama',
  servedNames: ['assistant', 'phi4-mini:3.8b'],
  name: 'lmd/derived:abc',
});

describe('served names', () => {
  it('lead to what the runtime calls the model', () => {
    expect(served.find('assistant')).toBe('assistant');
    expect(served.runtimeName('assistant')).toBe('lmd/derived:abc');
  });

  it('are the only ones: not even the runtime’s own name is taken', () => {
    for (const asked of ['lmd/derived:abc', 'phi4-mini', 'Assistant', 'assistant:1b', '', 'assistant ']) {
      expect(served.find(asked)).toBeUndefined();
      expect(served.unknown(asked)).toMatchObject({ reason: 'ModelNotFound', status: 404 });
    }
    expect(served.unknown('gpt-4').message).toBe('no model "gpt-4" here; use one of "assistant", "phi4-mini:3.8b"');
  });

  it('may carry :latest with Ollama, whose clients complete names so', () => {
    expect(served.find('assistant:latest')).toBe('assistant');
    const foundry = createServed({ runtime: 'FoundryLocal', servedNames: ['phi'], name: 'Phi-generic-cpu:5' });
    expect(foundry.find('phi:latest')).toBeUndefined();
    expect(foundry.unknown('x').message).toBe('no model "x" here; it is served as "phi"');
  });

  it('are not drowned in a long name that somebody asks for', () => {
    expect(served.unknown('x'.repeat(100_000)).message.length).toBeLessThan(200);
  });
});

describe('the lists', () => {
  it('show the served names and no other', () => {
    const openAi = openAiList(served.names, facts);
    expect(openAi.data.map(({ id }) => id)).toEqual(served.names);
    expect(openAi.data[0]).toEqual({ id: 'assistant', object: 'model', created: 1767225600, owned_by: 'library' });
    const tags = ollamaTags(served.names, facts);
    expect(tags.models.map(({ name, model }) => [name, model])).toEqual(served.names.map((name) => [name, name]));
    expect(tags.models[0]).toMatchObject({
      modified_at: '2026-01-01T00:00:00.000Z',
      size: 1000,
      digest: 'a'.repeat(64),
      details: { family: 'llama', quantization_level: 'Q4_K_M' },
    });
  });

  it('show what is loaded only while it is', () => {
    expect(ollamaLoaded(served.names, undefined)).toEqual({ models: [] });
    expect(ollamaLoaded(['assistant'], facts).models[0]).toMatchObject({
      name: 'assistant',
      size_vram: 500,
      context_length: 4096,
    });
  });

  it('find one model by any way to write its name', () => {
    expect(openAiOne(served, 'assistant:latest', facts).id).toBe('assistant');
    expect(() => openAiOne(served, 'gpt-4', facts)).toThrow('use one of');
  });
});
