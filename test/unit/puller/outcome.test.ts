import { describe, expect, test } from 'vitest';
import {
  MAX_MESSAGE_BYTES,
  outcomes,
  parseOutcome,
  type TerminationMessage,
  writeOutcome,
} from '../../../src/puller/outcome.ts';

const entries = Object.entries(outcomes) as [keyof typeof outcomes, (typeof outcomes)[keyof typeof outcomes]][];

test('every ending has an exit code of its own, away from those of Node and shells', () => {
  const codes = entries.map(([, { exitCode }]) => exitCode);
  expect(new Set(codes).size).toBe(codes.length);
  for (const code of codes.filter((code) => code !== 0)) expect(code > 13 && code < 126).toBe(true);
});

describe('an ending is read back', () => {
  test.each(entries)('%s', (reason, { exitCode, retry }) => {
    const message: TerminationMessage = { reason, message: 'words', reference: 'a:1', sizeBytes: 5 };
    expect(parseOutcome(writeOutcome(message), exitCode)).toEqual({ ...message, retry });
  });

  test.each(entries)('%s by its exit code alone, when nothing was written', (reason, { exitCode, retry }) => {
    expect(parseOutcome(undefined, exitCode)).toMatchObject({ reason, retry });
  });
});

describe('what is no message of ours counts by the exit code', () => {
  test.each<[string, string | undefined, number, object]>([
    [
      'nothing, killed',
      undefined,
      137,
      { reason: 'Internal', message: 'the pull itself failed (exit code 137, killed: most often for memory)' },
    ],
    ['nothing, an unknown code', '', 1, { reason: 'Internal', message: 'the pull itself failed (exit code 1)' }],
    ['the tail of a log', 'Error: boom\n', 1, { reason: 'Internal', message: 'Error: boom' }],
    ['half a JSON', '{"reason":"NotFo', 21, { reason: 'NotFound', message: '{"reason":"NotFo' }],
    ['a number', '42', 21, { reason: 'NotFound', message: '42' }],
    [
      'a reason that we do not know yet',
      '{"reason":"Moon","message":"words"}',
      40,
      { reason: 'Unreachable', message: 'words' },
    ],
    ['success that was killed', '{"reason":"Done","message":"fine"}', 137, { reason: 'Internal' }],
    [
      'failure that succeeded',
      '{"reason":"NotFound","message":"gone"}',
      0,
      { reason: 'Done', message: 'the model is in the store and verified' },
    ],
    [
      'a message that is no text',
      '{"reason":"Moon","message":{}}',
      21,
      { reason: 'NotFound', message: 'the source has no such model' },
    ],
    ['null', 'null', 0, { reason: 'Done' }],
  ])('%s', (_what, message, exitCode, wanted) => expect(parseOutcome(message, exitCode)).toMatchObject(wanted));

  test('a long tail of a log is cut to its end', () => {
    const { message } = parseOutcome(`${'x'.repeat(4000)}the end`, 1);
    expect(message).toHaveLength(512);
    expect(message.endsWith('the end')).toBe(true);
  });
});

describe('a termination message', () => {
  test.each([
    ['plain', 'x'.repeat(10_000)],
    ['wide', '語'.repeat(10_000)],
    ['in need of escapes', '\u0000"\\'.repeat(5000)],
    ['in pairs', '😀'.repeat(5000)],
  ])('never grows over what kubelet keeps: %s', (_what, words) => {
    const message: TerminationMessage = {
      reason: 'NotFound',
      message: words,
      reference: 'r'.repeat(512),
      digest: `sha256:${'0'.repeat(64)}`,
    };
    const text = writeOutcome(message);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
    expect(Buffer.byteLength(text)).toBeGreaterThan(MAX_MESSAGE_BYTES - 16);
    expect(JSON.parse(text)).toMatchObject({
      reason: 'NotFound',
      reference: message.reference,
      digest: message.digest,
    });
  });

  test('that fits is left alone', () =>
    expect(JSON.parse(writeOutcome({ reason: 'Done', message: 'ok' }))).toEqual({ reason: 'Done', message: 'ok' }));
});
