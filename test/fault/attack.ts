// Attacks on a gateway of its own, and what must be left of it afterwards: its memory, its places, and a runtime that never saw them.
import { expect } from 'vitest';
import { chatBody, type DoorOptions, type OpenDoor, openDoor, post } from './door.ts';
import { rawClient } from './rawClient.ts';

export const patience = { timeout: 25_000, interval: 10 };
export const MiB = 1024 * 1024;

const rss = () => process.memoryUsage().rss;

/** Bytes that this process may have grown by: server, attackers and test framework together. */
const MOST_GROWTH = 160 * MiB;

/** Runs an attack, and looks at what is left of the gateway. */
export async function attacked(options: DoorOptions, attack: (door: OpenDoor) => Promise<void>): Promise<OpenDoor> {
  const door = await openDoor(options);
  await (await fetch(`${door.url}/api/chat`, post(chatBody()))).text();
  const before = rss();
  await attack(door);
  expect(rss() - before).toBeLessThan(MOST_GROWTH);
  expect(door.runtime.requests).toHaveLength(1);
  const answer = await fetch(`${door.url}/api/chat`, post(chatBody()));
  expect([answer.status, await answer.json()]).toEqual([200, expect.objectContaining({ done: true })]);
  expect([door.admission.inFlight, door.admission.queued]).toEqual([0, 0]);
  return door;
}

export const statusOf = (text: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]);

/** Sends it, and reads until the answer is there and the connection closed. */
export async function refusedWith(port: number, bytes: string): Promise<{ status: number; body: unknown }> {
  const client = await rawClient(port);
  client.send(bytes);
  const text = await client.ended();
  return { status: statusOf(text), body: JSON.parse(text.split('\r\n\r\n')[1] ?? '') };
}

export const body = chatBody();
export const head = (...more: string[]) => [
  'POST /api/chat HTTP/1.1',
  'host: a',
  'content-type: application/json',
  ...more,
];
