// Health endpoints: a list of named checks, answered as the Kubernetes components answer theirs.
import type { Answer } from './adminServer.ts';

/** Quick and without I/O, because probes are impatient. True, or what is wrong. */
export type Check = () => true | string;

/**
 * The answer to a probe: 200 when all checks pass, else 503, and either way a line per check: `[+]synced ok`.
 * A check that throws has failed.
 */
export function answerChecks(name: string, checks: Readonly<Record<string, Check>>): Answer {
  const lines: string[] = [];
  let healthy = true;
  for (const [check, run] of Object.entries(checks)) {
    const verdict = judge(run);
    if (verdict !== true) healthy = false;
    lines.push(verdict === true ? `[+]${check} ok` : `[-]${check} failed: ${verdict}`);
  }
  lines.push(`${name} check ${healthy ? 'passed' : 'failed'}`);
  return { status: healthy ? 200 : 503, body: `${lines.join('\n')}\n` };
}

function judge(run: Check): true | string {
  try {
    return run();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
