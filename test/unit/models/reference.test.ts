import { describe, expect, it, test } from 'vitest';
import { PullError } from '../../../src/models/errors.ts';
import {
  formatReference,
  manifestPath,
  parseReference,
  referenceOfPath,
  referenceProblem,
  repositoryOf,
  shortReference,
} from '../../../src/models/reference.ts';

const library = (model: string, tag = 'latest') => ({ host: 'registry.ollama.ai', namespace: 'library', model, tag });

describe('parseReference', () => {
  test.each([
    ['phi4-mini', library('phi4-mini')],
    ['phi4-mini:3.8b', library('phi4-mini', '3.8b')],
    ['Qwen2.5:3b-instruct-q4_K_M', library('Qwen2.5', '3b-instruct-q4_K_M')],
    ['_a', library('_a')],
    ['me/mine', { ...library('mine'), namespace: 'me' }],
    ['me/mine:v1', { ...library('mine', 'v1'), namespace: 'me' }],
    [
      'hf.co/bartowski/Llama-3.2-1B:Q4_K_M',
      { host: 'hf.co', namespace: 'bartowski', model: 'Llama-3.2-1B', tag: 'Q4_K_M' },
    ],
    ['localhost:5000/team/m', { host: 'localhost:5000', namespace: 'team', model: 'm', tag: 'latest' }],
    [`${'h'.repeat(350)}/n/m:t`, { host: 'h'.repeat(350), namespace: 'n', model: 'm', tag: 't' }],
    ['a'.repeat(80), library('a'.repeat(80))],
  ])('reads %s', (text, expected) => {
    expect(parseReference(text)).toEqual(expected);
  });

  test.each<[string, string | undefined, RegExp]>([
    ['', undefined, /is empty/],
    [':latest', 'model', /empty model/],
    ['a:', 'tag', /empty tag/],
    ['/a', 'namespace', /empty namespace/],
    ['//a', 'host', /empty host/],
    ['h//a', 'namespace', /empty namespace/],
    ['n/', 'model', /empty model/],
    ['a b', 'model', /the model "a b"/],
    ['-a', 'model', /begins with a letter/],
    ['.a', 'model', /begins with a letter/],
    ['a:b:c', 'model', /the model "a:b"/],
    ['a:.x', 'tag', /the tag "\.x"/],
    ['a:x y', 'tag', /the tag "x y"/],
    ['registry.example.org/a', 'namespace', /host\/namespace\/model/],
    ['h/n:x/m', 'namespace', /the namespace "n:x"/],
    ['a/b/c/d', undefined, /more than two slashes/],
    ['../../etc/passwd', undefined, /more than two slashes/],
    ['../etc/passwd', 'host', /the host "\.\."/],
    ['h/../m', 'namespace', /dot in its namespace/],
    ['http://h/n/m', 'host', /without a scheme/],
    [`a@sha256:${'0'.repeat(64)}`, undefined, /cannot carry a digest/],
    ['é', 'model', /letters, digits/],
    ['a\u0000b', 'model', /letters, digits/],
    ['a'.repeat(81), 'model', /81 characters; at most 80/],
    [`a:${'t'.repeat(81)}`, 'tag', /81 characters; at most 80/],
    [`${'n'.repeat(81)}/a`, 'namespace', /81 characters; at most 80/],
    [`${'h'.repeat(351)}/n/a`, 'host', /351 characters; at most 350/],
  ])('says what is wrong with %j', (text, part, message) => {
    const problem = referenceProblem(text);
    expect(problem?.part).toBe(part);
    expect(problem?.message).toMatch(message);
  });

  it('throws InvalidReference that quotes what it was given, shortened', () => {
    const attempt = () => parseReference(`${'x'.repeat(500)} y`);
    expect(attempt).toThrow(PullError);
    expect(attempt).toThrow(expect.objectContaining({ reason: 'InvalidReference' }));
    expect(attempt).toThrow(/^"x{99}…" has a model of 502 characters; at most 80/);
  });
});

describe('forms of a reference', () => {
  it('has a full form that reads back', () => {
    const reference = parseReference('localhost:5000/team/m:v1');
    expect(formatReference(reference)).toBe('localhost:5000/team/m:v1');
    expect(parseReference(formatReference(reference))).toEqual(reference);
  });

  test.each([
    ['phi4-mini', 'phi4-mini:latest'],
    ['me/mine:v1', 'me/mine:v1'],
    ['hf.co/me/mine', 'hf.co/me/mine:latest'],
    ['hf.co/library/m', 'hf.co/library/m:latest'],
    ['Registry.Ollama.AI/Library/m', 'm:latest'],
  ])('is shown by Ollama as short as it can be: %s', (text, short) => {
    expect(shortReference(parseReference(text))).toBe(short);
  });

  it('names its repository and its place in a store', () => {
    const reference = parseReference('phi4-mini:3.8b');
    expect(repositoryOf(reference)).toBe('library/phi4-mini');
    expect(manifestPath(reference)).toBe('registry.ollama.ai/library/phi4-mini/3.8b');
    expect(referenceOfPath(manifestPath(reference))).toEqual(reference);
  });

  test.each(['a', 'h/n/m', 'h/n/m/t/x', 'h/n/m/.t', 'h/n.x/m/t', '../n/m/t', 'h/n/m/', ''])(
    'does not take the path %j for a model',
    (path) => {
      expect(referenceOfPath(path)).toBeUndefined();
    },
  );
});
