import { describe, expect, it, test } from 'vitest';
import type { GgufHeader } from '../../../src/models/gguf.ts';
import { derivedConfig, impliedStop, modelFacts } from '../../../src/models/modelConfig.ts';
import { headerOf } from './tinyGguf.ts';

const gguf = (change: Partial<GgufHeader> = {}) => headerOf(change);

describe('derivedConfig', () => {
  it('is filled in from the weights where the config says nothing', () => {
    expect(derivedConfig({ config: {}, gguf: gguf({ parameterCount: 3_821_079_648 }) })).toMatchObject({
      model_format: 'gguf',
      model_family: 'llama',
      model_families: ['llama'],
      model_type: '3.8B',
      file_type: 'Q4_K_M',
      renderer: undefined,
    });
  });

  it('believes the config before the weights, and keeps what only it knows', () => {
    const config = {
      model_type: '4B',
      file_type: 'Q8_0',
      model_families: ['llama', 'clip'],
      requires: '0.14.0',
      capabilities: ['completion'],
      draft: { model_format: 'gguf', architecture: 'tiny' },
    };
    expect(derivedConfig({ config, gguf: gguf() })).toMatchObject(config);
  });

  it('leaves behind what only a model that runs elsewhere has', () => {
    const keys = Object.keys(
      derivedConfig({ config: { context_length: 1, embedding_length: 2, base_name: 'x' } }) ?? {},
    );
    expect(keys).not.toEqual(expect.arrayContaining(['context_length']));
    expect(keys).not.toEqual(expect.arrayContaining(['base_name']));
  });

  test.each(['gemma4', 'laguna', 'nemotron_h'])('names the renderer of %s where nobody else does', (architecture) => {
    const known = { config: {}, gguf: gguf({ architecture }) };
    expect(derivedConfig(known)).toMatchObject({ renderer: expect.any(String), parser: expect.any(String) });
    expect(derivedConfig({ ...known, config: { renderer: 'own', parser: 'own' } })).toMatchObject({
      renderer: 'own',
      parser: 'own',
    });
  });

  it('ends answers of gemma4 as its renderer needs it', () => {
    expect(impliedStop({ config: {}, gguf: gguf({ architecture: 'gemma4' }) })).toEqual({ stop: ['<turn|>'] });
    expect(impliedStop({ config: { renderer: 'a', parser: 'b' }, gguf: gguf({ architecture: 'gemma4' }) })).toEqual({});
    expect(impliedStop({ config: {}, gguf: gguf({ architecture: 'constructor' }) })).toEqual({});
  });
});

describe('modelFacts', () => {
  it('believes the weights before the config', () => {
    const config = {
      file_type: 'F16',
      model_family: 'other',
      model_families: ['other', 'clip'],
      context_length: 1,
      requires: '0.14.0',
    };
    expect(modelFacts({ config, gguf: gguf({ parameterCount: 82_240 }) })).toEqual({
      quantization: 'Q4_K_M',
      family: 'llama',
      families: ['llama', 'other', 'clip'],
      parameterSize: '82K',
      contextLength: 2048,
      requires: '0.14.0',
    });
  });

  it('takes the config where the weights say nothing', () => {
    const config = { file_type: 'F16', model_type: '1B' };
    expect(modelFacts({ config, gguf: gguf({ quantization: 'unknown' }) })).toMatchObject({ quantization: 'F16' });
    expect(modelFacts({ config })).toEqual({ quantization: 'F16', families: [], parameterSize: '1B' });
  });
});
