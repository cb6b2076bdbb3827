import { describe, expect, it } from 'vitest';
import { createAudit } from '../../../src/gateway/audit.ts';
import type { ExchangeRecord } from '../../../src/gateway/exchange.ts';
import { refusalOf } from '../../../src/gateway/refusal.ts';
import { refusalOfUnreadable } from '../../../src/gateway/unreadable.ts';
import { createVirtualClock } from '../virtualClock.ts';

const record: ExchangeRecord = {
  requestId: 'r-1',
  family: 'Native',
  method: 'BREW',
  outcome: 'ClientGone',
  reachedRuntime: false,
  streamed: false,
  totalMs: 1234.567,
  bytesIn: 0,
  bytesOut: 0,
};

describe('an audit line', () => {
  it('is one line, with what is known', () => {
    const lines: string[] = [];
    const audit = createAudit({ write: (line) => void lines.push(line), clock: createVirtualClock() });
    audit.exchange(record);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^[^\n]+\n$/);
    // The method too is the client's text until a route is found.
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      time: '2026-01-01T00:00:00.000Z',
      audit: 'request',
      requestId: 'r-1',
      status: 499,
      outcome: 'ClientGone',
      totalSeconds: 1.235,
    });
  });
});

describe('a refusal', () => {
  it('says when to come again, and why', () => {
    const refusal = (door: 'Open' | 'NotReady' | 'Draining') =>
      refusalOf({ door: () => door, why: () => 'Pulling: 3 % are there' });
    expect(refusal('Open')).toBeUndefined();
    expect(refusal('NotReady')).toMatchObject({ reason: 'NotReady', retryAfterSeconds: 5 });
    expect(refusal('NotReady')?.message).toContain('Pulling: 3 % are there');
    expect(refusal('Draining')).toMatchObject({ reason: 'Draining', retryAfterSeconds: 1 });
  });

  it.each([
    ['HPE_HEADER_OVERFLOW', 431],
    ['ERR_HTTP_REQUEST_TIMEOUT', 408],
    ['HPE_INVALID_METHOD', 400],
    [undefined, 400],
  ])('of what cannot be read: %s is %i', (code, status) => {
    const error = Object.assign(new Error('Parse Error: with bytes of the client'), code !== undefined && { code });
    const refusal = refusalOfUnreadable(error);
    expect(refusal.status).toBe(status);
    expect(refusal.message).not.toContain('bytes of the client');
  });
});
