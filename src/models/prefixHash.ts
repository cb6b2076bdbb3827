// SHA-256 of a file that is still being written, in a thread of its own, so that it costs the download no time: the hash follows
// the part from the beginning that is whole, and what it reads was written a moment ago, so it comes from memory.
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { type Digest, digestOfHex } from './digest.ts';
import { fileError, PullError } from './errors.ts';
import type { HashReply, HashTask } from './hashWorker.ts';

export interface PrefixHash {
  /** So many bytes from the beginning are whole and will not change any more. */
  advance(bytes: number): void;
  /** Resolves once all bytes are hashed; rejects with a PullError. */
  readonly digest: Promise<Digest>;
  /** Ends the thread, if it still runs. */
  close(): Promise<void>;
}

/** Beside this file; in a bundle a program of its own, beside the program that this file is in or one folder above its parts. */
const workerUrls = ['./hashWorker.ts', './hashWorker.js', '../hashWorker.js'].map(
  (name) => new URL(name, import.meta.url),
);

function workerUrl(): URL {
  const url = workerUrls.find((candidate) => existsSync(candidate));
  if (!url) throw new PullError('Internal', 'hashWorker.js is missing beside the program; the build has left it out');
  return url;
}

/** `size` is that of the whole file, in bytes; the file has to exist. */
export function createPrefixHash(path: string, size: number): PrefixHash {
  const wholeBytes = new BigInt64Array(new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT));
  const task: HashTask = { path, size, wholeBytes };
  const worker = new Worker(workerUrl(), { workerData: task, resourceLimits: { maxOldGenerationSizeMb: 32 } });
  const digest = new Promise<Digest>((resolve, reject) => {
    const fail = (error: unknown) => reject(fileError(error, `hash ${path}`));
    worker.once('message', (reply: HashReply) => {
      if ('hex' in reply) resolve(digestOfHex(reply.hex));
      else fail(Object.assign(new Error(reply.error), { code: reply.code }));
    });
    worker.once('error', fail);
    worker.once('exit', (code) => fail(new Error(`the thread ended early (exit code ${code})`)));
  });
  digest.catch(() => undefined); // whoever waits for it hears of it

  return {
    digest,
    advance(bytes) {
      Atomics.store(wholeBytes, 0, BigInt(bytes));
      Atomics.notify(wholeBytes, 0);
    },
    close: async () => void (await worker.terminate()),
  };
}
