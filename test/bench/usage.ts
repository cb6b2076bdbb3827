// What a process has cost so far, as Linux tells it; elsewhere nothing is known.
import { readFile } from 'node:fs/promises';

export interface Usage {
  /** Resident now, MiB. */
  rssMiB: number;
  /** Most that was ever resident, MiB. */
  peakRssMiB: number;
  /** Seconds on a core, in user and kernel mode. */
  cpuSeconds: number;
}

/** USER_HZ: what the kernel shows user space has been 100 on every common architecture since Linux 2.6. */
const ticksPerSecond = 100;

const kiB = (status: string, field: string): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN);

/** Reads `/proc/<pid>/status` and `/proc/<pid>/stat` (proc(5)). */
export function parseUsage(status: string, stat: string): Usage {
  // The name in parentheses may hold spaces; utime and stime are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    rssMiB: kiB(status, 'VmRSS') / 1024,
    peakRssMiB: kiB(status, 'VmHWM') / 1024,
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
  };
}

/** undefined where there is no /proc, or the process is gone. */
export async function usageOf(pid: number): Promise<Usage | undefined> {
  try {
    const [status, stat] = await Promise.all(
      ['status', 'stat'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8')),
    );
    return parseUsage(status ?? '', stat ?? '');
  } catch {
    return undefined;
  }
}

/** Seconds on a core of all child processes that have ended so far, and of theirs; undefined where there is no /proc. */
export async function endedChildrenCpuSeconds(): Promise<number | undefined> {
  try {
    const stat = await readFile('/proc/self/stat', 'utf8');
    // cutime and cstime, the 14th and 15th field after the name.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[13]) + Number(fields[14])) / ticksPerSecond;
  } catch {
    return undefined;
  }
}
