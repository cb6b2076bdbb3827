import { expect, test } from 'vitest';
import { answerChecks } from '../../../src/process/health.ts';

test('lists every check and passes when all do', () => {
  expect(answerChecks('readyz', { synced: () => true, ping: () => true })).toEqual({
    status: 200,
    body: '[+]synced ok\n[+]ping ok\nreadyz check passed\n',
  });
});

test('fails when one check does, and still tells the others', () => {
  expect(answerChecks('readyz', { synced: () => 'waiting for nodes', ping: () => true })).toEqual({
    status: 503,
    body: '[-]synced failed: waiting for nodes\n[+]ping ok\nreadyz check failed\n',
  });
});

test('takes a check that throws for failed', () => {
  const broken = () => {
    throw new Error('no cache');
  };
  expect(answerChecks('healthz', { broken })).toEqual({
    status: 503,
    body: '[-]broken failed: no cache\nhealthz check failed\n',
  });
});

test('passes when there is nothing to check', () => {
  expect(answerChecks('healthz', {})).toEqual({ status: 200, body: 'healthz check passed\n' });
});
