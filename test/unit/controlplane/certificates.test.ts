import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { createAuthority, issueCertificate } from '../../controlplane/certificates.ts';

const now = Date.UTC(2026, 5, 1, 12);
const authority = createAuthority('test authority', now);
const ca = new X509Certificate(authority.cert);

test('an authority signs itself and may sign others', () => {
  expect(ca.ca).toBe(true);
  expect(ca.subject).toBe('CN=test authority');
  expect(ca.verify(ca.publicKey)).toBe(true);
});

test('a serving certificate is issued by the authority for its names and addresses', () => {
  const { cert } = issueCertificate(
    authority,
    { commonName: 'server', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] },
    now,
  );
  const leaf = new X509Certificate(cert);
  expect(leaf.checkIssued(ca)).toBe(true);
  expect(leaf.verify(ca.publicKey)).toBe(true);
  expect(leaf.ca).toBe(false);
  expect(leaf.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(leaf.checkHost('localhost')).toBe('localhost');
  expect(leaf.checkHost('example.com')).toBeUndefined();
});

test('a client certificate names the user and every group', () => {
  const request = { commonName: 'jane', organizations: ['devs', 'system:masters'] };
  const leaf = new X509Certificate(issueCertificate(authority, request, now).cert);
  expect(leaf.subject.split('\n').sort()).toEqual(['CN=jane', 'O=devs', 'O=system:masters']);
});

test('certificates are good from an hour ago for thirty days', () => {
  const { validFromDate, validToDate } = ca;
  expect(validFromDate.getTime()).toBe(now - 3_600_000);
  expect(validToDate.getTime()).toBe(now + 30 * 86_400_000);
});

test('subjects longer than 255 bytes are encoded too', () => {
  const organizations = Array.from({ length: 40 }, (_, index) => `group-number-${index}`);
  const leaf = new X509Certificate(issueCertificate(authority, { commonName: 'many', organizations }, now).cert);
  expect(leaf.subject.split('\n')).toHaveLength(41);
});
