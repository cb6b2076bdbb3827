import { expect, test } from 'vitest';
import type { Client } from '../../../src/kube/client.ts';
import { ApiError } from '../../../src/kube/errors.ts';
import { resources } from '../../../src/kube/resources.ts';
import { takeSnapshot } from '../../../src/kube/snapshot.ts';
import type { KubeList, KubeObject } from '../../../src/kube/types.ts';

const pod = (name: string) => ({ metadata: { name, namespace: 'a' } }) as KubeObject;
const page = (items: KubeObject[], resourceVersion?: string): KubeList<KubeObject> => ({
  apiVersion: 'v1',
  kind: 'PodList',
  metadata: resourceVersion ? { resourceVersion } : {},
  items,
});

/** Answers each call of `pages` by the next script: pages, or the error that ends them. */
function scripted(...scripts: (KubeList<KubeObject> | Error)[][]) {
  const limits: (number | undefined)[] = [];
  async function* pages(_: unknown, { limit }: { limit?: number } = {}) {
    limits.push(limit);
    for (const one of scripts.shift() ?? []) {
      if (one instanceof Error) throw one;
      yield one;
    }
  }
  return { limits, client: { pages } as unknown as Pick<Client, 'pages'> };
}

const take = (client: Pick<Client, 'pages'>) =>
  takeSnapshot<KubeObject>({ client, resource: resources.pod, query: { limit: 2 }, trim: (object) => object });
const gone = new ApiError('gone', 'the provided continue parameter is too old');

test('joins pages and takes the version of the first: a watch from there may repeat, but misses nothing', async () => {
  const { client } = scripted([page([pod('x'), pod('y')], '10'), page([pod('z')], '12')]);
  const { items, resourceVersion } = await take(client);
  expect(items.map(({ metadata }) => metadata.name)).toEqual(['x', 'y', 'z']);
  expect(resourceVersion).toBe('10');
});

test('asks for everything in one page when the page token expires, once', async () => {
  const repaired = scripted([page([pod('x')], '10'), gone], [page([pod('y')], '20')]);
  expect(await take(repaired.client)).toMatchObject({ items: [{ metadata: { name: 'y' } }], resourceVersion: '20' });
  expect(repaired.limits).toEqual([2, undefined]);
  await expect(take(scripted([gone], [gone]).client)).rejects.toBe(gone);
});

test('refuses a list without a version, from which nothing could be watched', async () => {
  await expect(take(scripted([page([pod('x')])]).client)).rejects.toThrow('pods has no resourceVersion');
});
