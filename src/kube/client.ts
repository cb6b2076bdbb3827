// Verbs on objects: get, paged list, watch, create, replace, server-side apply, delete with preconditions.
import { ApiError } from './errors.ts';
import type { StreamRequest, Transport } from './transport.ts';
import {
  apiVersionOf,
  type KubeList,
  type KubeObject,
  type ObjectRef,
  type Resource,
  type WatchEvent,
} from './types.ts';

export interface CallOptions {
  signal?: AbortSignal;
  /** Milliseconds for the whole request with its retries, for a watch until it is answered; default: the transport's. */
  deadlineMs?: number;
}

export interface ListOptions extends CallOptions {
  /** Absent: all namespaces. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Objects per page. */
  limit?: number;
  resourceVersion?: string;
  resourceVersionMatch?: 'Exact' | 'NotOlderThan';
  /** Ask for PartialObjectMetadata: metadata without spec and status. */
  metadataOnly?: boolean;
}

export interface WatchOptions extends CallOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  resourceVersion: string;
  timeoutSeconds: number;
  /** Fails the watch when nothing, not even a bookmark, has arrived for so long (milliseconds). */
  inactivityMs: number;
  metadataOnly?: boolean;
}

export interface ApplyOptions extends CallOptions {
  fieldManager: string;
  /** Take fields over from other managers; default true, as is normal for a controller's own children. */
  force?: boolean;
  dryRun?: boolean;
}

export interface DeleteOptions extends CallOptions {
  /** Preconditions: the delete is refused with `conflict` when the object is another or has moved on. */
  uid?: string;
  resourceVersion?: string;
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
}

export interface Client {
  get<T extends KubeObject>(resource: Resource, ref: ObjectRef, options?: CallOptions): Promise<T>;
  /** All pages, joined. Items carry kind and apiVersion, which the API server leaves out. */
  list<T extends KubeObject>(resource: Resource, options?: ListOptions): Promise<KubeList<T>>;
  /** Page by page, so that a large cluster never has to be held at once. Throws `gone` when the list expires under us. */
  pages<T extends KubeObject>(resource: Resource, options?: ListOptions): AsyncGenerator<KubeList<T>>;
  /** One watch, with bookmarks; resumes nothing by itself. An ERROR event is yielded, a broken connection throws ApiError. */
  watch<T extends KubeObject>(resource: Resource, options: WatchOptions): AsyncGenerator<WatchEvent<T>>;
  create<T extends KubeObject>(
    resource: Resource,
    object: T,
    options?: CallOptions & { fieldManager?: string },
  ): Promise<T>;
  /** PUT: refused with `conflict` unless metadata.resourceVersion is the newest. */
  replace<T extends KubeObject>(
    resource: Resource,
    object: T,
    options?: CallOptions & { fieldManager?: string },
  ): Promise<T>;
  apply<T extends KubeObject>(resource: Resource, object: KubeObject, options: ApplyOptions): Promise<T>;
  applyStatus<T extends KubeObject>(resource: Resource, object: KubeObject, options: ApplyOptions): Promise<T>;
  /** Resolves to false when there was nothing to delete. */
  remove(resource: Resource, ref: ObjectRef, options?: DeleteOptions): Promise<boolean>;
  /** Any other call that answers JSON, e.g. discovery (`/apis`) or a SelfSubjectAccessReview. */
  raw<T>(
    method: 'GET' | 'POST',
    path: string,
    options?: CallOptions & { body?: unknown; maxAnswer?: number },
  ): Promise<T>;
}

/** Every method rejects with ApiError, or with the reason of `signal` when that has aborted. */
export function createClient(transport: Transport): Client {
  const pages = <T extends KubeObject>(resource: Resource, options: ListOptions = {}) =>
    readPages<T>(transport, resource, options);

  return {
    pages,
    get: async (resource, ref, options) =>
      transport.json({
        ...call(options),
        verb: 'get',
        method: 'GET',
        path: objectPath(resource, ref),
        idempotent: true,
      }),

    async list(resource, options = {}) {
      try {
        return await joined(pages(resource, options));
      } catch (error) {
        if (!(error instanceof ApiError && error.reason === 'gone' && options.limit)) throw error;
        const { limit: _, ...whole } = options; // one page cannot expire under us
        return joined(pages(resource, whole));
      }
    },

    watch: (resource, options) => transport.stream(watchRequest(resource, options)),

    create: async (resource, object, { fieldManager, ...options } = {}) =>
      transport.json({
        ...call(options),
        verb: 'create',
        method: 'POST',
        path: collectionPath(resource, namespaceOf(resource, object.metadata)),
        query: { fieldManager },
        body: object,
        idempotent: false,
      }),

    replace: async (resource, object, { fieldManager, ...options } = {}) =>
      transport.json({
        ...call(options),
        verb: 'update',
        method: 'PUT',
        path: objectPath(resource, object.metadata),
        query: { fieldManager },
        body: object,
        idempotent: false, // repeated after it arrived, it would be refused for its own resourceVersion
      }),

    apply: async (resource, object, options) =>
      transport.json(applyRequest(objectPath(resource, object.metadata), object, options)),
    applyStatus: async (resource, object, options) =>
      transport.json(applyRequest(`${objectPath(resource, object.metadata)}/status`, object, options)),

    remove: (resource, ref, options = {}) => remove(transport, resource, ref, options),

    raw: (method, path, { body, maxAnswer, ...options } = {}) =>
      transport.json({
        ...call(options),
        verb: method === 'GET' ? 'get' : 'create',
        method,
        path,
        body,
        maxAnswer,
        idempotent: method === 'GET',
      }),
  };
}

