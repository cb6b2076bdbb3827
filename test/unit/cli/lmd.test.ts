import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseSpec } from '../../../src/api/validate.ts';
import { lmd, verbs } from '../../../src/cli/lmd.ts';
import type { Surroundings } from '../../../src/cli/verb.ts';
import { digestOf } from '../../../src/models/digest.ts';
import { blobPath } from '../../../src/models/store.ts';
import { putModel, temporaryFolder, temporaryStore } from '../models/temporaryStore.ts';
import { tinyGguf } from '../models/tinyGguf.ts';
import { surroundingsOf } from './surroundings.ts';

async function run(args: string[], change: Partial<Surroundings> = {}) {
  const surroundings = surroundingsOf(change);
  const code = await lmd(args, surroundings);
  return { code, told: surroundings.told(), said: surroundings.said() };
}

describe('lmd', () => {
  it.each([['--help'], ['-h'], ['help']])('lists its verbs when asked with %s', async (word) => {
    const { code, told, said } = await run([word]);
    expect([code, said]).toEqual([0, '']);
    for (const [name, { summary }] of Object.entries(verbs)) expect(told).toContain(`  ${name.padEnd(10)}${summary}\n`);
  });

  it('has help for every verb, wherever the flag stands', async () => {
    for (const [name, { help }] of Object.entries(verbs)) {
      expect(await run([name, '--help'])).toEqual({ code: 0, told: help, said: '' });
      expect((await run([name, 'x', '-h'])).told).toBe(help);
      expect((await run([name, '--', '--help'])).code).toBeGreaterThan(0);
    }
  });

  it.each([
    [[], 'which verb?', 'lmd --help'],
    [['unpack'], 'there is no verb unpack; there is pack', 'lmd --help'],
    [['toString'], 'there is no verb toString', 'lmd --help'],
    [['pack', '--nope'], "Unknown option '--nope'", 'lmd pack --help'],
  ])('exits with 2 and the way to help for %j', async (args, why, help) => {
    const { code, told, said } = await run(args);
    expect([code, told]).toEqual([2, '']);
    expect(said).toContain(why);
    expect(said).toContain(`${help} says how it is used\n`);
  });
});

