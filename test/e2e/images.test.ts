// What is in our images, and what is not: read from the archives that the node got. The base is a stand-in for distroless's, made of this
// machine, so what is said of files that nobody but the base brings is said of the stand-in.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, inject } from 'vitest';
import { builtInDefaults, FOUNDRY_LOCAL_VERSION } from '../../src/api/defaults.ts';
import { operatorLaunch } from '../../src/cli/build/launch.ts';
import { type OpenedImage, openImage } from './images/archive.ts';
import { test as base } from './test.ts';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const node = '/nodejs/bin/node';
const megabytes = (bytes: number) => Number((bytes / 1e6).toFixed(1));

interface Expected {
  entrypoint: readonly string[];
  command?: readonly string[];
  version: string;
  /** Some of what must be there; that nothing else is needed is shown by the tests that run it. */
  has: readonly string[];
  /** In megabytes: what our Dockerfile puts on the base, as registries keep it and as nodes do. */
  mayAdd: { compressed: number; unpacked: number };
}

const expected = {
  operator: {
    entrypoint: [node, ...operatorLaunch.nodeFlags, '/app/operator.js'],
    version,
    has: ['app/operator.js', 'app/gateway.js', 'app/pull.js', 'app/lmd.js', 'app/LICENSE'],
    mayAdd: { compressed: 4, unpacked: 16 },
  },
  foundryLocal: {
    entrypoint: [node, '/app/foundryLocal.js'],
    command: ['--help'],
    version: `${FOUNDRY_LOCAL_VERSION}-cpu`,
    has: [
      'app/foundryLocal.js',
      'app/core/foundry_local_napi.node',
      'app/core/Microsoft.AI.Foundry.Local.Core.so',
      'app/core/libonnxruntime.so',
      'app/core/libonnxruntime-genai.so',
      'app/LICENSE',
      'app/licenses/foundry-local-core.txt',
      'app/licenses/onnxruntime/LICENSE',
      'app/licenses/onnxruntime_genai/LICENSE',
    ],
    mayAdd: { compressed: 32, unpacked: 75 },
  },
} as const satisfies Record<string, Expected>;

/** What builds need and containers do not. */
const tools =
  /^((ba|da|k|z)?sh|busybox|apt(-get)?|dpkg|apk|rpm|yum|dnf|npm|npx|corepack|yarn|esbuild|tsc|python[\d.]*|pip[\d.]*|gcc|g\+\+|cc|ld|strip|make|tar|curl|wget)$/;

const test = base.extend<{ open: (name: keyof typeof expected) => Promise<OpenedImage> }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest wants the pattern
  open: async ({}, use) => {
    const world = inject('world');
    if ('problem' in world) throw new Error(world.problem);
    await use((name) => openImage(world.archives[name]));
  },
});

describe.each(Object.keys(expected) as (keyof typeof expected)[])('the image %s', (name) => {
  const { entrypoint, version, has, mayAdd, ...rest }: Expected = expected[name];

  test('starts as a user that is not root, by its number, and says what it is', async ({ open }) => {
    const { config } = await open(name);
    const { user, group } = builtInDefaults.ids;
    expect(config).toMatchObject({ User: `${user}:${group}`, Entrypoint: entrypoint, WorkingDir: '/app' });
    expect(config.Cmd).toEqual(rest.command);
    expect(config.Volumes).toBeUndefined();
    const labels = config.Labels;
    expect(labels).toMatchObject({
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.licenses': expect.stringContaining('Apache-2.0'),
      'org.opencontainers.image.title': expect.stringMatching(/./),
      'org.opencontainers.image.description': expect.stringMatching(/./),
    });
  });

  test('has nothing of the tools it was built with, and nothing that a user could change or become root by', async ({
    open,
  }) => {
    const files = (await open(name)).layers.flatMap((layer) => layer.files);
    const paths = files.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining([...has]));
    expect(paths.filter((path) => tools.test(basename(path)))).toEqual([]);
    expect(
      paths.filter((path) => /node_modules|site-packages|\.whl$|\.tgz$|\.ts$|\.npmrc|pip\.conf/.test(path)),
    ).toEqual([]);
    expect(files.filter(({ mode }) => /[sS]/.test(mode.slice(1)))).toEqual([]);
    const open777 = files.filter(({ mode }) => mode[8] === 'w' && !mode.startsWith('l'));
    expect(open777.map(({ path, mode }) => `${mode} ${path}`)).toEqual(['drwxrwxrwt tmp']);
  });

  test("is its base and a folder of files that are root's, and not too large", async ({ open }) => {
    const { layers } = await open(name);
    const [under, ...ours] = layers;
    const files = ours.flatMap((layer) => layer.files);
    expect(files.filter(({ path }) => path !== 'app' && !path.startsWith('app/'))).toEqual([]);
    expect(files.filter(({ owner }) => owner !== '0/0')).toEqual([]);
    const sum = (some: typeof layers) => ({
      compressed: megabytes(some.reduce((total, { compressed }) => total + compressed, 0)),
      unpacked: megabytes(some.flatMap((layer) => layer.files).reduce((total, { size }) => total + size, 0)),
    });
    const added = sum(ours);
    const all = sum(layers);
    process.stdout.write(
      `${name}: ${all.compressed} MB compressed, ${all.unpacked} MB unpacked; on its base ${added.compressed} MB, ${added.unpacked} MB\n`,
    );
    expect(under).toBeDefined();
    expect(added.compressed).toBeLessThan(mayAdd.compressed);
    expect(added.unpacked).toBeLessThan(mayAdd.unpacked);
  });
});
