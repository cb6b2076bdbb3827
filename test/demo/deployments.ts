// The deployments of the demo's namespace as they are now, and news of each change.
import type { StoredDeployment } from '../../src/api/types.ts';
import { localModelDeployments } from '../../src/api/types.ts';
import type { Client } from '../../src/kube/client.ts';
import { createReflector } from '../../src/kube/reflector.ts';
import { createStore } from '../../src/kube/store.ts';
import { keyOf } from '../../src/kube/types.ts';
import { systemClock } from '../../src/process/clock.ts';
import { silentLogger } from '../../src/process/logger.ts';

type Listener = (deployment: StoredDeployment) => void;

export interface Deployments {
  get(name: string): StoredDeployment | undefined;
  /** Resolves with the first value of `look` that is not undefined, or with undefined after `deadlineMs`. */
  until<T>(look: () => T | undefined, options: { deadlineMs: number; signal: AbortSignal }): Promise<T | undefined>;
  /** Calls `listener` at each change, until the function that it returns is called. */
  listen(listener: Listener): () => void;
  stop(): Promise<void>;
}

export async function watchDeployments(
  client: Pick<Client, 'pages' | 'watch'>,
  namespace: string,
  signal: AbortSignal,
): Promise<Deployments> {
  const listeners = new Set<Listener>();
  const store = createStore<StoredDeployment>();
  const reflector = createReflector<StoredDeployment>({
    client,
    resource: localModelDeployments,
    namespace,
    store,
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    onChange: (_key, type, deployment) => {
      if (type !== 'deleted') for (const listener of [...listeners]) listener(deployment);
    },
  });
  const watching = new AbortController();
  const running = reflector.start(watching.signal);
  await reflector.whenSynced(signal);

  const listen = (listener: Listener) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };

  function until<T>(
    look: () => T | undefined,
    { deadlineMs, signal: stop }: { deadlineMs: number; signal: AbortSignal },
  ): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(impatience);
        stop.removeEventListener('abort', abort);
        deaf();
        act();
      };
      const abort = () => settle(() => reject(stop.reason));
      const check = () => {
        const value = look();
        if (value !== undefined) settle(() => resolve(value));
      };
      const impatience = setTimeout(() => settle(() => resolve(undefined)), deadlineMs);
      const deaf = listen(check);
      stop.addEventListener('abort', abort);
      if (stop.aborted) abort();
      else check();
    });
  }

  return {
    get: (name) => store.get(keyOf({ namespace, name })),
    until,
    listen,
    stop: async () => {
      watching.abort();
      await running;
    },
  };
}
