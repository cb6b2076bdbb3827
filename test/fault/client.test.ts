import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Client, createClient } from '../../src/kube/client.ts';
import { ApiError } from '../../src/kube/errors.ts';
import { resources } from '../../src/kube/resources.ts';
import type { Transport } from '../../src/kube/transport.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import { answer, drop, errorEvent, type FaultServer, refuse, startFaultServer, streams } from './server.ts';
import { transportTo } from './transportTo.ts';

const pods = '/api/v1/namespaces/shop/pods';
const web = { name: 'web', namespace: 'shop' };
const pod = { apiVersion: 'v1', kind: 'Pod', metadata: web };
const watchOptions = { resourceVersion: '7', timeoutSeconds: 300, inactivityMs: 60_000 };

let server: FaultServer;
let transport: Transport;
let client: Client;

beforeEach(async () => {
  server = await startFaultServer();
  transport = transportTo(server);
  client = createClient(transport);
});

afterEach(async () => {
  await transport.close();
  await server.close();
});

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it was expected to fail'),
    (error: unknown) => error as ApiError,
  );

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const only = () => {
  expect(server.requests).toHaveLength(1);
  const { method, path, query, headers, body } = server.requests[0]!;
  return { method, path, query: Object.fromEntries(query), headers, body };
};

/** Answers `pages` in turn, and the whole list to who asks without a limit. */
const servePages = (...pages: { names: string[]; more?: string }[]) => {
  const list = (names: string[], more?: string) => ({
    kind: 'PodList',
    apiVersion: 'v1',
    metadata: { resourceVersion: '42', ...(more && { continue: more, remainingItemCount: 9 }) },
    items: names.map((name) => ({ metadata: { name, namespace: 'shop' } })),
  });
  server.on(
    'GET',
    '/api/v1/pods',
    ...(pages.map(({ names, more }) => answer(list(names, more))) as [ReturnType<typeof answer>]),
  );
};

describe('reading', () => {
  test('gets an object by its group, version and namespace', async () => {
    server.on('GET', '/apis/apps/v1/namespaces/shop/deployments/web', answer({ kind: 'Deployment' }));
    expect(await client.get(resources.deployment, web)).toEqual({ kind: 'Deployment' });
    server.on('GET', '/api/v1/nodes/n1', answer({ kind: 'Node' }));
    expect(await client.get(resources.node, { name: 'n1', namespace: 'ignored' })).toEqual({ kind: 'Node' });
  });

  test('refuses to guess a namespace', async () => {
    await expect(client.get(resources.pod, { name: 'web' })).rejects.toThrow('Pod web has no namespace');
    expect(server.requests).toEqual([]);
  });

  test('gives list items the kind that the API server leaves out', async () => {
    servePages({ names: ['a'] });
    const { items, metadata } = await client.list(resources.pod, {
      labelSelector: 'app=x',
      fieldSelector: 'spec.nodeName=n',
    });
    expect(items).toEqual([{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'shop' } }]);
    expect(metadata).toEqual({ resourceVersion: '42' });
    expect(only().query).toEqual({ labelSelector: 'app=x', fieldSelector: 'spec.nodeName=n' });
  });

  test('takes null for an empty list, as Go writes it', async () => {
    server.on('GET', '/api/v1/pods', answer({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: null }));
    expect((await client.list(resources.pod)).items).toEqual([]);
  });

  test('follows the pages, and names a resourceVersion for the first alone', async () => {
    servePages({ names: ['a', 'b'], more: 'token/1=' }, { names: ['c'] });
    const { items, metadata } = await client.list(resources.pod, {
      limit: 2,
      resourceVersion: '0',
      resourceVersionMatch: 'NotOlderThan',
    });
    expect(items.map((item) => item.metadata.name)).toEqual(['a', 'b', 'c']);
    expect(metadata).toEqual({ resourceVersion: '42' });
    expect(server.requests.map(({ query }) => Object.fromEntries(query))).toEqual([
      { limit: '2', resourceVersion: '0', resourceVersionMatch: 'NotOlderThan' },
      { limit: '2', continue: 'token/1=' },
    ]);
  });

  test('pages throw when the list expires under them; a joined list starts again in one page', async () => {
    servePages({ names: ['a'], more: 'old' }, { names: ['a', 'b'] });
    server.on('GET', /continue=old/, refuse(410, 'Expired'));
    expect(await failure(all(client.pages(resources.pod, { limit: 1 })))).toMatchObject({ reason: 'gone' });
    servePages({ names: ['a'], more: 'old' }, { names: ['a', 'b'] });
    server.on('GET', /continue=old/, refuse(410, 'Expired'));
    const { items } = await client.list(resources.pod, { limit: 1 });
    expect(items.map((item) => item.metadata.name)).toEqual(['a', 'b']);
    expect(server.requests.at(-1)?.query.has('limit')).toBe(false);
  });

  test('asks for metadata alone, and calls it by its own kind from a list and from a watch', async () => {
    const object = { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata: { name: 'a' } };
    const script = streams();
    server.on('GET', '/apis/apps/v1/deployments', answer({ metadata: {}, items: [object] }));
    server.on('GET', /watch=true/, script.handler);
    const own = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' } };
    expect((await client.list(resources.deployment, { metadataOnly: true })).items).toEqual([own]);
    const events = all(client.watch(resources.deployment, { ...watchOptions, metadataOnly: true }));
    const stream = await script.next();
    stream.send({ type: 'ADDED', object });
    stream.send(errorEvent(410, 'Expired'));
    stream.end();
    expect(await events).toEqual([{ type: 'ADDED', object: own }, errorEvent(410, 'Expired')]);
    expect(server.requests.map(({ headers }) => headers.accept)).toEqual([
      'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
      'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
    ]);
  });
});