const call = ({ signal, deadlineMs }: CallOptions = {}): CallOptions => ({
  ...(signal && { signal }),
  ...(deadlineMs !== undefined && { deadlineMs }),
});

/** Without a namespace: of the whole cluster. */
function collectionPath(resource: Resource, namespace: string | undefined): string {
  const root = `${resource.group ? '/apis' : '/api'}/${apiVersionOf(resource)}`;
  return `${root}${namespace ? `/namespaces/${encodeURIComponent(namespace)}` : ''}/${resource.plural}`;
}

const objectPath = (resource: Resource, ref: ObjectRef): string =>
  `${collectionPath(resource, namespaceOf(resource, ref))}/${encodeURIComponent(ref.name)}`;

function namespaceOf({ namespaced, kind }: Resource, { namespace, name }: ObjectRef): string | undefined {
  if (namespaced && !namespace) throw new TypeError(`${kind} ${name} has no namespace`);
  return namespaced ? namespace : undefined;
}

const partial = (kind: string) => `application/json;as=${kind};g=meta.k8s.io;v=v1`;

const withType = <T extends KubeObject>(resource: Resource, object: T): T => ({
  ...object,
  apiVersion: apiVersionOf(resource),
  kind: resource.kind,
});

async function* readPages<T extends KubeObject>(
  transport: Transport,
  resource: Resource,
  options: ListOptions,
): AsyncGenerator<KubeList<T>> {
  const { namespace, labelSelector, fieldSelector, limit, resourceVersion, resourceVersionMatch, metadataOnly } =
    options;
  let query: Record<string, string | number | undefined> = { resourceVersion, resourceVersionMatch };
  for (;;) {
    const page = await transport.json<KubeList<T>>({
      ...call(options),
      verb: 'list',
      method: 'GET',
      path: collectionPath(resource, namespace),
      query: { labelSelector, fieldSelector, limit, ...query },
      ...(metadataOnly && { accept: partial('PartialObjectMetadataList') }),
      idempotent: true,
    });
    // Go encodes an empty list as null.
    yield { ...page, items: (page.items ?? []).map((item) => withType(resource, item)) };
    if (!page.metadata.continue) return;
    query = { continue: page.metadata.continue }; // which says the resourceVersion too: both are refused
  }
}

async function joined<T extends KubeObject>(pages: AsyncIterable<KubeList<T>>): Promise<KubeList<T>> {
  let first: KubeList<T> | undefined;
  const items: T[] = [];
  for await (const page of pages) {
    first ??= page;
    for (const item of page.items) items.push(item);
  }
  if (!first) throw new TypeError('a list has at least one page');
  const { continue: _, remainingItemCount: __, ...metadata } = first.metadata;
  return { ...first, metadata, items };
}

function watchRequest<T extends KubeObject>(resource: Resource, options: WatchOptions): StreamRequest<WatchEvent<T>> {
  const { namespace, labelSelector, fieldSelector, resourceVersion, timeoutSeconds, inactivityMs, metadataOnly } =
    options;
  return {
    ...call(options),
    verb: 'watch',
    method: 'GET',
    path: collectionPath(resource, namespace),
    query: { watch: true, allowWatchBookmarks: true, labelSelector, fieldSelector, resourceVersion, timeoutSeconds },
    inactivityMs,
    idempotent: true,
    ...(metadataOnly && {
      accept: partial('PartialObjectMetadata'),
      // One shape wherever an object comes from: its own kind, not PartialObjectMetadata.
      map: (event) => (event.type === 'ERROR' ? event : { ...event, object: withType(resource, event.object) }),
    }),
  };
}

const applyRequest = (path: string, object: KubeObject, options: ApplyOptions) =>
  ({
    ...call(options),
    verb: 'patch',
    method: 'PATCH',
    path,
    query: {
      fieldManager: options.fieldManager,
      force: options.force ?? true,
      ...(options.dryRun && { dryRun: 'All' }),
    },
    contentType: 'application/apply-patch+yaml', // of which JSON is a part
    body: object,
    idempotent: true,
  }) as const;

async function remove(
  transport: Transport,
  resource: Resource,
  ref: ObjectRef,
  options: DeleteOptions,
): Promise<boolean> {
  const { uid, resourceVersion, propagationPolicy } = options;
  const preconditions = (uid || resourceVersion) && { uid, resourceVersion };
  try {
    await transport.json({
      ...call(options),
      verb: 'delete',
      method: 'DELETE',
      path: objectPath(resource, ref),
      body: { apiVersion: 'v1', kind: 'DeleteOptions', ...(preconditions && { preconditions }), propagationPolicy },
      idempotent: uid !== undefined, // else it might hit what was created in its place meanwhile
    });
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'notFound') return false;
    throw error;
  }
}
