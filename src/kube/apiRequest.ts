// A call of the API as HTTP carries it: what is asked, and how the bytes of an answer are read.
import { ApiError, type FailedCall } from './errors.ts';
import type { KubeStatus } from './types.ts';

export interface ApiRequest {
  /** In the words of Kubernetes (get, list, watch, create, update, patch, delete): for errors and metrics. */
  verb: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  /** What is undefined is left out. */
  query?: Record<string, string | number | boolean | undefined>;
  accept?: string;
  body?: unknown;
  contentType?: string;
  /** Sent twice it does what it does once, so that it may be repeated when nobody knows whether it arrived. */
  idempotent: boolean;
  signal?: AbortSignal | undefined;
  /** Milliseconds for the call with all its retries; for a stream: until its headers. Default: the transport's. */
  deadlineMs?: number | undefined;
  /** Bytes of the answer; default: the transport's. */
  maxAnswer?: number | undefined;
}

export const callOf = ({ verb, path }: ApiRequest): FailedCall => ({ verb, path });

/** `server` may have a path of its own, as behind a proxy for many clusters. */
export function urlOf(server: string, { path, query = {} }: ApiRequest): string {
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  const search = new URLSearchParams(given).toString();
  return `${server}${path}${search && `?${search}`}`;
}

export function headersOf({ accept = 'application/json', body, contentType }: ApiRequest): Record<string, string> {
  return { accept, ...(body !== undefined && { 'content-type': contentType ?? 'application/json' }) };
}

/** Throws ApiError when there is more than `limit` bytes; leaving the loop cuts the rest off. */
export async function readText(body: AsyncIterable<Uint8Array>, request: ApiRequest, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) throw tooLarge(request, limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size).toString('utf8');
}

/** Runs what parses JSON. Broken JSON comes from a connection cut short by a proxy, so that time can mend it. */
export function parsing<T>(request: ApiRequest, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof RangeError) throw new ApiError('invalid', cause.message, { call: callOf(request), cause });
    throw new ApiError('unavailable', 'the answer is not whole JSON', { call: callOf(request), cause });
  }
}

/** The meta/v1 Status in a refusal; proxies in between answer HTML or nothing. */
export function statusIn(text: string): KubeStatus | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    const isStatus = typeof parsed === 'object' && parsed !== null && 'kind' in parsed && parsed.kind === 'Status';
    return isStatus ? (parsed as KubeStatus) : undefined;
  } catch {
    return undefined;
  }
}

const tooLarge = (request: ApiRequest, limit: number) =>
  new ApiError('invalid', `the answer is larger than ${limit} bytes`, { call: callOf(request) });
