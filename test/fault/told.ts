// Times that a test file has measured, printed after its last test: figures for people, asserted nowhere.
import { afterAll } from 'vitest';

/** Returns how to note one. */
export function tellTimes(title: string): (what: string, seconds: number) => void {
  const lines: string[] = [];
  afterAll(() => {
    if (lines.length > 0) process.stderr.write(`${title}\n${lines.join('\n')}\n`);
  });
  return (what, seconds) => void lines.push(`  ${what.padEnd(44)} ${seconds.toFixed(2)} s`);
}
