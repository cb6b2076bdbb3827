// A disk that is full soon.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** 1 MiB, where we may mount it; undefined elsewhere. `atEnd` is told how it goes away again. */
export function smallFileSystem(atEnd: (remove: () => void) => void): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'lmo-small-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    rmdirSync(folder);
    return undefined;
  }
  atEnd(() => {
    execFileSync('umount', [folder]);
    rmdirSync(folder);
  });
  return folder;
}
