import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createKeyring } from '../../../src/gateway/auth.ts';
import { GatewayError } from '../../../src/gateway/errors.ts';
import { recordLog } from '../../fault/recordedLog.ts';
import { createVirtualClock } from '../virtualClock.ts';
import { mountedSecret } from './mountedSecret.ts';

async function keyringOf(directory: string) {
  const clock = createVirtualClock();
  const { log, lines } = recordLog();
  const keyring = createKeyring({ directory, secretName: 'api-keys', log, clock });
  await keyring.start();
  onTestFinished(() => keyring.stop());
  return { keyring, clock, lines };
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

function reasonOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof GatewayError) return error.reason;
    throw error;
  }
  return 'none';
}

describe('a keyring', () => {
  it('knows each client by its key, in either header', async () => {
    const { directory } = await mountedSecret({ 'team-a': 'key-a', 'team-b': 'key-b\n' });
    const { keyring } = await keyringOf(directory);
    expect(keyring.keys().map(({ client }) => client)).toEqual(['team-a', 'team-b']);
    expect(keyring.identify(bearer('key-a'))).toBe('team-a');
    expect(keyring.identify({ authorization: 'bearer  key-b ' })).toBe('team-b');
    expect(keyring.identify({ 'x-api-key': 'key-b' })).toBe('team-b');
    expect(keyring.identify({ ...bearer('of something else'), 'x-api-key': 'key-b' })).toBe('team-b');
    expect(keyring.problem()).toBeUndefined();
  });

  it.each([
    {},
    bearer(''),
    bearer('key-c'),
    bearer('key-a '.repeat(2)),
    { authorization: 'Basic key-a' },
    { authorization: 'key-a' },
    { 'x-api-key': 'key-a, key-b' },
    { cookie: 'key-a' },
  ])('refuses %j', async (headers) => {
    const { directory } = await mountedSecret({ 'team-a': 'key-a', 'team-b': 'key-b' });
    const { keyring } = await keyringOf(directory);
    expect(reasonOf(() => keyring.identify(headers))).toBe('Unauthorized');
  });

  it('follows a changed Secret within seconds, without a restart', async () => {
    const secret = await mountedSecret({ 'team-a': 'old' });
    const { keyring, clock } = await keyringOf(secret.directory);
    await secret.swap({ 'team-a': 'new', 'team-b': 'key-b' });
    await clock.advanceUntil(() => keyring.keys().length === 2, 60_000);
    expect(keyring.identify(bearer('new'))).toBe('team-a');
    expect(reasonOf(() => keyring.identify(bearer('old')))).toBe('Unauthorized');
    expect(clock.monotonic()).toBeLessThanOrEqual(10_000);
  });

  it('lets nobody in once the Secret is emptied, and says which', async () => {
    const secret = await mountedSecret({ 'team-a': 'key-a' });
    const { keyring, clock } = await keyringOf(secret.directory);
    await secret.swap({});
    await clock.advanceUntil(() => keyring.keys().length === 0, 60_000);
    expect(reasonOf(() => keyring.identify(bearer('key-a')))).toBe('NotReady');
    expect(keyring.problem()).toEqual({ reason: 'SecretMissing', message: expect.stringContaining('api-keys') });
    await secret.swap({ 'team-a': 'key-a' });
    await clock.advanceUntil(() => keyring.problem() === undefined, 60_000);
    expect(keyring.identify(bearer('key-a'))).toBe('team-a');
  });

  it.each([
    ['is not there', join(tmpdir(), 'nothing-here-at-all')],
    ['is no folder', import.meta.filename],
  ])('fails closed where the mount %s', async (_, directory) => {
    const { keyring } = await keyringOf(directory);
    expect(keyring.problem()?.reason).toBe('SecretMissing');
    expect(reasonOf(() => keyring.identify(bearer('')))).toBe('NotReady');
  });

  it('leaves out entries that are no key, and names them', async () => {
    const { directory } = await mountedSecret({ empty: '', two: 'a b', 'team-a': 'key-a' });
    const { keyring, lines } = await keyringOf(directory);
    expect(keyring.keys().map(({ client }) => client)).toEqual(['team-a']);
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'warn', fields: { secretName: 'api-keys', entries: ['empty', 'two'] } }),
    );
  });

  it('refuses a key from the moment that it expires, and says so to who has it', async () => {
    const { directory } = await mountedSecret({ 'team-a': 'key-a expires=2026-01-01T00:00:05Z', 'team-b': 'key-b' });
    const { keyring, clock } = await keyringOf(directory);
    expect(keyring.identify(bearer('key-a'))).toBe('team-a');
    await clock.advance(4_999);
    expect(keyring.identify(bearer('key-a'))).toBe('team-a');
    await clock.advance(1);
    expect(() => keyring.identify(bearer('key-a'))).toThrow('it was good until 2026-01-01T00:00:05.000Z');
    expect(reasonOf(() => keyring.identify(bearer('key-a')))).toBe('Unauthorized');
    expect(keyring.identify({ ...bearer('key-a'), 'x-api-key': 'key-b' })).toBe('team-b');
    expect(keyring.identify(bearer('key-b'))).toBe('team-b');
    expect(keyring.problem()).toBeUndefined();
    expect(keyring.keys()).toMatchObject([
      { client: 'team-a', expiresAt: Date.UTC(2026, 0, 1, 0, 0, 5) },
      { client: 'team-b' },
    ]);
  });

  it('takes a key that has expired again once its entry is given more time', async () => {
    const secret = await mountedSecret({ 'team-a': 'key-a expires=2026-01-01' });
    const { keyring, clock } = await keyringOf(secret.directory);
    expect(reasonOf(() => keyring.identify(bearer('key-a')))).toBe('Unauthorized');
    await secret.swap({ 'team-a': 'key-a expires=2026-01-02' });
    await clock.advanceUntil(() => keyring.keys()[0]?.expiresAt === Date.UTC(2026, 0, 2), 60_000);
    expect(keyring.identify(bearer('key-a'))).toBe('team-a');
  });

  it('lets a client in whose key stands in an expired entry and in one that lasts', async () => {
    const { directory } = await mountedSecret({ a: 'key expires=2026-01-01', b: 'key', c: 'key expires=2026-01-01' });
    const { keyring } = await keyringOf(directory);
    expect(keyring.identify(bearer('key'))).toBe('b');
  });

  it('reads a folder of plain files too', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'plain-'));
    await writeFile(join(directory, 'me'), 'key');
    expect((await keyringOf(directory)).keyring.identify(bearer('key'))).toBe('me');
  });

  it('never logs a key', async () => {
    const { directory } = await mountedSecret({ 'team-a': 'sk-secret', bad: 'sk-secret two' });
    const { keyring, lines } = await keyringOf(directory);
    expect(reasonOf(() => keyring.identify(bearer('sk-secret-guess')))).toBe('Unauthorized');
    expect(JSON.stringify(lines)).not.toContain('sk-secret');
  });
});
