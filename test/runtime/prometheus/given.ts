// Prometheus' rule engine for a test file, or the reason to skip its tests.
import { beforeAll, beforeEach } from 'vitest';
import { systemClock } from '../../../src/process/clock.ts';
import { createProgress } from '../../controlplane/progress.ts';
import { UnavailableError } from '../workshop.ts';
import { findPromjudge } from './judge.ts';

/** A build takes a minute on an idle machine, and more where others build too. */
const BUILD_MS = 900_000;

/** Its path is there from the first test on, and in what comes after this call in beforeAll. */
export function givenPromjudge(): { path?: string } {
  const found: { path?: string } = {};
  let missing: string | undefined;

  beforeAll(async () => {
    const output = { write: (text: string) => process.stderr.write(text), isTTY: process.stderr.isTTY };
    try {
      found.path = await findPromjudge({ env: process.env, progress: createProgress(output, systemClock) });
    } catch (error) {
      if (process.env.LMO_RUNTIME_REQUIRED === '1' || !(error instanceof UnavailableError)) throw error;
      missing = error.message;
    }
  }, BUILD_MS);

  beforeEach(({ skip }) => {
    if (missing !== undefined) skip(missing);
  });
  return found;
}
