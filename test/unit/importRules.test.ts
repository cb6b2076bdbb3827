// The architecture as a test: which folder may know of which, and where effects may happen.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const src = join(root, 'src');

interface Source {
  /** Relative to src, such as operator/plan.ts. */
  path: string;
  text: string;
  /** Type-only imports do nothing at run time. */
  imports: { target: string; names: string[]; typeOnly: boolean }[];
}

const IMPORT =
  /^\s*(?:import|export)\s+(type\s+)?([^'";]*?)\s*from\s+'([^']+)'|^\s*import\s+'([^']+)'|import\('([^']+)'\)/gm;

function importsOf(path: string, text: string): Source['imports'] {
  return [...text.matchAll(IMPORT)].map(([, type, names = '', from, bare, dynamic]) => {
    const specifier = from ?? bare ?? dynamic ?? '';
    const target = specifier.startsWith('.') ? relative(src, resolve(src, dirname(path), specifier)) : specifier;
    const members = names
      .replace(/[{}]/g, '')
      .split(',')
      .map((n) => n.trim())
      .filter(Boolean);
    const typeOnly =
      type !== undefined || (members.length > 0 && names.includes('{') && members.every((n) => n.startsWith('type ')));
    return { target, names: members, typeOnly };
  });
}

const sources: Source[] = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => {
    const text = readFileSync(join(src, path), 'utf8');
    return { path, text, imports: importsOf(path, text) };
  });

/** Without comments and strings, so that words in them count for nothing. */
const code = ({ text }: Source): string =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\/\/.*$/gm, '')
    .replace(/'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g, "''");

/** What plans: a function of its arguments. */
const pureFolders = ['api', 'placement', 'runtimes', 'children', 'operator/conditions'];
const pureFiles = [
  'plan',
  'status',
  'intent',
  'situation',
  'progress',
  'locks',
  'revision',
  'record',
  'pullState',
  'podProblems',
  'podFacts',
  'liveChild',
  'ownership',
  'storage',
  'transitions',
  'effective',
  'gatewayReading',
  'gatewayWords',
  'observed',
].map((name) => `operator/${name}.ts`);
const isPure = ({ path }: Source): boolean =>
  pureFolders.some((folder) => path.startsWith(`${folder}/`)) || pureFiles.includes(path);

/** Modules without effects that pure code may run: hashing, packing, parsing. */
const harmlessPackages = new Set(['node:crypto', 'node:zlib', 'zod', 'yaml']);
const harmlessKube = new Set([
  'kube/types.ts',
  'kube/resources.ts',
  'kube/ownedFields.ts',
  'kube/pool.ts',
  'kube/quantity.ts',
]);
const harmlessContracts = new Set([
  'puller/config.ts',
  'puller/nodeFlags.ts',
  'puller/outcome.ts',
  'puller/progressReport.ts',
  'gateway/config.ts',
  'gateway/nodeFlags.ts',
  'gateway/status.ts',
]);

/** The part of models that only reads and makes text and bytes; the files in it know nothing but each other. */
const pureModels = new Set(
  [
    'bytes',
    'digest',
    'errors',
    'expectations',
    'ggufModel',
    'goJson',
    'manifest',
    'modelConfig',
    'modelfile',
    'modelfileText',
    'parameters',
    'quantization',
    'reference',
    'servedName',
  ].map((name) => `models/${name}.ts`),
);

function effectOf(source: Source): string[] {
  const bad = source.imports
    .filter(({ typeOnly }) => !typeOnly)
    .map(({ target }) => target)
    .filter((target) => {
      if (!target.endsWith('.ts')) return !harmlessPackages.has(target);
      const known = sources.find(({ path }) => path === target);
      return !(
        harmlessKube.has(target) ||
        harmlessContracts.has(target) ||
        pureModels.has(target) ||
        (known && isPure(known))
      );
    });
  const impure =
    code(source).match(
      /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bconsole\.|\bsetTimeout\(|\bperformance\.now\(|\bfetch\(/g,
    ) ?? [];
  return [...bad, ...impure].map((what) => `${source.path}: ${what}`);
}

describe('import rules', () => {
  it('finds the sources', () => {
    expect(sources.length).toBeGreaterThan(100);
    expect(pureFiles.filter((path) => !sources.some((source) => source.path === path))).toEqual([]);
  });

  it('keeps what plans pure: no I/O, no clock, no logger', () => {
    expect(sources.filter(isPure).flatMap(effectOf)).toEqual([]);
  });

  it('keeps the pure part of models pure', () => {
    const pure = sources.filter(({ path }) => pureModels.has(path));
    expect(pure).toHaveLength(pureModels.size);
    expect(pure.flatMap(effectOf)).toEqual([]);
  });

  it('opens sockets only where sockets belong', () => {
    const allowed =
      /^(kube\/(transport|connectionPool|writer)\.ts|models\/|puller\/|gateway\/|foundryLocal\/|process\/adminServer\.ts|operator\/gateway(Direct|Address)\.ts)/;
    const sockets = /^(undici|node:(net|http|https|http2|tls|dgram))$/;
    const offenders = sources.flatMap(({ path, imports }) =>
      imports
        .filter(({ target, typeOnly }) => !typeOnly && sockets.test(target) && !allowed.test(path))
        .filter(({ names }) => !names.every((name) => /^isIP(v[46])?$/.test(name))) // that is text, not network
        .map(({ target }) => `${path}: ${target}`),
    );
    expect(offenders).toEqual([]);
  });

  it('touches process only in main.ts files', () => {
    const isMain = ({ path }: Source) => /(^|\/)main\.ts$/.test(path);
    // shutdown.ts is given the process as an argument of that name.
    const offenders = sources
      .filter((source) => !isMain(source) && source.path !== 'process/shutdown.ts')
      .filter((source) =>
        /(?<![.\w/])process\.(env|argv|exit|exitCode|stdout|stderr|stdin|on|pid|cwd|kill|versions|memoryUsage)\b/.test(
          code(source),
        ),
      );
    expect(offenders.map(({ path }) => path)).toEqual([]);
  });

  it('imports nothing from a main.ts', () => {
    const offenders = sources.filter(({ imports }) => imports.some(({ target }) => /(^|\/)main\.ts$/.test(target)));
    expect(offenders.map(({ path }) => path)).toEqual([]);
  });

  it('keeps kube ignorant of models', () => {
    const offenders = sources
      .filter(({ path }) => path.startsWith('kube/'))
      .flatMap(({ path, imports }) =>
        imports
          .filter(({ target }) => target.endsWith('.ts') && !/^(kube|process)\//.test(target))
          .map(({ target }) => `${path}: ${target}`),
      );
    expect(offenders).toEqual([]);
  });

  it('loads client-node only in the one file that reads kubeconfigs', () => {
    const users = sources.filter(({ imports }) =>
      imports.some(({ target, typeOnly }) => !typeOnly && target.startsWith('@kubernetes/client-node')),
    );
    expect(users.map(({ path }) => path)).toEqual(['kube/kubeconfig.ts']);
  });
});
