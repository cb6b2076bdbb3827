// Fetches one file over HTTP and lets nothing through whose SHA-256 is not the expected one.
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Dispatcher, EnvHttpProxyAgent, fetch, type Response } from 'undici';

export type DownloadProblem = 'unreachable' | 'refused' | 'cut' | 'checksum';

/** Why a download came to nothing. `unreachable`: no connection; `refused`: an HTTP status; `cut`: ended too early. */
export class DownloadError extends Error {
  readonly reason: DownloadProblem;
  constructor(reason: DownloadProblem, message: string) {
    super(message);
    this.name = 'DownloadError';
    this.reason = reason;
  }
}

export interface Downloader {
  text(url: string): Promise<string>;
  /** Writes the file at `url` to `path`, or nothing. `onBytes` is told of every chunk's size. */
  file(url: string, path: string, sha256: string, onBytes?: (count: number) => void): Promise<void>;
  close(): Promise<void>;
}

export interface Patience {
  /** Milliseconds. A closed network must be noticed within seconds: there is another way to get the binaries. */
  connectMs: number;
  headersMs: number;
  /** Between two chunks of a body. */
  bodyMs: number;
}

const patience: Patience = { connectMs: 5_000, headersMs: 10_000, bodyMs: 20_000 };

/** Obeys HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the process's environment. */
export function createDownloader({ connectMs, headersMs, bodyMs }: Patience = patience): Downloader {
  const dispatcher: Dispatcher = new EnvHttpProxyAgent({
    connect: { timeout: connectMs },
    headersTimeout: headersMs,
    bodyTimeout: bodyMs,
  });

  async function open(url: string): Promise<Response> {
    const response = await fetch(url, { dispatcher }).catch((error: unknown) => {
      throw new DownloadError('unreachable', `${new URL(url).host} cannot be reached: ${rootCause(error)}`);
    });
    if (response.ok) return response;
    await response.body?.cancel();
    throw new DownloadError('refused', `${url} answered ${response.status}`);
  }

  async function text(url: string): Promise<string> {
    const response = await open(url);
    return response.text().catch((error: unknown) => {
      throw new DownloadError('cut', `${url} ended too early: ${rootCause(error)}`);
    });
  }

  async function file(url: string, path: string, sha256: string, onBytes = (_count: number) => {}): Promise<void> {
    const response = await open(url);
    const hash = createHash('sha256');
    const watch = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        onBytes(chunk.length);
        done(null, chunk);
      },
    });
    try {
      if (!response.body) throw new Error('the answer has no body');
      await pipeline(Readable.fromWeb(response.body), watch, createWriteStream(path));
    } catch (error) {
      await rm(path, { force: true });
      throw new DownloadError('cut', `${url} ended too early: ${rootCause(error)}`);
    }
    const actual = hash.digest('hex');
    if (actual === sha256) return;
    await rm(path, { force: true });
    throw new DownloadError('checksum', `${url} has SHA-256 ${actual}, its publisher says ${sha256}`);
  }

  return { text, file, close: () => dispatcher.destroy() };
}

function rootCause(error: unknown): string {
  let deepest = error;
  while (deepest instanceof Error && deepest.cause !== undefined) deepest = deepest.cause;
  return deepest instanceof Error ? deepest.message || deepest.name : String(deepest);
}