describe('watching', () => {
  test('asks for bookmarks and an end, from where the caller says', async () => {
    server.on('GET', pods, ({ stream }) => stream().end());
    expect(
      await all(client.watch(resources.pod, { ...watchOptions, namespace: 'shop', labelSelector: 'app=x' })),
    ).toEqual([]);
    expect(only().query).toEqual({
      watch: 'true',
      allowWatchBookmarks: 'true',
      labelSelector: 'app=x',
      resourceVersion: '7',
      timeoutSeconds: '300',
    });
  });

  test('yields an ERROR event, and throws a 410 that comes as an answer', async () => {
    const script = streams();
    server.on('GET', pods, script.handler, refuse(410, 'Expired'));
    const options = { ...watchOptions, namespace: 'shop' };
    const events = all(client.watch(resources.pod, options));
    const stream = await script.next();
    stream.send(errorEvent(410, 'Expired'));
    stream.end();
    expect(await events).toEqual([errorEvent(410, 'Expired')]);
    expect(await failure(all(client.watch(resources.pod, options)))).toMatchObject({ reason: 'gone', statusCode: 410 });
  });

  test('throws a 429 with how long to wait, and does not wait itself', async () => {
    server.on('GET', pods, refuse(429, 'TooManyRequests', { headers: { 'retry-after': '3' } }));
    const error = await failure(all(client.watch(resources.pod, { ...watchOptions, namespace: 'shop' })));
    expect(error).toMatchObject({ reason: 'throttled', retryAfterMs: 3_000 });
    expect(server.requests).toHaveLength(1);
  });
});

