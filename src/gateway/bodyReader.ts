// The body of a request, read whole: bounded by itself, and by what all bodies together may take.
import type { IncomingMessage } from 'node:http';
import { GatewayError } from './errors.ts';

/** Memory that bodies share: a thousand clients may each send a large one at the same time. */
export interface BodyRoom {
  /** A place for one body. */
  open(): BodyPlace;
  /** Bytes that are held now. */
  readonly taken: number;
}

export interface BodyPlace {
  /** False when there is no room for so many bytes more. */
  add(bytes: number): boolean;
  /** Gives all of it back; a second call does nothing. */
  close(): void;
}

export function createBodyRoom(maxBytes: number): BodyRoom {
  let taken = 0;
  return {
    get taken() {
      return taken;
    },
    open() {
      let held = 0;
      return {
        add(bytes) {
          if (taken + bytes > maxBytes) return false;
          taken += bytes;
          held += bytes;
          return true;
        },
        close() {
          taken -= held;
          held = 0;
        },
      };
    },
  };
}

export interface ReadBodyOptions {
  maxBytes: number;
  place: BodyPlace;
  /** Rejects with its reason. */
  signal: AbortSignal;
  /** Called when the body is wanted: a client that said `Expect: 100-continue` waits for it. */
  onWanted(): void;
}

const tooLarge = (maxBytes: number) =>
  new GatewayError('TooLarge', `the body is larger than ${maxBytes} bytes, which is limits.maxBodyBytes`);

const noRoom = () =>
  new GatewayError('QueueFull', 'too many large requests at once; try again in 1 s', { retryAfterSeconds: 1 });

/** What the client says of its length; Node's parser has made sure that it is one number. */
const declaredLength = ({ headers }: IncomingMessage): number => Number(headers['content-length'] ?? 0);

/** Of a body whose length is known, so much is gathered in pieces before the whole gets its place: who only says that it is large takes none. */
const GATHERED_BYTES = 1024 * 1024;

/** The bytes of a body: a large one is put together while it arrives, and so is in memory once and not twice at its end. */
function createGathering(declaredBytes: number) {
  let pieces: Buffer[] = [];
  let whole: Buffer | undefined;
  let size = 0;
  return {
    add(piece: Buffer): void {
      const before = size;
      size += piece.byteLength;
      if (!whole && size > GATHERED_BYTES && size <= declaredBytes) {
        whole = Buffer.allocUnsafeSlow(declaredBytes);
        Buffer.concat(pieces).copy(whole);
        pieces = [];
      }
      if (whole) piece.copy(whole, before);
      else pieces.push(piece);
    },
    bytes(): Buffer {
      if (whole) return whole.subarray(0, size);
      return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
    },
  };
}

/** Rejects with TooLarge as soon as that is known, with QueueFull when bodies of others take the room, or with the signal's reason. */
export function readBody(request: IncomingMessage, options: ReadBodyOptions): Promise<Buffer> {
  const { maxBytes, place, signal, onWanted } = options;
  return new Promise((resolve, reject) => {
    const declared = declaredLength(request);
    const body = createGathering(declared);
    let size = 0;
    const finish = (settle: () => void) => {
      request.off('data', onData).off('end', onEnd);
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    const fail = (error: unknown) => finish(() => reject(error));
    const onAbort = () => fail(signal.reason);
    const onEnd = () => finish(() => resolve(body.bytes()));
    const onData = (chunk: Buffer) => {
      size += chunk.byteLength;
      if (size > maxBytes) return fail(tooLarge(maxBytes));
      if (!place.add(chunk.byteLength)) return fail(noRoom());
      body.add(chunk);
    };
    if (signal.aborted) return reject(signal.reason);
    if (declared > maxBytes) return reject(tooLarge(maxBytes));
    onWanted();
    signal.addEventListener('abort', onAbort, { once: true });
    request.on('data', onData).on('end', onEnd);
  });
}
