// The progress file: replaced as a whole, so that whoever reads it never sees half of it.
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from '../process/logger.ts';
import type { ProgressSink } from './progress.ts';

/** Progress is for others to see: where it cannot be written that is said once, and the pull goes on. */
export function progressFile(path: string, log: Logger): ProgressSink {
  let failed = false;
  return async (report) => {
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(`${path}.new`, JSON.stringify(report), { mode: 0o644 });
      await rename(`${path}.new`, path);
    } catch (error) {
      if (!failed) log.warn({ path, err: error }, 'progress cannot be written');
      failed = true;
    }
  };
}
