import { describe, expect, test } from 'vitest';
import { ApiError, networkError, parseRetryAfter, refusalError, statusError } from '../../../src/kube/errors.ts';

const call = { verb: 'patch', path: '/api/v1/namespaces/shop/pods/web' };
const status = (code: number, reason: string) => ({ kind: 'Status', code, reason, message: 'told so' }) as const;
const coded = (code: string, message = 'it failed') => Object.assign(new Error(message), { code });

describe('classes', () => {
  test.each([
    [400, 'BadRequest', 'invalid'],
    [401, 'Unauthorized', 'unauthorized'],
    [403, 'Forbidden', 'forbidden'],
    [404, 'NotFound', 'notFound'],
    [405, 'MethodNotAllowed', 'invalid'],
    [409, 'Conflict', 'conflict'],
    [409, 'AlreadyExists', 'alreadyExists'],
    [410, 'Gone', 'gone'],
    [410, 'Expired', 'gone'],
    [415, 'UnsupportedMediaType', 'invalid'],
    [422, 'Invalid', 'invalid'],
    [429, 'TooManyRequests', 'throttled'],
    [500, 'InternalError', 'unavailable'],
    [500, 'ServerTimeout', 'timeout'],
    [503, 'ServiceUnavailable', 'unavailable'],
    [504, 'Timeout', 'timeout'],
  ])('%i %s is %s', (code, reason, expected) => {
    expect(refusalError({ status: status(code, reason), statusCode: code }).reason).toBe(expected);
  });

  test('a field that a kind does not have is invalid, although server-side apply answers with 500', () => {
    const message =
      'failed to create typed patch object (ai/model; apps/v1, Kind=Deployment): .spec.foo: field not declared';
    expect(refusalError({ status: { kind: 'Status', code: 500, message } as never, statusCode: 500 }).reason).toBe(
      'invalid',
    );
  });

  test.each([
    ['ECONNREFUSED', 'unavailable'],
    ['ECONNRESET', 'unavailable'],
    ['UND_ERR_SOCKET', 'unavailable'],
    ['ENOTFOUND', 'unavailable'],
    ['ETIMEDOUT', 'timeout'],
    ['UND_ERR_CONNECT_TIMEOUT', 'timeout'],
  ])('%s is %s', (code, expected) => {
    const error = networkError(coded(code), call);
    expect(error).toMatchObject({ reason: expected, transient: true, statusCode: undefined });
    expect(error.message).toBe(`patch /api/v1/namespaces/shop/pods/web: it failed (${code})`);
  });

  test('time mends what is not up to anybody', () => {
    const transient = (code: number) => refusalError({ statusCode: code }).transient;
    expect([401, 409, 410, 429, 500, 503, 504].filter((code) => !transient(code))).toEqual([]);
    expect([400, 403, 404, 422].filter(transient)).toEqual([]);
  });
});

describe('messages', () => {
  test('an ERROR event becomes an error with its own code and words', () => {
    const error = statusError(status(410, 'Expired'), { verb: 'watch', path: '/api/v1/pods' });
    expect(error).toMatchObject({ reason: 'gone', statusCode: 410, message: 'watch /api/v1/pods: told so' });
    expect(statusError({ kind: 'Status' })).toMatchObject({
      reason: 'unavailable',
      message: 'HTTP error without a reason',
    });
  });

  test('are bounded, and begin with verb and path all the same', () => {
    const { message } = refusalError({ statusCode: 403, text: 'x'.repeat(100_000), call });
    expect(message).toHaveLength(1_024);
    expect(message).toMatch(/^patch \/api\/v1\/namespaces\/shop\/pods\/web: x+…$/);
  });

  test('fall back to what a proxy has answered, and to the status code', () => {
    expect(refusalError({ statusCode: 502, text: ' <h1>Bad Gateway</h1>\n' }).message).toBe('<h1>Bad Gateway</h1>');
    expect(refusalError({ statusCode: 502, text: '' }).message).toBe('HTTP 502 without a reason');
  });

  test('name each address that was tried', () => {
    const causes = [
      coded('ECONNREFUSED', 'connect ECONNREFUSED ::1:6443'),
      coded('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:6443'),
    ];
    const { message } = networkError(Object.assign(new AggregateError(causes), { code: 'ECONNREFUSED' }));
    expect(message).toBe('connect ECONNREFUSED ::1:6443; connect ECONNREFUSED 127.0.0.1:6443');
  });
});

test('an ApiError stays itself on its way through, and keeps its cause', () => {
  const cause = coded('ECONNRESET');
  const error = networkError(cause, call);
  expect(networkError(error)).toBe(error);
  expect(error).toBeInstanceOf(ApiError);
  expect(error.cause).toBe(cause);
});

describe('Retry-After', () => {
  const now = Date.UTC(2026, 0, 1);

  test.each([
    ['7', 7_000],
    ['0', 0],
    ['Thu, 01 Jan 2026 00:00:05 GMT', 5_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%s is %s ms', (header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected);
  });

  test('of a Status counts where the header is absent', () => {
    const throttled = { ...status(429, 'TooManyRequests'), details: { retryAfterSeconds: 2 } };
    expect(refusalError({ status: throttled }).retryAfterMs).toBe(2_000);
    expect(refusalError({ status: throttled, retryAfterMs: 9_000 }).retryAfterMs).toBe(9_000);
  });
});
