// Signals of the operating system, turned into one AbortSignal: the first asks to end, the second ends.
import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';

/** What is needed of Node's `process`. */
export interface SignalSource {
  on(event: ShutdownReason, listener: () => void): unknown;
  off(event: ShutdownReason, listener: () => void): unknown;
  exit(code: number): void;
}

export type ShutdownReason = 'SIGTERM' | 'SIGINT';

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const satisfies Record<ShutdownReason, number>;

export interface ShutdownOptions {
  process: SignalSource;
  log: Logger;
  clock: Clock;
  /** Milliseconds after the first signal at which the process ends even if work still runs. */
  graceMs: number;
}

export interface Shutdown {
  /** Aborts at the first SIGTERM or SIGINT; its reason is the name of the signal. */
  readonly signal: AbortSignal;
  /** Stops listening, and calls off the end that `graceMs` would bring. */
  dispose(): void;
}

/**
 * Listens for SIGTERM and SIGINT. A second one of either kind exits at once, as a person at a terminal expects;
 * so does the end of the grace, because kubelet would kill us next without a word in the log.
 */
export function listenForShutdown({ process, log, clock, graceMs }: ShutdownOptions): Shutdown {
  const controller = new AbortController();
  let overdue: { cancel(): void } | undefined;

  const listenerOf = (name: ShutdownReason) => () => {
    if (controller.signal.aborted) {
      log.warn({ signal: name }, 'second signal, exiting at once');
      process.exit(exitCodes[name]);
      return;
    }
    log.info({ signal: name, graceMs }, 'stopping');
    overdue = clock.after(graceMs, () => {
      log.error({ graceMs }, 'work did not end in time, exiting');
      process.exit(1);
    });
    controller.abort(name);
  };
  const listeners = { SIGTERM: listenerOf('SIGTERM'), SIGINT: listenerOf('SIGINT') };
  process.on('SIGTERM', listeners.SIGTERM);
  process.on('SIGINT', listeners.SIGINT);

  return {
    signal: controller.signal,
    dispose() {
      overdue?.cancel();
      process.off('SIGTERM', listeners.SIGTERM);
      process.off('SIGINT', listeners.SIGINT);
    },
  };
}
