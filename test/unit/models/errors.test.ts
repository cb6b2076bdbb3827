import { expect, it, test } from 'vitest';
import { errorCode, fileError, PullError } from '../../../src/models/errors.ts';

const failed = (code: string) => Object.assign(new Error(`${code}: it failed`), { code });

test.each([
  ['ENOSPC', 'DiskFull', /no space is left/],
  ['EDQUOT', 'DiskFull', /quota/],
  ['EROFS', 'ReadOnlyStore', /read-only/],
  ['EACCES', 'ReadOnlyStore', /fsGroup/],
  ['EPERM', 'ReadOnlyStore', /fsGroup/],
  ['EIO', 'Corrupt', /input\/output/],
  ['EMFILE', 'Internal', /EMFILE: it failed/],
])('%s of a file means %s', (code, reason, what) => {
  const error = fileError(failed(code), 'write /models/blobs');
  expect(error).toMatchObject({ reason, message: expect.stringMatching(what), cause: { code } });
  expect(error.message).toMatch(/^cannot write \/models\/blobs: /);
});

it('leaves alone what is classified already, and aborts', () => {
  const known = new PullError('NotFound', 'no such model', { statusCode: 404 });
  const abort = AbortSignal.abort().reason;
  expect(fileError(known, 'x')).toBe(known);
  expect(fileError(abort, 'x')).toBe(abort);
  expect(known).toMatchObject({ statusCode: 404, retryAfterMs: undefined });
});

it('takes anything that is thrown', () => {
  expect(fileError('oops', 'x')).toMatchObject({ reason: 'Internal', message: 'cannot x: oops' });
  expect(errorCode(undefined)).toBeUndefined();
  expect(errorCode(Object.assign(new Error(), { code: 5 }))).toBeUndefined();
});
