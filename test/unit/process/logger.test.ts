import { expect, test } from 'vitest';
import { createLogger, type LogLevel, silentLogger } from '../../../src/process/logger.ts';

/** A logger and the lines it has written. */
function capture(level: LogLevel = 'debug') {
  const text: string[] = [];
  const log = createLogger({ level, component: 'operator', destination: { write: (line) => void text.push(line) } });
  return { log, text, lines: () => text.map((line): Record<string, unknown> => JSON.parse(line)) };
}

test('writes one JSON line with level name, ISO time, component, fields and a constant message', () => {
  const { log, lines } = capture();
  log.info({ deployment: 'ai/phi4', rung: 'GPU' }, 'placed');
  const [line] = lines();
  expect(line).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    component: 'operator',
    deployment: 'ai/phi4',
    rung: 'GPU',
    msg: 'placed',
  });
});

test('keeps quiet below its level', () => {
  const { log, lines } = capture('warn');
  log.debug({}, 'a');
  log.info({}, 'b');
  log.warn({}, 'c');
  log.error({}, 'd');
  expect(lines().map(({ msg }) => msg)).toEqual(['c', 'd']);
});

test('keeps type, stack and cause of an error', () => {
  const { log, lines } = capture();
  log.error({ err: new TypeError('x is not a function', { cause: new Error('the deeper one') }) }, 'reconcile failed');
  expect(lines()[0]?.err).toMatchObject({ type: 'TypeError', message: expect.stringContaining('x is not a function') });
  expect(JSON.stringify(lines()[0])).toContain('the deeper one');
  expect(JSON.stringify(lines()[0])).toContain('logger.test.ts');
});

test('never writes a secret, wherever in the fields it sits', () => {
  const { log, text } = capture();
  const secret = 's3cr3t-value';
  log.info({ authorization: `Bearer ${secret}` }, 'a');
  log.info({ headers: { Authorization: secret, cookie: secret, 'proxy-authorization': secret } }, 'b');
  log.info({ request: { headers: { authorization: secret } }, user: { token: secret, password: secret } }, 'c');
  log.error({ err: Object.assign(new Error('refused'), { headers: { authorization: secret }, apiKey: secret }) }, 'd');
  expect(text).toHaveLength(4);
  expect(text.join('')).not.toContain(secret);
  expect(text.join('')).toContain('[redacted]');
});

test('leaves the objects that it was given as they were', () => {
  const { log } = capture();
  const headers = { authorization: 'Bearer abc' };
  log.info({ headers }, 'sent');
  expect(headers.authorization).toBe('Bearer abc');
});

test('the silent logger takes every level and says nothing', () => {
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    expect(silentLogger[level]({ a: 1 }, 'x')).toBeUndefined();
  }
});
