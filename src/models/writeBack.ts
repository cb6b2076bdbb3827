// Sends what was written to the disk now and then, so that it works while the network does and the sync in the end has little
// left to wait for.
import type { FileHandle } from 'node:fs/promises';

export interface WriteBack {
  /** So many bytes were written. Throws what an earlier sync has thrown: the kernel tells an error of the disk only once. */
  add(bytes: number): void;
  /** Resolves when nothing is under way; rejects with what a sync has thrown. */
  settled(): Promise<void>;
}

const EVERY_BYTES = 64 * 1024 * 1024;

export function createWriteBack(file: Pick<FileHandle, 'datasync'>, everyBytes = EVERY_BYTES): WriteBack {
  let waiting = 0;
  let running: Promise<void> | undefined;
  let failure: { error: unknown } | undefined;

  const throwFailure = () => {
    if (failure) throw failure.error;
  };

  async function sync(): Promise<void> {
    waiting = 0;
    try {
      await file.datasync();
    } catch (error) {
      failure = { error };
    }
    running = undefined;
  }

  return {
    add(bytes) {
      throwFailure();
      waiting += bytes;
      if (waiting >= everyBytes) running ??= sync();
    },
    async settled() {
      await running;
      throwFailure();
    },
  };
}
