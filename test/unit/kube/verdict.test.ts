import { expect, test } from 'vitest';
import { ApiError } from '../../../src/kube/errors.ts';
import { classifyError, TerminalError, TransientError } from '../../../src/kube/verdict.ts';

class NotYet extends TransientError {
  override readonly name = 'NotYet';
}

test.each([
  ['a TerminalError', new TerminalError('spec is wrong'), { kind: 'terminal' }],
  ['what extends TransientError', new NotYet('child not written'), { kind: 'transient' }],
  ['a conflict', new ApiError('conflict', ''), { kind: 'conflict' }],
  ['an object that exists already', new ApiError('alreadyExists', ''), { kind: 'conflict' }],
  [
    'throttling with a time',
    new ApiError('throttled', '', { retryAfterMs: 7000 }),
    { kind: 'throttled', retryAfterMs: 7000 },
  ],
  ['throttling without one', new ApiError('throttled', ''), { kind: 'throttled', retryAfterMs: 1000 }],
  ['an API server that is away', new ApiError('unavailable', ''), { kind: 'transient' }],
  ['a missing permission', new ApiError('forbidden', ''), { kind: 'transient' }],
  ['an abort', new DOMException('aborted', 'AbortError'), { kind: 'transient' }],
  ['a timeout', new DOMException('too late', 'TimeoutError'), { kind: 'transient' }],
  ['a TypeError', new TypeError('x is undefined'), { kind: 'bug' }],
  ['a plain Error', new Error('who knows'), { kind: 'bug' }],
  ['a string', 'text', { kind: 'bug' }],
])('judges %s', (_, error, verdict) => {
  expect(classifyError(error)).toEqual(verdict);
});
