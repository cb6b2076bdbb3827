// How a drain is begun from outside: `gateway drain`, the preStop of the gateway's container, speaks to the gateway over a
// Unix socket, which nobody outside the pod can reach.
import { rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { type Clock, delay } from '../process/clock.ts';
import { listen } from '../process/listen.ts';
import type { Logger } from '../process/logger.ts';
import type { State } from './state.ts';
import type { Truth } from './truth.ts';
import { drained } from './verdicts.ts';

export interface DrainServer {
  /** Takes no more words. */
  close(): Promise<void>;
}

const ASK = 'drain\n';
const ANSWER = 'draining\n';
const IDLE_MS = 2000;

function listenTo(socket: Socket, begin: () => void): void {
  let heard = '';
  socket.setEncoding('utf8').setTimeout(IDLE_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (text: string) => {
    heard += text;
    if (heard === ASK) {
      begin();
      socket.end(ANSWER);
    } else if (!ASK.startsWith(heard)) socket.destroy();
  });
}

/** Listens on the socket; one that a gateway before it has left there is replaced. Rejects with the error of `listen`. */
export async function startDrainServer(path: string, begin: () => void, log: Logger): Promise<DrainServer> {
  await rm(path, { force: true });
  const server = createServer((socket) => listenTo(socket, begin));
  await listen(server, { path });
  server.on('error', (err) => log.error({ err }, 'drain socket failed'));
  return { close: () => new Promise((resolve) => void server.close(() => resolve())) };
}

/** Resolves when the gateway has begun its drain. Rejects with the error of the socket, or after `timeoutMs` of silence. */
export function askToDrain(path: string, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write(ASK));
    let heard = '';
    socket.setEncoding('utf8').setTimeout(timeoutMs, () => socket.destroy(new Error('the gateway does not answer')));
    socket.on('data', (text: string) => {
      heard += text;
    });
    socket.once('error', reject);
    socket.once('close', () => {
      if (heard === ANSWER) resolve();
      else reject(new Error('the gateway has not begun to drain'));
    });
  });
}

export interface DrainWatch {
  /** Resolves once main may be stopped; see `waitForDrain`. */
  mayStop(): Promise<string>;
  /** Resolves once a drain has begun and nothing runs any more. */
  done(): Promise<void>;
}

export interface DrainWatchOptions {
  truth: Truth;
  clock: Clock;
  /** Requests that run or wait. */
  inFlight(): number;
}

/**
 * Both preStop hooks start at once, and the one of main has been seen 0.1 s before the other: for so long it waits for a drain
 * to begin. Where none does, main alone is being restarted.
 */
const DRAIN_MUST_BEGIN_MS = 5000;
/** Requests end between two ticks. */
const LOOK_MS = 100;

const hasBegun = ({ facts }: State): boolean => facts.drainingSince !== undefined;
/** A pod that serves nothing has no endpoints to be withdrawn: where nothing runs, it need not wait for that. */
const isDrained = ({ state }: Truth, inFlight: number, clock: Clock): boolean =>
  drained(state, inFlight, clock.monotonic()) ||
  (hasBegun(state) && inFlight === 0 && state.fitness.reason !== 'Serving');

export function createDrainWatch({ truth, clock, inFlight }: DrainWatchOptions): DrainWatch {
  async function done(): Promise<void> {
    while (!isDrained(truth, inFlight(), clock)) await delay(clock, LOOK_MS);
  }
  return {
    done,
    async mayStop() {
      const until = clock.monotonic() + DRAIN_MUST_BEGIN_MS;
      while (!hasBegun(truth.state)) {
        if (clock.monotonic() >= until) return 'no drain was begun';
        await delay(clock, LOOK_MS);
      }
      await done();
      return 'drained';
    },
  };
}
