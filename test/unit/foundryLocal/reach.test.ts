import { createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { refuseUnreachable } from '../../../src/foundryLocal/reach.ts';
import { freePort } from '../../controlplane/ports.ts';

const { signal } = new AbortController();
const failure = (message: RegExp) =>
  expect.objectContaining({ reason: 'Unreachable', message: expect.stringMatching(message) });

async function listener(): Promise<number> {
  const port = await freePort();
  const server = createServer((socket) => socket.end());
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return port;
}

it('is content where somebody listens', async () => {
  const target = new URL(`http://127.0.0.1:${await listener()}`);
  await expect(refuseUnreachable(target, { proxies: {}, signal })).resolves.toBeUndefined();
});

it('names what cannot be reached, and what to do', async () => {
  const target = new URL(`http://127.0.0.1:${await freePort()}`);
  await expect(refuseUnreachable(target, { proxies: {}, signal })).rejects.toEqual(
    failure(
      /^the catalog 127.0.0.1:\d+ cannot be reached: .*ECONNREFUSED.*; let the pod out to it, or bring the model/,
    ),
  );
});

it('asks the proxy where there is one, and never shows its password', async () => {
  const proxies = { httpsProxy: `http://me:secret@127.0.0.1:${await freePort()}` };
  const asking = refuseUnreachable(new URL('https://catalog.example.org'), { proxies, signal });
  await expect(asking).rejects.toEqual(failure(/^the proxy 127.0.0.1:\d+ for the catalog cannot be reached/));
  await expect(asking).rejects.not.toThrow(/secret/);
});

it('stops when it is told to', async () => {
  const target = new URL(`http://127.0.0.1:${await listener()}`);
  const stop = AbortSignal.abort(new Error('stopped'));
  await expect(refuseUnreachable(target, { proxies: {}, signal: stop })).rejects.toThrow('stopped');
});
