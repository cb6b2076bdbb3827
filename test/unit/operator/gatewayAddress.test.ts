import { expect, test } from 'vitest';
import { gatewayAddress } from '../../../src/operator/gatewayAddress.ts';
import { pod } from './observation.ts';

const addressOf = (ip: string) => gatewayAddress(pod({ revision: 'r', pod: { ip } }));

test.each([
  ['10.1.2.3', 'http://10.1.2.3:9090'],
  ['192.168.0.9', 'http://192.168.0.9:9090'],
  ['100.64.0.1', 'http://100.64.0.1:9090'],
  ['fd00::12', 'http://[fd00::12]:9090'],
])('%s is asked at %s', (ip, origin) => {
  expect(addressOf(ip)).toBe(origin);
});

test.each([
  '',
  'localhost',
  '10.0.0.1@evil.example.org',
  '127.0.0.1',
  '127.9.9.9',
  '0.0.0.0',
  '169.254.169.254',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  'fe80::1',
  'ff02::1',
  '::ffff:127.0.0.1',
  '::ffff:169.254.169.254',
])('%s is no address of a pod', (ip) => {
  expect(addressOf(ip)).toBeUndefined();
});
