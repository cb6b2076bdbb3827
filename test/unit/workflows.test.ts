// What every workflow must keep to, as far as it can be seen without running it.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const root = resolve(import.meta.dirname, '../..');
const folder = join(root, '.github/workflows');

interface Job {
  permissions?: Record<string, string>;
  'timeout-minutes'?: number;
  steps: { run?: string; uses?: string; with?: Record<string, unknown> }[];
}

const workflows = readdirSync(folder).map((name) => {
  const text = readFileSync(join(folder, name), 'utf8');
  const { permissions, jobs } = parse(text) as { permissions: object; jobs: Record<string, Job> };
  return { name, text, permissions, jobs: Object.values(jobs) };
});

describe.each(workflows)('the workflow $name', ({ text, permissions, jobs }) => {
  const steps = jobs.flatMap((job) => job.steps);

  it('may do nothing but what a job says, for as long as the job says', () => {
    expect(permissions).toEqual({});
    for (const job of jobs) {
      expect(job.permissions?.contents).toBeDefined();
      expect(job['timeout-minutes']).toBeGreaterThan(0);
    }
  });

  it('names actions by commit, with the version for people', () => {
    const uses = text.split('\n').filter((line) => /^ *(- )?uses:/.test(line));
    expect(uses.length).toBeGreaterThan(0);
    for (const line of uses) expect(line).toMatch(/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it('leaves no credentials in the checkout', () => {
    for (const { uses = '', with: options } of steps)
      if (uses.startsWith('actions/checkout@')) expect(options).toMatchObject({ 'persist-credentials': false });
  });

  it('has scripts that the shell can read, and that no text of others gets into', () => {
    for (const { run } of steps) {
      if (run === undefined) continue;
      expect(() => execFileSync('bash', ['-n'], { input: run, stdio: 'pipe' }), run).not.toThrow();
      expect(run).not.toContain('${{');
    }
  });

  it('makes cache keys of files that there are', () => {
    const named = [...text.matchAll(/hashFiles\(([^)]*)\)/g)].flatMap(([, list = '']) =>
      [...list.matchAll(/'([^']+)'/g)].map(([, path = '']) => path.replace('/**', '')),
    );
    for (const path of named) expect(existsSync(join(root, path)), path).toBe(true);
  });
});

it('one commit stands for one action in all workflows', () => {
  const pins = workflows.flatMap(({ text }) =>
    [...text.matchAll(/uses: (\S+)@(\S+)/g)].map(([, name, sha]) => [name, sha]),
  );
  for (const [name] of pins)
    expect(new Set(pins.filter(([other]) => other === name).map(([, sha]) => sha)).size, name).toBe(1);
});
