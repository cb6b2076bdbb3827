// A download that is killed in the middle, by a signal that no process can catch, and goes on in the next process.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { resumableBytes } from '../../src/models/partialState.ts';
import { blobPath } from '../../src/models/store.ts';
import { setUp } from './download.ts';
import { type Behaviour, stallAfter } from './registryServer.ts';

const node = join(import.meta.dirname, '../../node_modules/.bin/node');
const program = join(import.meta.dirname, 'downloadChild.ts');

/** Its output, the number of bytes that it fetched, when it has ended by itself. */
async function outputOf(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.on('data', (piece: Buffer) => {
    text += piece.toString('utf8');
  });
  const [code, signal] = await once(child, 'close');
  return code === 0 ? text : `ended with ${code ?? signal}`;
}

describe('a killed download', () => {
  const chunkBytes = 16_384;
  const chunks = 64;
  const waiting = { timeout: 25_000, interval: 5 };
  const well: Behaviour = (call) => call.serve();

  it.each([3, 17, 40, 61])('is taken up by the next process (killed after %s chunks)', async (killedAfter) => {
    const { server, content, layer, store, stored } = await setUp(chunkBytes * chunks);
    const start = () => {
      const facts = { reference: `${server.host}/library/tiny`, layer, root: store.root, chunkBytes };
      const child = spawn(node, [program, JSON.stringify(facts)], { stdio: ['ignore', 'pipe', 'inherit'] });
      onTestFinished(() => void child.kill('SIGKILL'));
      return child;
    };

    // All three connections hang in the middle of a chunk when the signal comes.
    server.next(/blobs/, ...Array<Behaviour>(killedAfter).fill(well), stallAfter(99), stallAfter(99), stallAfter(99));
    const killed = start();
    await vi.waitUntil(() => server.stalled === 3, waiting);
    await vi.waitUntil(async () => (await resumableBytes(store, layer)) >= (killedAfter - 1) * chunkBytes, waiting);
    killed.kill('SIGKILL');
    await once(killed, 'close');
    server.dropConnections();
    expect(existsSync(blobPath(store, layer.digest))).toBe(false);

    const fetched = Number(await outputOf(start()));
    expect(await stored()).toEqual(content);
    expect(await readdir(store.partial)).toEqual([]);
    expect(fetched).toBeGreaterThan(0);
    // Lost is what was in flight, and less than a chunk that the state did not tell of yet.
    expect(fetched).toBeLessThanOrEqual((chunks - killedAfter + 1) * chunkBytes);
  });
});
