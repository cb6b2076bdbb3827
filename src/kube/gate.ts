// A condition that many can wait for, and that can also cease to hold.

export interface Gate {
  readonly isOpen: boolean;
  open(): void;
  close(): void;
  /** Resolves once the gate is open; rejects with the signal's reason if that comes first. */
  whenOpen(signal?: AbortSignal): Promise<void>;
}

export function createGate(): Gate {
  let isOpen = false;
  const waiting = new Set<() => void>();

  return {
    get isOpen() {
      return isOpen;
    },
    open() {
      isOpen = true;
      for (const proceed of waiting) proceed();
    },
    close() {
      isOpen = false;
    },
    whenOpen(signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        if (isOpen) return resolve();
        const leave = () => {
          waiting.delete(proceed);
          signal?.removeEventListener('abort', giveUp);
        };
        const proceed = () => {
          leave();
          resolve();
        };
        const giveUp = () => {
          leave();
          reject(signal?.reason);
        };
        waiting.add(proceed);
        signal?.addEventListener('abort', giveUp, { once: true });
      });
    },
  };
}
