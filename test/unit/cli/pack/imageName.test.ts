import { describe, expect, it } from 'vitest';
import { defaultImageName, formatImageName, parseImageName } from '../../../../src/cli/pack/imageName.ts';
import { UsageError } from '../../../../src/cli/verb.ts';

describe('the name of an image', () => {
  it.each([
    ['registry.example.org/ai/phi4-mini:3.8b', 'registry.example.org/ai/phi4-mini:3.8b'],
    ['registry.example.org:5000/phi', 'registry.example.org:5000/phi:latest'],
    ['localhost/phi:1', 'localhost/phi:1'],
    ['[1', undefined],
    ['phi:1', 'docker.io/library/phi:1'],
    ['me/phi:1', 'docker.io/me/phi:1'],
    ['a/b/c_d__e--f.g:V1', 'docker.io/a/b/c_d__e--f.g:V1'],
  ])('%s is %s', (text, name) => {
    if (name === undefined) expect(() => parseImageName(text)).toThrow(UsageError);
    else expect(formatImageName(parseImageName(text))).toBe(name);
  });

  it.each([
    ['Registry.example.org/AI/phi', '"AI" must be lower-case'],
    ['https://registry.example.org/phi', 'it has no scheme'],
    ['phi@sha256:0', 'a digest is computed'],
    ['phi:', '"" is no tag'],
    ['phi:-x', '"-x" is no tag'],
    [`phi:${'x'.repeat(129)}`, 'is no tag'],
    ['a//b', '"" must be lower-case'],
    ['-.x/phi', '"-.x" is no host'],
    [`r.io/${'x'.repeat(260)}`, 'more than 255'],
    ['', '"" must be lower-case'],
  ])('refuses %s', (text, why) => {
    expect(() => parseImageName(text)).toThrow(why);
  });

  it.each([
    ['phi4-mini', '3.8b', 'localhost/phi4-mini:3.8b'],
    ['Some-Model_GGUF', 'Q4_K_M', 'localhost/some-model-gguf:Q4_K_M'],
    ['_', 'x', 'localhost/model:x'],
  ])('is made of the model %s:%s where none is given, and can be read again', (model, tag, name) => {
    expect(formatImageName(defaultImageName(model, tag))).toBe(name);
    expect(formatImageName(parseImageName(name))).toBe(name);
  });
});
