// Readers of answers, under random chunk boundaries: what is read and what passes must not depend on how the bytes were cut.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAnswerReader } from '../../src/gateway/usage.ts';
import { answers } from '../unit/gateway/answers.ts';

/** `bytes` cut at the given places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1))), bytes.length].sort((a, b) => a - b);
  let start = 0;
  return ends.map((end) => {
    const piece = bytes.subarray(start, end);
    start = end;
    return piece;
  });
}

function readAll(pieces: readonly Uint8Array[], contentType: string, hideUsage: boolean) {
  const reader = createAnswerReader({ contentType, hideUsage });
  const passed = [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()];
  const { usage, complete, failed, records } = reader;
  return { passed: Buffer.concat(passed).toString(), usage, complete, failed, records };
}

const places = fc.array(fc.nat(2000), { maxLength: 40 });

test('every answer is read alike, however it is cut, and passes byte for byte', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...answers),
      places,
      ({ text, contentType, usage, complete = true, failed = false }, at) => {
        const read = readAll(cut(Buffer.from(text), at), contentType, false);
        expect(read).toMatchObject({ passed: text, usage, complete, failed });
      },
    ),
    { numRuns: 500 },
  );
});

test('byte by byte too', () => {
  for (const { text, contentType, usage } of answers) {
    const bytes = Buffer.from(text);
    const read = readAll(cut(bytes, [...bytes.keys()]), contentType, false);
    expect(read).toMatchObject({ passed: text, usage });
  }
});

const choices = fc.oneof(
  fc.constant([]),
  fc.array(fc.record({ index: fc.nat(3), text: fc.string({ unit: 'binary' }), logprobs: fc.constant(null) }), {
    minLength: 1,
    maxLength: 3,
  }),
);
const usage = fc.record({ prompt_tokens: fc.nat(), completion_tokens: fc.nat(), total_tokens: fc.nat() });
/** With the usage at any place among the members. */
const event = fc
  .record({
    choices,
    usage: fc.option(usage, { nil: undefined }),
    first: fc.boolean(),
    lineEnd: fc.constantFrom('\n', '\r\n'),
  })
  .map(({ choices: chosen, usage: counted, first, lineEnd }) => {
    const blank = lineEnd + lineEnd;
    const others = { id: 'c', choices: chosen };
    const json = JSON.stringify(first ? { usage: counted, ...others } : { ...others, usage: counted });
    const kept = !(counted && chosen.length === 0);
    return { sent: `data: ${json}${blank}`, wanted: kept ? `data: ${JSON.stringify(others)}${blank}` : '' };
  });

test('hidden usage leaves exactly the stream that nobody had asked to count', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 8 }), places, (events, at) => {
      const sent = `${events.map((e) => e.sent).join('')}data: [DONE]\n\n`;
      const wanted = `${events.map((e) => e.wanted).join('')}data: [DONE]\n\n`;
      expect(readAll(cut(Buffer.from(sent), at), 'text/event-stream', true)).toMatchObject({
        passed: wanted,
        complete: true,
      });
    }),
    { numRuns: 300 },
  );
});

test('bytes of any kind pass as they are, and never throw', () => {
  const kinds = fc.constantFrom('text/event-stream', 'application/json', 'application/x-ndjson', 'text/plain');
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), kinds, fc.boolean(), (pieces, contentType, hide) => {
      const reader = createAnswerReader({ contentType, hideUsage: hide });
      const passed = [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()];
      expect(Buffer.concat(passed)).toEqual(Buffer.concat(pieces));
    }),
    { numRuns: 300 },
  );
});
