// Verbs on objects: get, paged list, watch, create, replace, server-side apply, delete with preconditions.
import type { KubeList, KubeObject, ObjectRef, Resource, WatchEvent } from './types.ts';

export interface CallOptions {
  signal?: AbortSignal;
  /** Milliseconds for the whole request; default: the transport's. */
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
  /** All pages, joined. */
  list<T extends KubeObject>(resource: Resource, options?: ListOptions): Promise<KubeList<T>>;
  /** Page by page, so that a large cluster never has to be held at once. */
  pages<T extends KubeObject>(resource: Resource, options?: ListOptions): AsyncGenerator<KubeList<T>>;
  watch<T extends KubeObject>(resource: Resource, options: WatchOptions): AsyncGenerator<WatchEvent<T>>;
  create<T extends KubeObject>(resource: Resource, object: T, options?: CallOptions & { fieldManager?: string }): Promise<T>;
  /** PUT: refused with `conflict` unless metadata.resourceVersion is the newest. */
  replace<T extends KubeObject>(resource: Resource, object: T, options?: CallOptions): Promise<T>;
  apply<T extends KubeObject>(resource: Resource, object: KubeObject, options: ApplyOptions): Promise<T>;
  applyStatus<T extends KubeObject>(resource: Resource, object: KubeObject, options: ApplyOptions): Promise<T>;
  /** Resolves to false when there was nothing to delete. */
  remove(resource: Resource, ref: ObjectRef, options?: DeleteOptions): Promise<boolean>;
  /** Any other call that answers JSON, e.g. discovery (`/apis`) or a SelfSubjectAccessReview. */
  raw<T>(method: 'GET' | 'POST', path: string, options?: CallOptions & { body?: unknown }): Promise<T>;
}
