// A reflector on virtual time, before a model of an API server, with all that it says and tells recorded.
import { afterEach, expect } from 'vitest';
import { createReflector, type ReflectorOptions } from '../../src/kube/reflector.ts';
import { createStore } from '../../src/kube/store.ts';
import type { Resource } from '../../src/kube/types.ts';
import { createVirtualClock, type VirtualClock } from '../unit/virtualClock.ts';
import { createModelServer, type ModelServer, type Thing } from './modelServer.ts';
import { recordLog } from './recordedLog.ts';

export const things: Resource = {
  group: 'test.example',
  version: 'v1',
  kind: 'Thing',
  plural: 'things',
  namespaced: true,
};
export const minute = 60_000;

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

type Overrides = Partial<ReflectorOptions<Thing>>;

export function reflect(server: ModelServer, clock: VirtualClock, overrides: Overrides = {}) {
  const store = overrides.store ?? createStore<Thing>();
  const changes: string[] = [];
  const { lines, log } = recordLog();
  const reflector = createReflector<Thing>({
    client: server.client,
    resource: things,
    store,
    clock,
    random: () => 0.5,
    log,
    onChange: (key, type, { size }, previous) =>
      void changes.push(`${type} ${key} ${previous ? `${previous.size}→${size}` : size}`),
    ...overrides,
  });
  const controller = new AbortController();
  const running = reflector.start(controller.signal);
  const stop = async () => {
    controller.abort();
    await running;
  };
  stops.push(stop);
  return {
    reflector,
    store,
    changes,
    lines,
    stop,
    /** What the listener was told since this was last asked. */
    news: () => changes.splice(0),
    sizes: () =>
      Object.fromEntries(store.list().map(({ metadata, size }) => [`${metadata.namespace}/${metadata.name}`, size])),
  };
}

/** A server with two objects and a reflector that has them and watches. */
export async function watching(overrides: Overrides = {}) {
  const clock = createVirtualClock();
  const server = createModelServer(clock);
  server.put('a/one', 1);
  server.put('a/two', 2);
  const reflected = reflect(server, clock, overrides);
  await clock.settle();
  expect(reflected.news()).toEqual(['added a/one 1', 'added a/two 2']);
  expect(reflected.reflector).toMatchObject({ state: 'watching', synced: true, lastError: undefined });
  return { clock, server, ...reflected };
}
