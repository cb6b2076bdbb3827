import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/process/clock.ts';
import { type BinariesOptions, findBinaries, findHelm } from '../../controlplane/binaries.ts';
import { createProgress } from '../../controlplane/progress.ts';
import { programs } from '../../controlplane/versions.ts';
import { fakeGo } from './fakeGo.ts';
import { type ReleaseServer, startReleaseServer } from './releaseServer.ts';

let folder: string;
let releases: ReleaseServer;
let said: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lmo-binaries-'));
  releases = await startReleaseServer(folder);
  said = [];
});

afterEach(async () => {
  await releases[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const completed = (options: Partial<BinariesOptions>): BinariesOptions => ({
  env: {},
  cacheDir: join(folder, 'cache'),
  origins: releases.origins,
  platform: 'linux',
  architecture: 'x64',
  progress: createProgress({ write: (text) => said.push(text), isTTY: false }, systemClock),
  ...options,
});
const find = (options: Partial<BinariesOptions> = {}) => findBinaries(completed(options));

const withGo = async (version: string, exitCode = 0) => {
  const go = await fakeGo(folder, version, exitCode);
  return { ...go, env: { PATH: `${go.folder}:/usr/bin:/bin` } };
};
const offline = { LMO_CONTROLPLANE_DOWNLOAD: 'off' };

async function assets(names: readonly string[]): Promise<string> {
  const path = join(folder, 'assets');
  await mkdir(path);
  for (const name of names) await writeFile(join(path, name), '', { mode: 0o755 });
  return path;
}

describe('a folder of the user', () => {
  test('gives everything when it has everything, and nobody else is asked', async () => {
    const path = await assets(programs);
    const found = await find({ env: { KUBEBUILDER_ASSETS: path } });
    expect(Object.values(found.paths)).toEqual(programs.map((name) => join(path, name)));
    expect(found.folders).toEqual([path]);
    expect(releases.asked).toEqual([]);
  });

  test('is completed from the next source, and the sentence says what it lacked', async () => {
    const path = await assets(['etcd', 'kube-apiserver', 'kubectl']);
    const found = await find({ env: { KUBEBUILDER_ASSETS: path } });
    expect(found.paths['kube-apiserver']).toBe(join(path, 'kube-apiserver'));
    expect(found.paths['kube-scheduler']).toContain(join(folder, 'cache'));
    expect(found.origin).toContain('KUBEBUILDER_ASSETS lacks kube-controller-manager, kube-scheduler, kwok');
    expect(found.origin).toContain('kubernetes 1.37.2, kwok 0.8.0 downloaded');
  });
});

describe('the official downloads', () => {
  test('are verified, made executable and kept, so that the second run asks nobody', async () => {
    const first = await find();
    expect(await readFile(first.paths['kube-scheduler'], 'utf8')).toContain('downloaded kube-scheduler');
    expect(await readFile(first.paths.etcd, 'utf8')).toContain('downloaded etcd');
    const asked = releases.asked.length;
    const second = await find();
    expect(second.paths).toEqual(first.paths);
    expect(second.origin).toContain('from the cache');
    expect(releases.asked).toHaveLength(asked);
  });

  test.each([
    [
      'a checksum that does not match',
      'kubectl.sha256',
      'wrongChecksum',
      /kubectl has SHA-256 [0-9a-f]{64}, its publisher says/,
    ],
    ['a file that is not there', 'kube-scheduler', 'missing', /kube-scheduler.* answered 404/],
    ['a connection that is cut', 'linux/amd64/kube-apiserver', 'cut', /kube-apiserver.* ended too early/],
  ] as const)('%s: that part is built, the others are used', async (_title, path, fault, words) => {
    const go = await withGo('1.26.3');
    releases.faults.set(path, fault);
    const found = await find({ env: go.env });
    expect(await go.builds()).toEqual(['.']);
    expect(found.origin).toMatch(/etcd 3.7.3, kwok 0.8.0 downloaded; kubernetes 1.37.2 built here with Go/);
    expect(said.join('')).toMatch(words);
  });

  test('without a checksum of the publisher nothing is used', async () => {
    const go = await withGo('1.26.3');
    releases.faults.set('/repos/', 'noDigest');
    await find({ env: go.env });
    expect(await go.builds()).toEqual(['sigs.k8s.io/kwok/cmd/kwok']);
  });

  test('a network that refuses leads to the build of every part, with progress', async () => {
    const go = await withGo('1.27.0');
    await releases[Symbol.asyncDispose]();
    const found = await find({ env: go.env });
    expect(await go.builds()).toHaveLength(3);
    expect(found.origin).toContain('built here with Go');
    expect(said.join('')).toMatch(/127\.0\.0\.1:\d+ cannot be reached: .*ECONNREFUSED/);
    expect(said.join('')).toContain('2 of 3: kubernetes 1.37.2 (5 min 30 s on two cores elsewhere)');
  });

  test('are not tried when switched off, nor where there are none', async () => {
    const go = await withGo('1.26.0');
    await find({ env: { ...go.env, ...offline } });
    await find({ env: go.env, platform: 'darwin', architecture: 'arm64' });
    expect(releases.asked).toEqual([]);
    expect(await go.builds()).toHaveLength(6);
  });
});

describe('the build', () => {
  test('links every Kubernetes program to the one file', async () => {
    const go = await withGo('1.26.0');
    const { paths } = await find({ env: { ...go.env, ...offline } });
    const names = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'] as const;
    for (const name of names) expect(await readFile(paths[name], 'utf8')).toBe('#!/bin/sh\n');
  });

  test('without Go one sentence says what to do', async () => {
    await expect(find({ env: { PATH: folder, ...offline } })).rejects.toThrow(
      /because Go is not installed\. Install Go 1\.26 or newer .*, or set KUBEBUILDER_ASSETS/,
    );
  });

  test('with an old Go the sentence names its version', async () => {
    const go = await withGo('1.22.4');
    await expect(find({ env: { ...go.env, ...offline } })).rejects.toThrow(/Go 1\.22\.4 is too old/);
  });

  test('that fails shows the words of Go and leaves nothing in the cache', async () => {
    const broken = await withGo('1.26.0', 1);
    await expect(find({ env: { ...broken.env, ...offline } })).rejects.toThrow(/main\.go:1:1: something is wrong/);
    const mended = await withGo('1.26.0');
    expect((await find({ env: { ...mended.env, ...offline } })).origin).toContain('etcd 3.7.3, kubernetes');
  });

  test('happens once when two processes want it at once', async () => {
    const go = await withGo('1.26.0');
    const env = { ...go.env, ...offline };
    const [one, other] = await Promise.all([find({ env }), find({ env })]);
    expect(one.paths).toEqual(other.paths);
    expect(await go.builds()).toHaveLength(3);
  });
});

test('a damaged part of the cache is noticed and had again', async () => {
  const { paths } = await find();
  await truncate(paths.kwok, 3);
  const again = await find();
  expect(await readFile(paths.kwok, 'utf8')).toContain('downloaded kwok');
  expect(again.origin).toMatch(/etcd 3.7.3, kubernetes 1.37.2 from the cache .*; kwok 0.8.0 downloaded/);
});

describe('Helm', () => {
  test('is downloaded, verified and kept, without the rest', async () => {
    const first = await findHelm(completed({}));
    expect(await readFile(first.paths.helm, 'utf8')).toContain('downloaded helm');
    expect(first.origin).toBe('Helm: helm 4.3.1 downloaded.');
    expect(releases.asked.filter((path) => !path.includes('helm'))).toEqual([]);
    const asked = releases.asked.length;
    expect((await findHelm(completed({}))).paths).toEqual(first.paths);
    expect(releases.asked).toHaveLength(asked);
  });

  test('with a checksum that does not match is built', async () => {
    const go = await withGo('1.26.3');
    releases.faults.set('helm', 'wrongChecksum');
    expect((await findHelm(completed({ env: go.env }))).origin).toBe('Helm: helm 4.3.1 built here with Go.');
    expect(await go.builds()).toEqual(['helm.sh/helm/v4/cmd/helm']);
  });

  test('is not needed for a control plane', async () => {
    await find();
    expect(releases.asked.filter((path) => path.includes('helm'))).toEqual([]);
  });
});