describe('writing', () => {
  test('applies with a field manager, by force, as the media type of server-side apply', async () => {
    server.on('PATCH', `${pods}/web`, answer(pod));
    expect(await client.apply(resources.pod, pod, { fieldManager: 'lmo' })).toEqual(pod);
    const { query, headers, body } = only();
    expect(query).toEqual({ fieldManager: 'lmo', force: 'true' });
    expect(headers['content-type']).toBe('application/apply-patch+yaml');
    expect(body).toEqual(pod);
  });

  test('applies the status to its own path, and can do so without force or effect', async () => {
    server.on('PATCH', `${pods}/web/status`, answer(pod));
    await client.applyStatus(resources.pod, pod, { fieldManager: 'lmo', force: false, dryRun: true });
    expect(only().query).toEqual({ fieldManager: 'lmo', force: 'false', dryRun: 'All' });
  });

  test('repeats an apply whose connection was cut', async () => {
    server.on('PATCH', `${pods}/web`, drop, answer(pod));
    expect(await client.apply(resources.pod, pod, { fieldManager: 'lmo' })).toEqual(pod);
  });

  test('loses no field that it does not know, there and back', async () => {
    const future: KubeObject & Record<string, unknown> = {
      ...pod,
      spec: { containers: [{ name: 'a', futureField: { deep: [1, null, 'x'] } }] },
      metadata: { ...web, creationTimestamp: '2026-01-01T00:00:00Z' },
    };
    server.on('GET', `${pods}/web`, answer(future));
    server.on('PUT', `${pods}/web`, ({ request, json }) => json(request.body));
    const read = await client.get(resources.pod, web);
    expect(await client.replace(resources.pod, read)).toEqual(future);
    expect(server.requests.at(-1)?.body).toEqual(future);
  });

  test('tells a conflict from an object that exists already', async () => {
    server.on('PUT', `${pods}/web`, refuse(409, 'Conflict'));
    server.on('POST', pods, refuse(409, 'AlreadyExists'));
    expect(await failure(client.replace(resources.pod, pod))).toMatchObject({ reason: 'conflict', transient: true });
    const created = client.create(resources.pod, pod, { fieldManager: 'lmo' });
    expect(await failure(created)).toMatchObject({ reason: 'alreadyExists' });
    expect(server.requests.map(({ query }) => query.get('fieldManager'))).toEqual([null, 'lmo']);
  });

  test('does not repeat a replace whose connection was cut: it may have arrived', async () => {
    server.on('PUT', `${pods}/web`, drop);
    expect(await failure(client.replace(resources.pod, pod))).toMatchObject({ reason: 'unavailable' });
    expect(server.requests).toHaveLength(1);
  });

  test('deletes that very object, with its dependents as asked', async () => {
    server.on('DELETE', `${pods}/web`, drop, answer({ kind: 'Status', status: 'Success' }));
    const options = { uid: 'u1', resourceVersion: '5', propagationPolicy: 'Foreground' } as const;
    expect(await client.remove(resources.pod, web, options)).toBe(true);
    expect(server.requests).toHaveLength(2);
    expect(server.requests[1]?.body).toEqual({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions: { uid: 'u1', resourceVersion: '5' },
      propagationPolicy: 'Foreground',
    });
  });

  test('does not repeat a delete by name: another object may bear it by now', async () => {
    server.on('DELETE', `${pods}/web`, drop);
    expect(await failure(client.remove(resources.pod, web))).toMatchObject({ reason: 'unavailable' });
    expect(only().body).toEqual({ apiVersion: 'v1', kind: 'DeleteOptions' });
  });

  test('says whether there was anything to delete', async () => {
    expect(await client.remove(resources.pod, web)).toBe(false);
    server.on('DELETE', `${pods}/web`, refuse(409, 'Conflict'));
    expect(await failure(client.remove(resources.pod, web, { uid: 'other' }))).toMatchObject({ reason: 'conflict' });
  });
});

describe('refusals', () => {
  test('a 403 names who may not do what', async () => {
    const message =
      'pods is forbidden: User "system:serviceaccount:lmo:op" cannot list resource "pods" at the cluster scope';
    server.on('GET', '/api/v1/pods', refuse(403, 'Forbidden', { message }));
    const error = await failure(client.list(resources.pod));
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      reason: 'forbidden',
      transient: false,
      call: { verb: 'list', path: '/api/v1/pods' },
    });
    expect(error.message).toBe(`list /api/v1/pods: ${message}`);
  });

  test('a 403 of a proxy, which knows nothing of Kubernetes, names verb and resource as well', async () => {
    server.on('GET', '/api/v1/pods', ({ json }) => json('<html>no</html>', { status: 403 }));
    const error = await failure(client.list(resources.pod));
    expect(error).toMatchObject({ reason: 'forbidden', status: undefined });
    expect(error.message).toContain('list /api/v1/pods');
  });

  test('a 422 says which field', async () => {
    const causes = [{ field: 'spec.replicas', reason: 'FieldValueInvalid', message: 'must be positive' }];
    server.on('PATCH', `${pods}/web`, refuse(422, 'Invalid', { details: { causes } }));
    const error = await failure(client.apply(resources.pod, pod, { fieldManager: 'lmo' }));
    expect(error).toMatchObject({ reason: 'invalid', transient: false, status: { details: { causes } } });
  });
});

test('asks anything else that answers JSON', async () => {
  server.on('GET', '/apis', answer({ kind: 'APIGroupList' }));
  server.on('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', ({ request, json }) =>
    json(request.body),
  );
  expect(await client.raw('GET', '/apis')).toEqual({ kind: 'APIGroupList' });
  const review = { kind: 'SelfSubjectAccessReview' };
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  expect(await client.raw('POST', path, { body: review })).toEqual(review);
});
