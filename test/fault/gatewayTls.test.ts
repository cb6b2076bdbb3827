import { request } from 'node:https';
import { connect, type PeerCertificate } from 'node:tls';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createCertificate } from '../../src/gateway/tls.ts';
import { silentLogger } from '../../src/process/logger.ts';
import { mountedSecret } from '../unit/gateway/mountedSecret.ts';
import { createVirtualClock } from '../unit/virtualClock.ts';
import { selfSigned } from './certificate.ts';
import { chatBody, openDoor } from './door.ts';
import { rawClient } from './rawClient.ts';

const patience = { timeout: 20_000, interval: 5 };
const asSecret = ({ cert, key }: { cert: string; key: string }) => ({ 'tls.crt': cert, 'tls.key': key });

async function secureDoor(data: Record<string, string>) {
  const secret = await mountedSecret(data);
  const clock = createVirtualClock();
  const certificate = createCertificate({ directory: secret.directory, secretName: 'tls', log: silentLogger, clock });
  await certificate.start();
  onTestFinished(() => certificate.stop());
  return { door: await openDoor({ certificate }), secret, clock, certificate };
}

/** What the server shows in a handshake; rejects where there is none. */
function shown(port: number): Promise<PeerCertificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate());
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe('TLS', () => {
  it('serves those who trust the certificate', async () => {
    const pair = selfSigned();
    const { door } = await secureDoor(asSecret(pair));
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const options = {
        port: door.port,
        host: '127.0.0.1',
        path: '/api/chat',
        method: 'POST',
        ca: pair.cert,
        agent: false,
      };
      request(options, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode));
      })
        .on('error', reject)
        .end(chatBody());
    });
    expect(status).toBe(200);
  });

  it('shows a renewed certificate to the next client, without a restart', async () => {
    const { door, secret, clock, certificate } = await secureDoor(asSecret(selfSigned()));
    const before = await shown(door.port);
    await secret.swap(asSecret(selfSigned()));
    const old = certificate.current();
    await clock.advanceUntil(() => certificate.current() !== old, 60_000);
    expect((await shown(door.port)).fingerprint256).not.toBe(before.fingerprint256);
  });

  it('lets nobody in before there is a certificate, and everybody once there is', async () => {
    const { door, secret, clock, certificate } = await secureDoor({});
    await expect(shown(door.port)).rejects.toThrow();
    await secret.swap(asSecret(selfSigned()));
    await clock.advanceUntil(() => certificate.current() !== undefined, 60_000);
    expect((await shown(door.port)).fingerprint256).toMatch(/^[0-9A-F:]+$/);
  });

  it('is not talked to in the clear', async () => {
    const { door } = await secureDoor(asSecret(selfSigned()));
    const client = await rawClient(door.port);
    client.send('GET /v1/models HTTP/1.1\r\nhost: a\r\n\r\n');
    expect(await client.ended()).not.toContain('assistant');
    await vi.waitFor(() => expect(door.front.connections).toBe(0), patience);
    expect(door.audited).toEqual([]);
  });
});
