import { expect, test } from 'vitest';
import { batchBuffer, createBatch } from '../../../src/models/batch.ts';
import type { Clock } from '../../../src/process/clock.ts';

const KiB = 1024;

function batchOf(size: number, { position = 0, fail = false } = {}) {
  const written: [start: number, end: number][] = [];
  const content = Buffer.alloc(position + size);
  let nowMs = 0;
  const clock: Clock = { now: () => 0, monotonic: () => nowMs, after: () => ({ cancel: () => undefined }) };
  const write = async (bytes: Uint8Array, at: number) => {
    if (fail) throw new Error('no room');
    written.push([at, at + bytes.length]);
    content.set(bytes, at);
  };
  const batch = createBatch({ position, buffer: batchBuffer(size), write, clock });
  return { batch, written, content, pass: (ms: number) => void (nowMs += ms) };
}

/** 0, 1, 2 … 255, 0, 1 … */
const counting = (from: number, length: number) =>
  Buffer.from(Array.from({ length }, (_, index) => (from + index) % 256));

test('gathers small pieces into large writes, in their places', async () => {
  const size = 650 * KiB;
  const { batch, written, content } = batchOf(size, { position: 100 });
  for (let at = 0; at < size; at += 65 * KiB) {
    const piece = counting(at, 65 * KiB);
    await batch.add(piece);
    piece.fill(0xff); // it may be overwritten at once
  }
  await batch.flush();
  expect(written).toEqual([
    [100, 100 + 256 * KiB],
    [100 + 256 * KiB, 100 + 512 * KiB],
    [100 + 512 * KiB, 100 + size],
  ]);
  expect(content.subarray(100).equals(counting(0, size))).toBe(true);
});

test('writes what is whole at once, and nothing twice', async () => {
  const { batch, written } = batchOf(300);
  await batch.add(counting(0, 200));
  expect(written).toEqual([]);
  await batch.add(counting(200, 100));
  await batch.flush();
  await batch.flush();
  expect(written).toEqual([[0, 300]]);
});

test('takes a piece that is larger than itself', async () => {
  const { batch, content } = batchOf(1_200 * KiB);
  const piece = counting(7, 1_200 * KiB);
  await batch.add(piece);
  await batch.flush();
  expect(content.equals(piece)).toBe(true);
});

test('over a slow connection does not wait until it is full', async () => {
  const { batch, written, pass } = batchOf(10_000);
  await batch.add(counting(0, 1_000));
  pass(249);
  await batch.add(counting(1_000, 1_000));
  expect(written).toEqual([]);
  pass(1);
  await batch.add(counting(2_000, 1_000));
  expect(written).toEqual([[0, 3_000]]);
});

test('forgets what could not be written', async () => {
  const { batch, written } = batchOf(100, { fail: true });
  await expect(batch.add(counting(0, 100))).rejects.toThrow('no room');
  await batch.flush();
  expect(written).toEqual([]);
});
