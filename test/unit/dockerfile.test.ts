// The images and those who start them agree: what a pod's command names is in the image, and the image starts as it was measured.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtInDefaults, FOUNDRY_LOCAL_VERSION } from '../../src/api/defaults.ts';
import { modelPod } from '../../src/children/modelPod.ts';
import type { Container } from '../../src/children/pod.ts';
import { programs } from '../../src/cli/build/bundle.ts';
import { operatorLaunch } from '../../src/cli/build/launch.ts';
import { runtimes } from '../../src/runtimes/catalogue.ts';
import { foundryAddon, foundryLibraries, foundryNatives } from '../runtime/versions.ts';
import { podInput } from './children/input.ts';

const root = resolve(import.meta.dirname, '../..');
const text = readFileSync(resolve(root, 'Dockerfile'), 'utf8');

interface Instruction {
  name: string;
  rest: string;
}

/** Instructions with their continuation lines joined. */
const instructions: Instruction[] = text
  .replace(/^\s*#.*\n/gm, '')
  .replace(/\\\n\s*/g, ' ')
  .split('\n')
  .filter((line) => line.trim())
  .map((line) => {
    const [name = '', ...words] = line.split(' ');
    return { name, rest: words.join(' ') };
  });

/** The instructions of each stage, by its name. */
const stages = new Map<string, Instruction[]>();
for (const instruction of instructions) {
  const stage = /^FROM (?:--platform=\S+ )?\S+ AS (\S+)$/.exec(`${instruction.name} ${instruction.rest}`)?.[1];
  if (stage) stages.set(stage, []);
  [...stages.values()].at(-1)?.push(instruction);
}

const the = (stage: string, name: string): string => {
  const found = (stages.get(stage) ?? []).filter((instruction) => instruction.name === name);
  expect(found, `${name} of ${stage}`).toHaveLength(1);
  return found[0]?.rest ?? '';
};

const containersOf = (input: ReturnType<typeof podInput>): Container[] => {
  const { spec } = modelPod(input) as unknown as { spec: { initContainers: Container[]; containers: Container[] } };
  return [...spec.initContainers, ...spec.containers];
};

const everyCommand = ({ command, lifecycle }: Container): string[][] =>
  [command, lifecycle?.preStop?.exec?.command].filter((words) => words !== undefined).map((words) => [...words]);

describe('the image of the operator', () => {
  it('starts the operator with the flags that were measured', () => {
    expect(JSON.parse(the('operator', 'ENTRYPOINT'))).toEqual([
      '/nodejs/bin/node',
      ...operatorLaunch.nodeFlags,
      '/app/operator.js',
    ]);
  });

  it('has every program that a model pod starts from it', () => {
    const commands = containersOf(podInput())
      .filter(({ image }) => image === builtInDefaults.images.operator)
      .flatMap(everyCommand);
    expect(commands.length).toBeGreaterThanOrEqual(3); // gateway, its drain, pull
    for (const [node, ...rest] of commands) {
      expect(node).toBe('/nodejs/bin/node');
      const script = rest.find((word) => !word.startsWith('-')) ?? '';
      expect(Object.keys(programs).map((name) => `/app/${name}.js`)).toContain(script);
    }
    const copied = (stages.get('operator') ?? []).filter(({ name }) => name === 'COPY').map(({ rest }) => rest);
    expect(copied).toContain('--from=bundles /src/dist /app');
  });
});

describe('the image of Foundry Local', () => {
  const foundry = { ...podInput(), runtime: runtimes.FoundryLocal };

  it('is started by verbs alone, and begins with the program that knows them', () => {
    const ours = containersOf(foundry).filter(({ image }) => image === builtInDefaults.images.foundryLocal);
    expect(ours.map(({ command, args }) => ({ command, args }))).toEqual([
      { command: undefined, args: ['pull'] },
      { command: undefined, args: ['serve'] },
    ]);
    expect(JSON.parse(the('foundry-local', 'ENTRYPOINT'))).toEqual(['/nodejs/bin/node', '/app/foundryLocal.js']);
    expect(programs.foundryLocal).toBe('src/foundryLocal/main.ts');
  });

  it('has the libraries that are tested, by the same hashes', () => {
    expect(text).toContain(`npm pack --silent --ignore-scripts ${foundryAddon.package}`);
    expect(text).toContain(Buffer.from(foundryAddon.sha512, 'base64').toString('hex'));
    for (const library of foundryLibraries)
      expect(text).toContain(`${library.package} --hash=sha256:${library.sha256}`);
    expect(foundryAddon.package).toBe(`foundry-local-sdk@${FOUNDRY_LOCAL_VERSION}`);
  });

  it('has them where the program looks for them, beside itself', () => {
    const copied = (stages.get('foundry-local') ?? []).filter(({ name }) => name === 'COPY').map(({ rest }) => rest);
    expect(copied).toContain('--from=foundry-natives /natives/out /app');
    expect(copied.find((rest) => rest.startsWith('--from=bundles'))).toContain('/src/dist/foundryLocal.js ');
    for (const file of foundryNatives.programs) expect(text).toContain(file);
  });

  it('says under which terms its parts may be had', () => {
    expect(the('foundry-local', 'LABEL')).toContain('LicenseRef-foundry-local-core');
    expect(text).toContain('out/licenses/foundry-local-core.txt');
  });
});

describe.each([...stages.keys()].filter((name) => ['operator', 'foundry-local'].includes(name)))(
  'the image %s',
  (stage) => {
    it('runs as the user of model pods, by number', () => {
      const { user, group } = builtInDefaults.ids;
      expect(the(stage, 'USER')).toBe(`${user}:${group}`);
    });

    it('runs nothing while it is put together, so that nothing is left of tools and nobody emulates its platform', () => {
      expect((stages.get(stage) ?? []).map(({ name }) => name)).not.toContain('RUN');
    });

    it('has its version by itself', () => {
      const found = (stages.get(stage) ?? []).find(({ name, rest }) => name === 'ARG' && rest.startsWith('VERSION='));
      const { version } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as { version: string };
      expect(found?.rest).toBe(`VERSION=${stage === 'operator' ? version : `${FOUNDRY_LOCAL_VERSION}-cpu`}`);
    });

    it('says what it is in the labels of OCI', () => {
      const labels = the(stage, 'LABEL');
      for (const name of ['title', 'description', 'licenses', 'version', 'revision', 'source'])
        expect(labels).toContain(`org.opencontainers.image.${name}=`);
    });
  },
);

describe('the Dockerfile', () => {
  it('takes every base from an argument, so that it can be pinned by digest or had from a mirror', () => {
    const declared = instructions.filter(({ name }) => name === 'ARG').map(({ rest }) => rest.split('=')[0]);
    for (const { rest } of instructions.filter(({ name }) => name === 'FROM')) {
      const [base = ''] = rest.replace(/^--platform=\S+ /, '').split(' ');
      const argument = /^\$\{(\w+)\}$/.exec(base)?.[1];
      if (!stages.has(base)) expect(declared).toContain(argument);
    }
  });

  it('is read by builders without BuildKit', () => {
    expect(text).not.toMatch(/^#\s*syntax=/m);
    expect(text).not.toMatch(/<<[-A-Z'"]/);
    for (const { name, rest } of instructions) {
      expect(`${name} ${rest}`).not.toMatch(/--(mount|link|parents|exclude|network|security|chmod)\b/);
    }
  });

  it('runs what it runs on the platform of the builder, with or without a builder that tells which that is', () => {
    for (const [stage, [from, ...others]] of stages) {
      const here = /^--platform=\$\{BUILDPLATFORM:-linux\/amd64\} /.test(from?.rest ?? '');
      expect(here, stage).toBe(others.some(({ name }) => name === 'RUN'));
      // Told even where it goes without saying: buildah 1.28 takes a stage for the platform of the one before.
      if (!here) expect(from?.rest, stage).toMatch(/^--platform=\$\{TARGETPLATFORM:-/);
      for (const { rest } of others.filter(({ rest }) => rest.includes('TARGETARCH') && rest !== 'TARGETARCH'))
        expect(rest).toMatch(/\$\{TARGETARCH:-\$\(uname -m\)\}/);
    }
  });

  it('reaches registries by arguments that npm and pip read by themselves', () => {
    for (const instructions of stages.values()) {
      const declared = instructions.filter(({ name }) => name === 'ARG').map(({ rest }) => rest);
      const said = instructions.filter(({ name }) => name === 'RUN').map(({ rest }) => rest);
      if (said.some((rest) => /\bnpm (ci|pack)\b/.test(rest))) expect(declared).toContain('NPM_CONFIG_REGISTRY');
      if (said.some((rest) => /\bpip download\b/.test(rest))) expect(declared).toContain('PIP_INDEX_URL');
    }
  });

  it('lets no script of a dependency run', () => {
    for (const { rest } of instructions.filter(({ name }) => name === 'RUN'))
      for (const command of rest.match(/npm (ci|install|pack)[^&|;]*/g) ?? [])
        expect(command).toContain('--ignore-scripts');
  });

  it('copies from the context only what .dockerignore lets in', () => {
    const letIn = readFileSync(resolve(root, '.dockerignore'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    for (const { rest } of instructions.filter(({ name, rest }) => name === 'COPY' && !rest.startsWith('--from')))
      for (const source of rest.split(' ').slice(0, -1)) expect(letIn).toContain(source.split('/')[0]);
  });
});
