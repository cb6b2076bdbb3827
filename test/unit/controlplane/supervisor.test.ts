import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isAlive } from '../../controlplane/lock.ts';
import { createSupervisor } from '../../controlplane/supervise.ts';
import type { ProcessSpec } from '../../controlplane/supervisor.ts';
import { waitFor } from '../../controlplane/wait.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lmo-supervisor-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const patience = { deadlineMs: 15_000 };
const program = (name: string, script: string): ProcessSpec => ({
  name,
  program: '/bin/sh',
  argv: ['-c', script],
  log: join(folder, `${name}.log`),
  env: { PATH: '/usr/bin:/bin' },
});
const long = 'while :; do sleep 1; done';
const stubborn = `trap "" TERM; ${long}`;

test('writes what a program says to its log and tells how it ended', async () => {
  const supervisor = createSupervisor(folder);
  await supervisor.start(program('talker', 'echo hello; echo oops >&2; exit 3'));
  expect(await supervisor.ended('talker')).toEqual({ code: 3, signal: null });
  expect(await readFile(join(folder, 'talker.log'), 'utf8')).toBe('hello\noops\n');
  await supervisor.shutDown();
});

test('a program that is not there is an error, not a silence', async () => {
  const supervisor = createSupervisor(folder);
  const missing = { ...program('ghost', ''), program: join(folder, 'nothing') };
  await expect(supervisor.start(missing)).rejects.toThrow(/ghost cannot be started: .*ENOENT/);
  await supervisor.shutDown();
});

test('a log that cannot be written ends everything instead of leaving it without an owner', async () => {
  const supervisor = createSupervisor(folder);
  const pid = await supervisor.start(program('one', long));
  const second = supervisor.start({ ...program('two', long), log: join(folder, 'no-such-folder', 'log') });
  await expect(second).rejects.toThrow('the supervisor has ended');
  expect(isAlive(pid)).toBe(false);
});

test('stopping takes SIGKILL where SIGTERM is ignored', async () => {
  const supervisor = createSupervisor(folder);
  const pid = await supervisor.start(program('stubborn', stubborn));
  await supervisor.stop('stubborn', 'SIGTERM', 50);
  expect(isAlive(pid)).toBe(false);
  expect(supervisor.pids()).toEqual({});
  await supervisor.shutDown();
});

test('what a program has started itself ends with it where they are a family', async () => {
  const supervisor = createSupervisor(folder);
  const mark = join(folder, 'grandchild');
  const script = `sh -c 'echo $$ > ${mark}; ${long}' & ${long}`;
  const pid = await supervisor.start({ ...program('parent', script), family: true });
  const grandchild = await waitFor(
    'the grandchild runs',
    async () => Number(await readFile(mark, 'utf8')) || undefined,
    patience,
  );
  process.kill(pid, 'SIGKILL');
  await supervisor.ended('parent');
  await waitFor('the grandchild is gone', async () => !isAlive(grandchild) || undefined, patience);
  await supervisor.shutDown();
});

test('a signal can be sent without ending anything', async () => {
  const supervisor = createSupervisor(folder);
  const mark = join(folder, 'heard');
  await supervisor.start(program('listener', `trap "touch ${mark}" USR1; touch ${mark}.ready; ${long}`));
  await waitFor('it listens', async () => existsSync(`${mark}.ready`) || undefined, patience);
  supervisor.signal('listener', 'SIGUSR1');
  await waitFor('it has heard', async () => existsSync(mark) || undefined, patience);
  expect(Object.keys(supervisor.pids())).toEqual(['listener']);
  await supervisor.shutDown();
});

test('shutting down ends everything and removes the folder', async () => {
  const supervisor = createSupervisor(folder);
  const pids = [await supervisor.start(program('one', long)), await supervisor.start(program('two', stubborn))];
  await supervisor.shutDown();
  expect(pids.map(isAlive)).toEqual([false, false]);
  expect(existsSync(folder)).toBe(false);
});

test('shutting down in the moment of a start leaves nothing behind', async () => {
  const supervisor = createSupervisor(folder);
  const mark = join(tmpdir(), `${basename(folder)}-mark`);
  const starting = supervisor.start(program('young', `trap "" TERM; echo $$ > ${mark}; ${long}`));
  const outcome = starting.catch(() => undefined);
  await supervisor.shutDown();
  await outcome;
  const pid = await readFile(mark, 'utf8').catch(() => undefined);
  await rm(mark, { force: true });
  expect(pid !== undefined && isAlive(Number(pid))).toBe(false);
  expect(existsSync(folder)).toBe(false);
});

/** A process of its own that starts a long-running program under a supervisor and prints both process ids. */
function parent(release: boolean) {
  const supervise = JSON.stringify(join(import.meta.dirname, '../../controlplane/supervise.ts'));
  const script = `
    import { createSupervisor } from ${supervise};
    const supervisor = createSupervisor(${JSON.stringify(folder)});
    const pid = await supervisor.start(${JSON.stringify(program('long', long))});
    ${release ? 'supervisor.release();' : ''}
    console.log(JSON.stringify([pid, supervisor.pid]));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pids = new Promise<[number, number]>((resolve) => {
    child.stdout.once('data', (text) => resolve(JSON.parse(String(text))));
  });
  return { child, pids };
}

test('nothing outlives a parent that was killed with SIGKILL', async () => {
  const { child, pids } = parent(false);
  const [program, supervisor] = await pids;
  child.kill('SIGKILL');
  await waitFor('the program is gone', async () => !isAlive(program) || undefined, patience);
  await waitFor('the supervisor is gone', async () => !isAlive(supervisor) || undefined, patience);
  expect(existsSync(folder)).toBe(false);
});

test('what was released stays when its parent goes, until its supervisor is told to end', async () => {
  const { child, pids } = parent(true);
  const [program, supervisor] = await pids;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
  expect(isAlive(supervisor)).toBe(true);
  expect(isAlive(program)).toBe(true);
  process.kill(supervisor, 'SIGTERM');
  await waitFor('the program is gone', async () => !isAlive(program) || undefined, patience);
  await waitFor('the folder is gone', async () => !existsSync(folder) || undefined, patience);
});
