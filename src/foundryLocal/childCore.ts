// A core in a process of its own. It is native code that cannot be interrupted, takes signals for itself and may crash: there it can be
// ended at any moment, and what it does to its process it does not do to this one, which has an exit code to give.
import { type ChildProcess, fork } from 'node:child_process';
import { CoreError, type CoreOptions, type DownloadOptions, type FoundryCore } from './core.ts';
import { type CoreReply, type CoreRequest, coreReply } from './coreMessages.ts';

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
  onPercent?: ((percent: number) => void) | undefined;
}

export interface ChildCoreOptions {
  /** The program that calls `runCore`, and its arguments. */
  readonly program: string;
  readonly argv: readonly string[];
}

const ending = (code: number | null, signal: string | null): string =>
  signal ? `by ${signal}${signal === 'SIGKILL' ? ', most often for memory' : ''}` : `with exit code ${code}`;

interface Channel {
  ask<T>(method: CoreRequest['method'], argument?: unknown, onPercent?: (percent: number) => void): Promise<T>;
  /** Resolves when the process is no more. */
  readonly ended: Promise<CoreError>;
}

/** Requests over the channel of a process; those that are open when it goes are rejected with how it went. */
function channelTo(child: ChildProcess): Channel {
  const pending = new Map<number, Pending>();
  const ended = Promise.withResolvers<CoreError>();
  let asked = 0;
  let gone: CoreError | undefined;

  function lose(error: CoreError): void {
    if (gone) return;
    gone = error;
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
    ended.resolve(error);
  }
  child.once('error', (cause) => lose(new CoreError('Missing', `the core cannot be started: ${cause.message}`, cause)));
  child.once('exit', (code, signal) => lose(new CoreError('Ended', `the core has ended ${ending(code, signal)}`)));
  child.on('message', (message) => {
    const reply: CoreReply = coreReply.parse(message);
    const waiting = pending.get(reply.id);
    if (reply.percent !== undefined) {
      waiting?.onPercent?.(reply.percent);
      return;
    }
    pending.delete(reply.id);
    if (reply.error) waiting?.reject(new CoreError(reply.error.reason, reply.error.message));
    else waiting?.resolve(reply.result);
  });

  return {
    ended: ended.promise,
    ask<T>(method: CoreRequest['method'], argument?: unknown, onPercent?: (percent: number) => void): Promise<T> {
      if (gone) return Promise.reject(gone);
      const request: CoreRequest = { id: ++asked, method, argument };
      return new Promise<T>((resolve, reject) => {
        pending.set(request.id, { resolve: resolve as (result: unknown) => void, reject, onPercent });
        child.send(request, (error) => error && lose(new CoreError('Ended', `the core has gone: ${error.message}`)));
      });
    },
  };
}

/** Starts a process and the core in it. Rejects with a CoreError; no process is left then. */
export async function startChildCore({ program, argv }: ChildCoreOptions, options: CoreOptions): Promise<FoundryCore> {
  const child: ChildProcess = fork(program, argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const { ask, ended } = channelTo(child);
  const end = (): void => void child.kill('SIGKILL');

  async function download(id: string, { onPercent, signal }: DownloadOptions): Promise<void> {
    signal.throwIfAborted();
    signal.addEventListener('abort', end, { once: true });
    try {
      await ask('download', id, onPercent);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  try {
    await ask('start', options);
  } catch (error) {
    end();
    throw error;
  }
  return {
    variants: () => ask('variants'),
    download,
    folderOf: (id) => ask('folderOf', id),
    load: (id) => ask('load', id),
    unload: (id) => ask('unload', id),
    providers: () => ask('providers'),
    register: (names) => ask('register', names),
    startService: () => ask('startService'),
    stopService: () => ask('stopService'),
    ended,
    end,
  };
}