describe('lmd pack', () => {
  it.each([
    [['m'], 'where to? give a file with -o'],
    [['-o', 'x'], 'which models of /nowhere/.ollama/models?'],
    [['-o', 'x', '-o', 'y', 'm'], '--output is given 2 times'],
    [['-o', '', 'm'], '--output is empty'],
    [['-o', 'x', 'a/b/c/d'], 'the model "a/b/c/d" has more than two slashes'],
    [['-o', 'x', '--name', 'n', 'm'], '--name is for --gguf'],
    [['-o', 'x', '--gguf', 'f', 'm'], 'm: with --gguf the model is named by --name'],
    [['-o', 'x', '--gguf', 'f', '--store', 's'], 'exclude each other'],
    [['-o', 'x', '--gguf', 'my model.gguf'], 'my model.gguf makes no name of a model; give one with --name'],
    [['-o', 'x', '--gguf', 'f', '--name', 'a b'], 'the model "a b" has the model'],
    [['-o', 'x', '--format', 'zip', 'm'], '--format zip: there are oci and docker'],
    [['-o', 'x', '--platform', 'arm64', 'm'], '--platform arm64: it looks like linux/amd64'],
    [['-o', 'x', '--tag', 'UPPER/x', 'm'], '--tag UPPER/x: "UPPER" must be lower-case'],
  ])('refuses %j before it touches anything', async (args, why) => {
    const { code, said } = await run(['pack', ...args]);
    expect(code).toBe(2);
    expect(said).toContain(why);
  });

  it('takes the store from OLLAMA_MODELS', async () => {
    const store = await temporaryStore();
    await putModel(store, 'phi:1', 'weights');
    const output = join(await temporaryFolder(), 'image.tar');
    expect((await run(['pack', 'phi:1', '-o', output], { env: { OLLAMA_MODELS: store.root } })).code).toBe(0);
  });

  it('prints a part of a deployment that is accepted as it is', async () => {
    const store = await temporaryStore();
    const { digest } = await putModel(store, 'phi4-mini:3.8b', 'weights');
    const output = join(await temporaryFolder(), 'image.tar');
    const tag = 'registry.example.org/ai/phi4-mini:3.8b';
    const { told } = await run(['pack', '--store', store.root, 'phi4-mini:3.8b', '-o', output, '--tag', tag]);
    const { spec } = parse(told.slice(told.indexOf('\nspec:')));
    expect(spec.model).toEqual({ name: 'phi4-mini:3.8b', digest, source: { image: { reference: tag } } });
    const deployment = { metadata: { name: 'phi' }, spec: { runtime: 'Ollama', ...spec } };
    expect(parseSpec(deployment)).toHaveProperty('spec');
  });

  it('names models of a GGUF by its file, or as told', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'Tiny-Q4_K_M.gguf');
    await writeFile(file, tinyGguf());
    const output = join(folder, 'image.tar');
    expect((await run(['pack', '--gguf', file, '-o', output])).told).toContain('name: Tiny-Q4_K_M:latest\n');
    const { told } = await run(['pack', '--gguf', file, '--name', 'me/tiny:v1', '-o', output]);
    expect(told).toContain('name: me/tiny:v1\n');
    expect(told).toContain('reference: localhost/tiny:v1\n');
  });

  it('exits with 1 and the name of the file for a bad blob', async () => {
    const store = await temporaryStore();
    await putModel(store, 'phi:1', 'weights');
    const path = blobPath(store, digestOf('weights'));
    await writeFile(path, 'wEights');
    const folder = await temporaryFolder();
    const { code, told, said } = await run(['pack', '--store', store.root, 'phi:1', '-o', join(folder, 'image.tar')]);
    expect([code, told]).toEqual([1, '']);
    expect(said).toContain(`lmd: ${path} does not match its digest`);
    expect(await readdir(folder)).toEqual([]);
  });

  it('says that it was stopped, and leaves nothing', async () => {
    const store = await temporaryStore();
    await putModel(store, 'phi:1', 'weights');
    const folder = await temporaryFolder();
    const signal = AbortSignal.abort();
    const { code, said } = await run(['pack', '--store', store.root, 'phi:1', '-o', join(folder, 'i.tar')], { signal });
    expect([code, said]).toEqual([1, 'lmd: stopped; nothing is left behind\n']);
    expect(await readdir(folder)).toEqual([]);
  });

  it('draws a bar on a terminal, and wipes it', async () => {
    const store = await temporaryStore();
    await putModel(store, 'phi:1', 'weights');
    const output = join(await temporaryFolder(), 'image.tar');
    let drawn = '';
    const stderr = { isTTY: true, columns: 60, write: (text: string) => void (drawn += text) };
    expect((await run(['pack', '--store', store.root, 'phi:1', '-o', output], { stderr })).code).toBe(0);
    expect(drawn).toContain('\rPacking  [........................]   0 %  0 B of ');
    expect(drawn.endsWith('\r\x1b[K')).toBe(true);
  });
});

describe('the process of lmd', () => {
  const program = resolve(import.meta.dirname, '../../../src/cli/main.ts');

  it('ends with the exit code and speaks on the right streams', async () => {
    const start = async (...args: string[]) => {
      const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
      const [told, said, [code]] = await Promise.all([
        child.stdout.setEncoding('utf8').toArray(),
        child.stderr.setEncoding('utf8').toArray(),
        once(child, 'close'),
      ]);
      return { code, told: told.join(''), said: said.join('') };
    };
    expect(await start('pack', '--help')).toEqual({ code: 0, told: verbs.pack.help, said: '' });
    expect(await start('pack', 'm')).toMatchObject({ code: 2, told: '' });
    const store = await temporaryStore();
    await putModel(store, 'phi:1', 'weights');
    const copy = join(await temporaryFolder(), 'copy');
    await cp(store.root, copy, { recursive: true });
    const done = await start('pack', '--store', copy, 'phi:1', '-o', join(copy, 'image.tar'));
    expect(done).toMatchObject({ code: 0, said: '' });
  });
});
