// The process on the host that holds a real node: it makes the control groups, starts the first program of the namespaces, and when
// the pipe to its parent closes, for whatever reason, SIGKILL included, it ends the node and removes what lies outside of it.
// Run by node.ts as `node keeper.ts FOLDER CGROUP PORT`; speaks one JSON object per line.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { waitFor } from '../../controlplane/wait.ts';
import { makeGroups, removeGroups } from './cgroups.ts';
import { forward } from './door.ts';
import { layoutOf, ports } from './layout.ts';

export type Report = { report: 'started'; init: number } | { report: 'ended'; code: number | null };

const [folder = '', cgroup = '', port = ''] = process.argv.slice(2);
const layout = layoutOf(folder);
const tell = (report: Report) => process.stdout.write(`${JSON.stringify(report)}\n`);

/** `sh` becomes the first process and reaps what others leave behind, which Node.js does not. */
function startNamespaces(): ChildProcess {
  const output = openSync(join(layout.logs, 'init.log'), 'a');
  const namespaces = [
    '--mount',
    '--propagation',
    'private',
    '--net',
    '--pid',
    '--uts',
    '--ipc',
    '--fork',
    '--kill-child',
  ];
  const init = [process.execPath, join(import.meta.dirname, 'init.ts'), layout.plan];
  const child = spawn('unshare', [...namespaces, 'sh', '-c', '"$@" & wait $!', 'sh', ...init], {
    stdio: ['ignore', output, output],
    env: { PATH: process.env.PATH ?? '' },
    cwd: '/',
  });
  closeSync(output);
  return child;
}

/** The process that is the first one of the new process namespace, by its number on the host. */
const firstProcess = (unshare: number): Promise<number> =>
  waitFor(
    'the namespaces',
    async () => Number((await readFile(`/proc/${unshare}/task/${unshare}/children`, 'utf8')).trim()) || undefined,
    { deadlineMs: 10_000 },
  );

await makeGroups(cgroup);
const unshare = startNamespaces();
const gone = new Promise<void>((resolve) => unshare.once('exit', () => resolve()));
const init = await firstProcess(unshare.pid ?? 0);
const api = await forward(layout.door, '127.0.0.1', ports.apiServer, Number(port));

let ending: Promise<void> | undefined;
function end(): Promise<void> {
  ending ??= (async () => {
    api.close();
    if (unshare.exitCode === null && unshare.signalCode === null) process.kill(init, 'SIGKILL'); // the kernel ends all others
    await gone;
    await waitFor('the control groups are empty', () => removeGroups(cgroup).then(() => true), {
      deadlineMs: 20_000,
    });
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
    process.exit(0);
  })();
  return ending;
}

process.stdout.on('error', () => {}); // the parent has gone: its end of the pipe tells us below
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void end());
unshare.once('exit', (code) => tell({ report: 'ended', code }));
let released = false;
const commands = createInterface({ input: process.stdin });
commands.on('line', (line) => {
  if (line === 'release') released = true;
});
commands.on('close', () => {
  if (!released) void end();
});
tell({ report: 'started', init });
