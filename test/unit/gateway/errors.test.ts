import { describe, expect, it } from 'vitest';
import {
  errorAnswer,
  type Family,
  GatewayError,
  type GatewayErrorReason,
  gatewayErrors,
} from '../../../src/gateway/errors.ts';

const bodyOf = (family: Family, reason: GatewayErrorReason, message = 'no') =>
  JSON.parse(errorAnswer(family, new GatewayError(reason, message), 'r-1').body) as unknown;

describe('an error', () => {
  it('speaks the dialect of the API that was called', () => {
    expect(bodyOf('OpenAI', 'ModelNotFound')).toEqual({
      error: { message: 'no', type: 'not_found_error', param: null, code: 'model_not_found' },
    });
    expect(bodyOf('Native', 'ModelNotFound')).toEqual({ error: 'no' });
    expect(bodyOf('Anthropic', 'ModelNotFound')).toEqual({
      type: 'error',
      error: { type: 'not_found_error', message: 'no' },
      request_id: 'r-1',
    });
  });

  it.each(Object.entries(gatewayErrors))('%s has its status and a type in every dialect', (reason, { status }) => {
    for (const family of ['OpenAI', 'Native', 'Anthropic'] as const) {
      const answer = errorAnswer(family, new GatewayError(reason as GatewayErrorReason, 'näh'), 'r-1');
      expect(answer.status).toBe(status);
      expect(answer.headers['content-length']).toBe(String(Buffer.byteLength(answer.body)));
      expect(answer.headers['x-request-id']).toBe('r-1');
      if (family !== 'Native')
        expect(JSON.parse(answer.body)).toMatchObject({ error: { type: expect.stringMatching(/^[a-z_]+$/) } });
    }
  });

  it('tells whole seconds after which to try again, one at least', () => {
    const header = (seconds: number) =>
      errorAnswer('OpenAI', new GatewayError('QueueFull', 'full', { retryAfterSeconds: seconds }), 'r').headers[
        'retry-after'
      ];
    expect([header(0), header(2.1), header(60)]).toEqual(['1', '3', '60']);
    expect(errorAnswer('OpenAI', new GatewayError('NotFound', 'no'), 'r').headers).not.toHaveProperty('retry-after');
  });

  it('closes the connection where it cannot be used further', () => {
    const closes = (reason: GatewayErrorReason) =>
      errorAnswer('Native', new GatewayError(reason, 'no'), 'r').headers.connection === 'close';
    expect(closes('Draining')).toBe(true);
    expect(closes('TooLarge')).toBe(true);
    expect(closes('QueueFull')).toBe(false);
  });
});
