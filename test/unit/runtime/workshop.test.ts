import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/process/clock.ts';
import { createProgress } from '../../controlplane/progress.ts';
import { findOllama } from '../../runtime/ollama/binaries.ts';
import { lacksCmake, lacksCompiler } from '../../runtime/ollama/llamaCpp.ts';
import { lacksPip } from '../../runtime/pip.ts';
import { findRegistries } from '../../runtime/registries/binaries.ts';
import { openWorkshop, supply, UnavailableError } from '../../runtime/workshop.ts';
import { fakeGo } from '../controlplane/fakeGo.ts';

let folder: string;
let said: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lmo-workshop-'));
  said = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const piece = { name: 'tool', version: '1', programs: ['tool'] };
const optionsWith = (env: NodeJS.ProcessEnv) => ({
  env,
  cacheDir: join(folder, 'cache'),
  progress: createProgress({ write: (text) => said.push(text), isTTY: false }, systemClock),
});
const open = (env: NodeJS.ProcessEnv = {}) => openWorkshop('tools', optionsWith(env));

async function programs(scripts: Record<string, string>): Promise<NodeJS.ProcessEnv> {
  const path = join(folder, 'bin');
  await mkdir(path, { recursive: true });
  for (const [name, script] of Object.entries(scripts))
    await writeFile(join(path, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { PATH: path };
}

describe('a piece', () => {
  test('is made once, however many want it at once', async () => {
    let made = 0;
    const make = async (place: string) => {
      made++;
      await writeFile(join(place, 'tool'), 'works');
    };
    const found = await Promise.all([supply(piece, make, open()), supply(piece, make, open())]);
    expect(await readFile(join(found[0], 'tool'), 'utf8')).toBe('works');
    expect(found[0]).toBe(found[1]);
    expect(made).toBe(1);
  });

  test('that cannot be made is unavailable, for the reason that the build gave', async () => {
    const failing = supply(piece, () => Promise.reject(new Error('the compiler is unhappy')), open());
    await expect(failing).rejects.toThrow(UnavailableError);
    await expect(failing).rejects.toThrow('the compiler is unhappy');
  });
});

describe('what is lacking', () => {
  test('is named all at once, with the cache that was looked into', async () => {
    const finding = findOllama(optionsWith(await programs({ cmake: 'echo cmake version 3.18.4' })));
    await expect(finding).rejects.toThrow(
      'cannot be built because Go is not installed, and there is no C++ compiler (g++ or clang), and CMake 3.18 is older than 3.24',
    );
    await expect(finding).rejects.toThrow(join(folder, 'cache'));
  });

  test('is not looked for when building is switched off', async () => {
    const go = await fakeGo(folder, '1.26.0');
    const env = { PATH: `${go.folder}:/usr/bin:/bin`, LMO_RUNTIME_BUILD: 'off' };
    await expect(findRegistries(optionsWith(env))).rejects.toThrow('switched off by LMO_RUNTIME_BUILD');
    expect(await go.builds()).toEqual([]);
  });

  test('is nothing where all is there', async () => {
    const env = await programs({ cmake: 'echo cmake version 3.24.0', 'c++': 'echo c++', pip: 'echo pip 26' });
    const problems = await Promise.all([lacksCmake, lacksCompiler, lacksPip('it')].map((lacks) => lacks(open(env))));
    expect(problems).toEqual([undefined, undefined, undefined]);
  });
});

test('both registries are built by Go, once', async () => {
  const go = await fakeGo(folder, '1.26.0');
  const options = optionsWith({ PATH: `${go.folder}:/usr/bin:/bin` });
  const first = await findRegistries(options);
  expect(await findRegistries(options)).toEqual(first);
  expect(await go.builds()).toEqual(['.', '.']);
  expect(said.join('')).toMatch(/Building gcr .* with Go .* took/);
});
