// Waiting for what a gateway does, and asking it with a client that hands out the answer while it still comes.
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { expect, vi } from 'vitest';

export const patience = { timeout: 20_000, interval: 5 };
export const until = (condition: () => boolean) => vi.waitFor(() => expect(condition()).toBe(true), patience);

/** Asks with Node's own client, which hands out the answer while it still comes. */
export function ask(url: string, body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      url,
      { method: 'POST', agent: false, headers: { 'content-type': 'application/json' } },
      resolve,
    );
    request.on('error', reject);
    request.end(body);
  });
}

/** Looks in a row that see the same: one could be a busy machine. */
const STILL = 4;

/** Waits until it changes no more. */
export async function stalled(read: () => number | undefined): Promise<void> {
  let seen: (number | undefined)[] = [];
  await vi.waitFor(
    () => {
      const now = read();
      seen = seen[0] === now ? [...seen, now] : [now];
      expect(seen).toHaveLength(STILL);
    },
    { timeout: 20_000, interval: 250 },
  );
}
