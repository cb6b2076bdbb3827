import { describe, expect, it, onTestFinished } from 'vitest';
import { createCertificate } from '../../../src/gateway/tls.ts';
import { selfSigned } from '../../fault/certificate.ts';
import { recordLog } from '../../fault/recordedLog.ts';
import { createVirtualClock } from '../virtualClock.ts';
import { mountedSecret } from './mountedSecret.ts';

const asSecret = ({ cert, key }: { cert: string; key: string }) => ({ 'tls.crt': cert, 'tls.key': key });

async function certificateOf(directory: string) {
  const clock = createVirtualClock();
  const { log, lines } = recordLog();
  const certificate = createCertificate({ directory, secretName: 'web-tls', log, clock });
  await certificate.start();
  onTestFinished(() => certificate.stop());
  return { certificate, clock, lines };
}

describe('a certificate', () => {
  it('is read from the Secret, with the time of its end', async () => {
    const pair = selfSigned();
    const { certificate } = await certificateOf((await mountedSecret(asSecret(pair))).directory);
    expect(certificate.current()?.cert.toString()).toBe(pair.cert);
    expect(certificate.expiresAt()).toBe(Date.UTC(2100, 0, 1));
    expect(certificate.problem()).toBeUndefined();
  });

  it('is taken over when it is renewed', async () => {
    const secret = await mountedSecret(asSecret(selfSigned()));
    const { certificate, clock } = await certificateOf(secret.directory);
    const seen: string[] = [];
    certificate.onChange(({ cert }) => void seen.push(cert.toString()));
    const renewed = selfSigned();
    await secret.swap(asSecret(renewed));
    await clock.advanceUntil(() => seen.length > 0, 60_000);
    await clock.advance(60_000);
    expect(seen).toEqual([renewed.cert]);
  });

  it.each([
    ['has another key', () => ({ 'tls.crt': selfSigned().cert, 'tls.key': selfSigned().key })],
    ['has no key', () => ({ 'tls.crt': selfSigned().cert })],
    ['is no certificate', () => ({ 'tls.crt': 'none', 'tls.key': 'none' })],
    ['is empty', () => ({})],
  ])('is kept when the new one %s', async (_, bad) => {
    const pair = selfSigned();
    const secret = await mountedSecret(asSecret(pair));
    const { certificate, clock, lines } = await certificateOf(secret.directory);
    await secret.swap(bad());
    await clock.advanceUntil(() => lines.some(({ level }) => level === 'warn'), 60_000);
    await clock.advance(60_000);
    expect(certificate.current()?.cert.toString()).toBe(pair.cert);
    expect(certificate.problem()).toBeUndefined();
    expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    expect(JSON.stringify(lines)).not.toContain('PRIVATE KEY');
  });

  it('is a problem that names the Secret while there is none', async () => {
    const secret = await mountedSecret({});
    const { certificate, clock } = await certificateOf(secret.directory);
    expect(certificate.problem()).toEqual({
      reason: 'SecretMissing',
      message: expect.stringMatching(/web-tls.*tls\.crt/),
    });
    await secret.swap(asSecret(selfSigned()));
    await clock.advanceUntil(() => certificate.problem() === undefined, 60_000);
  });
});
