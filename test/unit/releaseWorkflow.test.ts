// The release workflow, as far as it can be tried without making a release: its scripts run, on a copy, in the shell.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { FOUNDRY_LOCAL_VERSION } from '../../src/api/defaults.ts';

const root = resolve(import.meta.dirname, '../..');

interface Step {
  name?: string;
  uses?: string;
  run?: string;
}
interface Job {
  needs?: string;
  steps: Step[];
}

const workflow = parse(readFileSync(join(root, '.github/workflows/release.yml'), 'utf8')) as {
  jobs: Record<string, Job>;
};
const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

const scriptOf = (name: string): string => {
  const run = steps.find((step) => step.name === name)?.run;
  if (!run) throw new Error(`no step ${name}`);
  return run;
};

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lmo-release-'));
  for (const path of ['charts', 'Dockerfile', 'package.json', 'src/api/defaults.ts'])
    cpSync(join(root, path), join(folder, path), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** As GitHub's runner does: bash, ending at the first failure. */
const run = (script: string, env: Record<string, string>): string =>
  execFileSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '', REGISTRY: 'ghcr.io', GITHUB_REPOSITORY_OWNER: 'Some-Body', ...env },
  });

describe('the release workflow', () => {
  it('pushes nothing before the checks have passed', () => {
    expect(workflow.jobs.images?.needs).toBe('checks');
    expect(workflow.jobs.chart?.needs).toBe('images');
    expect(workflow.jobs.checks?.steps.map((step) => step.run)).toContain('bash .ci/run');
  });

  it('signs images and chart, and attests an SBOM', () => {
    expect(steps.filter((step) => /cosign sign --yes/.test(step.run ?? ''))).toHaveLength(2);
    expect(steps.map((step) => step.uses?.split('@')[0])).toEqual(
      expect.arrayContaining(['anchore/sbom-action', 'actions/attest-sbom']),
    );
  });

  it('refuses a tag that is not the version', () => {
    const script = scriptOf('The tag is the version that package.json says');
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(() => run(script, { GITHUB_REF_NAME: `v${version}` })).not.toThrow();
    expect(() => run(script, { GITHUB_REF_NAME: 'v9.9.9' })).toThrow();
  });

  it('names images by their own versions', () => {
    const namesOf = (target: string, name: string) =>
      run(`${scriptOf('Names')}\ncat "$GITHUB_OUTPUT"; rm "$GITHUB_OUTPUT"`, {
        TARGET: target,
        NAME: name,
        GITHUB_REF_NAME: 'v0.1.0',
        GITHUB_OUTPUT: join(folder, 'output'),
      });
    expect(namesOf('operator', 'local-model-operator')).toBe(
      'image=ghcr.io/some-body/local-model-operator\nversion=0.1.0\n',
    );
    expect(namesOf('foundry-local', 'local-model-operator/foundry-local')).toContain(
      `version=${FOUNDRY_LOCAL_VERSION}-cpu\n`,
    );
  });

  it('pins every base of the Dockerfile', () => {
    const script = scriptOf('Bases by digest, as they are today');
    const docker = 'docker() { echo sha256:0; }\n';
    const output = run(`${docker}${script}\ncat "$GITHUB_OUTPUT"`, { GITHUB_OUTPUT: join(folder, 'bases') });
    const bases = [
      ...readFileSync(join(root, 'Dockerfile'), 'utf8').matchAll(/^FROM (?:--platform=\S+ )?\$\{(\w+)\}/gm),
    ].map(([, name]) => name);
    expect(new Set(bases).size).toBe(4);
    for (const base of new Set(bases)) expect(output).toMatch(new RegExp(`^${base}=\\S+@sha256:0$`, 'm'));
  });

  it('gives the chart the images and runbooks of the repository', () => {
    run(scriptOf('The chart names the images and runbooks of this repository'), {
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_REPOSITORY: 'Some-Body/local-model-operator',
      GITHUB_REF_NAME: 'v0.1.0',
    });
    const values = parse(readFileSync(join(folder, 'charts/local-model-operator/values.yaml'), 'utf8'));
    expect(values.image.repository).toBe('ghcr.io/some-body/local-model-operator');
    expect(values.defaults.images.foundryLocal).toBe(
      `ghcr.io/some-body/local-model-operator/foundry-local:${FOUNDRY_LOCAL_VERSION}-cpu`,
    );
    expect(values.monitoring.prometheusRule.runbooks).toBe(
      'https://github.com/Some-Body/local-model-operator/blob/v0.1.0/docs/runbooks',
    );
  });
});
