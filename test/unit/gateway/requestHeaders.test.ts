import { describe, expect, it } from 'vitest';
import { runtimeHeaders } from '../../../src/gateway/requestHeaders.ts';
import { requestIdOf } from '../../../src/gateway/requestId.ts';
import { clientHeaders } from '../../../src/gateway/responseHeaders.ts';

describe('headers to the runtime', () => {
  it('are those of a list, and the body’s own', () => {
    const headers = { accept: '*/*', authorization: 'Bearer x', 'content-type': 'text/weird', 'x-new': '1' };
    expect(runtimeHeaders({ headers, requestId: 'r', bodyBytes: 0 })).toEqual({
      accept: '*/*',
      'x-request-id': 'r',
      'content-type': 'application/json',
      'content-length': '0',
    });
    expect(runtimeHeaders({ headers, requestId: 'r' })).toEqual({ accept: '*/*', 'x-request-id': 'r' });
  });
});

describe('headers to the client', () => {
  const input = { requestId: 'r', removed: [], unknownLength: false };

  it('are all but those of one hop, named or known', () => {
    const headers = {
      connection: 'X-A, close',
      'x-a': '1',
      'x-b': '2',
      te: 'x',
      'transfer-encoding': 'chunked',
      'x-request-id': 'other',
    };
    expect(clientHeaders({ ...input, headers })).toEqual({ 'x-b': '2', 'x-request-id': 'r' });
  });

  it('promise no length that may change on the way', () => {
    const headers = { 'content-length': '10' };
    expect(clientHeaders({ ...input, headers })).toMatchObject(headers);
    expect(clientHeaders({ ...input, headers, unknownLength: true })).not.toHaveProperty('content-length');
  });

  it('say what was taken out', () => {
    expect(clientHeaders({ ...input, headers: {}, removed: ['keep_alive', 'shift'] })).toHaveProperty(
      'x-localmodel-removed',
      'keep_alive, shift',
    );
  });
});

describe('the id of a request', () => {
  it.each(['a', 'job-17:3', '0af7651916cd43dd8448eb211c80319c', 'a'.repeat(128)])('is the client’s: %s', (id) => {
    expect(requestIdOf({ 'x-request-id': id }, () => 'new')).toBe(id);
  });

  it.each(['', ' a', 'a b', '"a"', '<a>', 'a\tb', 'ä', '{}', 'a'.repeat(129)])('is a new one for %j', (id) => {
    expect(requestIdOf({ 'x-request-id': id }, () => 'new')).toBe('new');
    expect(requestIdOf({}, () => 'new')).toBe('new');
  });
});
