import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isAboutNoCatalog } from '../../../src/foundryLocal/addonCore.ts';
import { entriesOf, followCoreLog } from '../../../src/foundryLocal/coreLog.ts';
import { recordLog } from '../../fault/recordedLog.ts';
import { temporaryFolder } from '../models/temporaryStore.ts';
import { createVirtualClock } from '../virtualClock.ts';

const refused = [
  '2026-11-23 07:49:23.965 +00:00 [ERR] Exception getting model info: Connection refused (127.0.0.1:9)',
  ' ---> System.Net.Sockets.SocketException (111): Connection refused',
  '   at System.Net.Sockets.Socket.ThrowException(SocketError, CancellationToken) + 0x3e',
  '2026-11-23 07:49:23.965 +00:00 [ERR] Inner exception:',
  'System.Net.Sockets.SocketException (111): Connection refused',
  '2026-11-23 07:49:23.966 +00:00 [WRN] Falling back to last-known-good cached model info. Info was saved at 01/01/2026',
];
const failed = '2026-11-23 07:50:00.000 +00:00 [ERR] Load failed';

it('puts causes and stack traces to what they belong to', () => {
  const [first, second, ...more] = entriesOf(refused);
  expect(first).toMatchObject({
    level: 'error',
    text: 'Exception getting model info: Connection refused (127.0.0.1:9)',
  });
  expect(first?.more).toContain('Inner exception:');
  expect(first?.more).toHaveLength(4);
  expect(second).toMatchObject({ level: 'warn', more: [] });
  expect(more).toEqual([]);
});

it('keeps what is in another form', () => {
  expect(entriesOf(['hello', '', failed])).toEqual([
    { level: 'info', text: 'hello', more: [] },
    { level: 'error', text: 'Load failed', more: [] },
  ]);
});

it('tells what is new, whole lines only, and what is left at the end', async () => {
  const folder = join(await temporaryFolder(), 'logs');
  const clock = createVirtualClock();
  const { log, lines } = recordLog();
  const told = () => lines.map(({ level, fields }) => `${level} ${fields.core}`);
  await mkdir(folder);
  await writeFile(join(folder, 'old.log'), `${failed} of another start\n`);
  const follower = await followCoreLog(folder, { clock, log, expected: isAboutNoCatalog });
  await writeFile(join(folder, 'core.log'), `${failed}\n${failed.slice(0, 40)}`);
  await clock.advance(1_000);
  await clock.until(() => lines.length > 0);
  expect(told()).toEqual(['error Load failed']);
  await appendFile(join(folder, 'core.log'), `${failed.slice(40)} again\n${refused.join('\n')}`);
  await follower.end();
  expect(told().slice(1, 2)).toEqual(['error Load failed again']);
  expect(lines.slice(2).every(({ level }) => level === 'debug')).toBe(true);
});

it('says nothing where the core writes nothing', async () => {
  const { log, lines } = recordLog();
  const follower = await followCoreLog('/nowhere/at/all', { clock: createVirtualClock(), log });
  await follower.end();
  expect(lines).toEqual([]);
});
