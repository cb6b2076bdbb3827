// Why a real node cannot be had on this machine, in one sentence, before anything is fetched or built.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const programs = ['unshare', 'nsenter', 'mount', 'ip'] as const;

const wanted = 'A real node needs root on Linux, to make namespaces, mounts and control groups of its own';

/** Undefined where nothing stands in the way. */
export async function obstacle(): Promise<string | undefined> {
  if (process.platform !== 'linux') return `${wanted}; this is ${process.platform}.`;
  if (process.getuid?.() !== 0) return `${wanted}; this user is not root. Try it with sudo.`;
  for (const program of programs) {
    const found = await run(program, ['--version']).catch((error: NodeJS.ErrnoException) => error.code !== 'ENOENT');
    if (found === false) return `${wanted}; the program ${program} is not installed (util-linux, iproute2).`;
  }
  try {
    await run('unshare', ['--mount', '--net', '--pid', '--uts', '--ipc', '--fork', 'true']);
  } catch {
    return `${wanted}; this user may not make namespaces (a container without --privileged?).`;
  }
  return undefined;
}
