// SIGKILL at random moments of a pull, resumed each time. LMO_KILLS=200 for the full run, LMO_SEED for other moments.
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expect, it, vi } from 'vitest';
import { blobPath, type Store } from '../../src/models/store.ts';
import { registryServer } from './download.ts';
import { modelOn, pullFrom, sourceName, weightsOf, wholeModels } from './pull.ts';
import { startPull } from './pullProcess.ts';
import type { Behaviour } from './registryServer.ts';

const kills = Number(process.env.LMO_KILLS ?? 12);
const seed = Number(process.env.LMO_SEED ?? 4242);

const WEIGHTS_BYTES = 12_000_000;
const BYTES_PER_SECOND = 24_000_000;
const PIECE_BYTES = 65_536;

/** mulberry32. */
function chanceFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Serves the weights piece by piece, so that `sent` is what a client that dies has really been sent. */
function inPieces(weights: Buffer, sent: (bytes: number) => void): Behaviour {
  return ({ request, response }) => {
    const [, first = '0', last = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const start = Number(first);
    const end = last ? Number(last) + 1 : weights.length;
    const isPart = request.headers.range !== undefined;
    response.writeHead(isPart ? 206 : 200, {
      'content-length': end - start,
      ...(isPart && { 'content-range': `bytes ${start}-${end - 1}/${weights.length}` }),
    });
    function* pieces() {
      for (let at = start; at < end; at += PIECE_BYTES) {
        const piece = weights.subarray(at, Math.min(end, at + PIECE_BYTES));
        sent(piece.length);
        yield piece;
      }
    }
    pipeline(Readable.from(pieces()), response).catch(() => undefined);
  };
}

const sizeOf = async (path: string) => (await stat(path).catch(() => undefined))?.size ?? 0;

/** Bytes of unfinished downloads that are on the disk. */
async function partialBytes({ partial }: Store): Promise<number> {
  const names = await readdir(partial).catch(() => []);
  const blocks = await Promise.all(
    names.map(async (name) => ((await stat(join(partial, name)).catch(() => undefined))?.blocks ?? 0) * 512),
  );
  return blocks.reduce((sum, bytes) => sum + bytes, 0);
}

it(`survives ${kills} kills (seed ${seed})`, { timeout: 120_000 + kills * 10_000 }, async () => {
  const chance = chanceFrom(seed);
  const server = await registryServer();
  const model = modelOn(server, { size: WEIGHTS_BYTES });
  let sentBytes = 0;
  server.always(
    new RegExp(model.weights.digest),
    inPieces(weightsOf(WEIGHTS_BYTES), (bytes) => {
      sentBytes += bytes;
    }),
  );
  const source = { kind: 'Registry' as const, mirrors: [], plainHttp: true, bytesPerSecond: BYTES_PER_SECOND };
  const { config, store } = await pullFrom(server, { source, derived: { system: 'Be short.', parameters: [] } });
  const published = [expect.stringContaining('localmodels.dev/derived/tiny:'), sourceName(model.digest)];

  /** Moments in the life of a pull, reached sooner or later, each at once when it lies behind. */
  const moments: (() => () => Promise<boolean>)[] = [
    () => async () => (await sizeOf(store.lockFile)) > 0,
    () => {
      const bytes = chance() * WEIGHTS_BYTES;
      return async () => (await partialBytes(store)) >= bytes;
    },
    () => async () => (await sizeOf(blobPath(store, model.weights.digest))) > 0,
    () => async () => (await readdir(store.manifests).catch(() => [])).length > 0,
    () => async () => (await readdir(store.revisions).catch(() => [])).length > 0,
  ];
  // Most of a pull's time is its download, and so are most of the moments.
  const someMoment = () =>
    moments[chance() < 0.6 ? 1 : Math.floor(chance() * moments.length)]?.() ?? (async () => true);

  const counts = { killed: 0, finished: 0, downloads: 1, rounds: 0 };
  const env = { LOG_LEVEL: 'warn' };
  const finish = async () => {
    expect(await wholeModels(store)).toEqual(published);
    counts.finished += 1;
  };
  while (counts.killed < kills) {
    counts.rounds += 1;
    const pull = startPull(config, { env });
    const isReached = someMoment();
    await vi.waitUntil(async () => pull.isOver || (await isReached()), { timeout: 60_000, interval: 1 });
    pull.child.kill('SIGKILL');
    const { code, stdout, stderr } = await pull.ended;
    if (code !== null) expect({ code, stdout, stderr, ...counts }).toMatchObject({ code: 0 });
    else counts.killed += 1;
    // Throws for a manifest whose blobs are not whole.
    const names = await wholeModels(store).catch((error: unknown) => {
      throw new Error(`round ${counts.rounds}, kill ${counts.killed}: ${error}`, { cause: error });
    });
    if (code === 0) await finish();
    if (names.length > 0 && chance() < 0.5) {
      await rm(store.root, { recursive: true });
      counts.downloads += 1;
    }
  }
  expect(await startPull(config, { env }).ended, JSON.stringify(counts)).toMatchObject({ code: 0 });
  await finish();
  expect(await readdir(store.partial)).toEqual([]);
  const needed = counts.downloads * model.weights.size;
  const excess = sentBytes - needed;
  console.info(
    `${counts.killed} kills, ${counts.downloads} downloads, ${(sentBytes / 1e6).toFixed(1)} MB sent for ${(needed / 1e6).toFixed(1)} MB; ` +
      `${(excess / counts.killed / 1e6).toFixed(2)} MB in excess per kill`,
  );
  // The state is saved once a second, and here the whole file takes half of one: a kill may lose all of it, and no more. That
  // what was saved is used is for downloadKilled.test.ts to show.
  expect(excess / counts.killed).toBeLessThan(WEIGHTS_BYTES);
});
