import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createBodyRoom, readBody } from '../../../src/gateway/bodyReader.ts';
import { createLightGate } from '../../../src/gateway/lightGate.ts';

describe('room for bodies', () => {
  it('is shared, and given back once', () => {
    const room = createBodyRoom(10);
    const [a, b] = [room.open(), room.open()];
    expect([a.add(6), b.add(5), b.add(4), b.add(1)]).toEqual([true, false, true, false]);
    a.close();
    a.close();
    expect(room.taken).toBe(4);
    expect(b.add(6)).toBe(true);
    b.close();
    expect(room.taken).toBe(0);
  });
});

describe('a body', () => {
  const pieces = Array.from({ length: 40 }, (_, index) => Buffer.alloc(64 * 1024, index + 1));
  const whole = Buffer.concat(pieces);

  function read(headers: Record<string, string>, maxBytes = whole.length) {
    const request = Object.assign(Readable.from(pieces), { headers }) as unknown as IncomingMessage;
    const place = createBodyRoom(100 * 1024 * 1024).open();
    const { signal } = new AbortController();
    return readBody(request, { maxBytes, place, signal, onWanted: () => undefined });
  }

  it.each([
    ['that says how long it is', { 'content-length': String(whole.length) }],
    ['in chunks, whose length nobody knows', {}],
  ])('%s is read whole, also a large one', async (_, headers) => {
    expect((await read(headers)).equals(whole)).toBe(true);
  });

  it.each([
    ['says', { 'content-length': String(whole.length) }],
    ['turns out', {}],
  ])('is refused as soon as it %s to be too large', async (_, headers) => {
    await expect(read(headers, whole.length - 1)).rejects.toMatchObject({ reason: 'TooLarge' });
  });
});

describe('the gate of light requests', () => {
  it('has so many places, each given back once', () => {
    const gate = createLightGate(1);
    const leave = gate.enter();
    expect(() => gate.enter()).toThrow('more than 1');
    leave();
    leave();
    const again = gate.enter();
    expect(() => gate.enter()).toThrow('more than 1');
    again();
  });
});
