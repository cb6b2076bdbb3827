import { describe, expect, it } from 'vitest';
import { createBodyRoom } from '../../../src/gateway/bodyReader.ts';
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
