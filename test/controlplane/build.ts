// Builds a part of the control plane from its published Go modules: slow the first time, but it works wherever Go does.
import { execFile, spawn } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { type Part, versions } from './versions.ts';

/** What there is of Go, in words that complete "it cannot be built here: …" where there is not enough. */
export type GoFound = { version: string } | { problem: string };

const run = promisify(execFile);

/** Looks for a Go that is new enough, or that can fetch one that is (GOTOOLCHAIN) for the module in that folder. */
export async function findGo(env: NodeJS.ProcessEnv, module: string): Promise<GoFound> {
  const installed = await goVersion(env, tmpdir());
  if (installed === undefined) return { problem: 'Go is not installed' };
  if (isNewEnough(installed)) return { version: installed };
  // Since Go 1.21 the go.mod of a module makes an older Go fetch the toolchain that it asks for.
  const switched = await goVersion(env, module);
  if (switched !== undefined && isNewEnough(switched)) return { version: switched };
  return { problem: `Go ${installed} is too old and could not fetch a newer one` };
}

async function goVersion(env: NodeJS.ProcessEnv, cwd: string): Promise<string | undefined> {
  const result = await run('go', ['env', 'GOVERSION'], { cwd, env: buildEnvironment(env) }).catch(() => undefined);
  return result?.stdout.trim().replace(/^go/, '');
}

function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map((piece) => Number.parseInt(piece, 10));
  const [wantedMajor = 0, wantedMinor = 0] = versions.go.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/** Static binaries unless C is asked for, no stamp of our own repository's commit (it would defeat Go's cache), and no go.work of the user's. */
export function buildEnvironment(env: NodeJS.ProcessEnv, cgo = false): NodeJS.ProcessEnv {
  const flags = `${env.GOFLAGS ?? ''} -mod=readonly -trimpath -buildvcs=false`.trim();
  return { ...env, CGO_ENABLED: cgo ? '1' : '0', GOWORK: 'off', GOFLAGS: flags };
}

export interface BuildState {
  compiled: number;
  downloaded: number;
}

/** Builds the programs of a part into `folder`. Rejects with the last lines of Go's own words. */
export async function buildPart(
  { name, programs, build }: Part,
  folder: string,
  { env, modules, state }: { env: NodeJS.ProcessEnv; modules: string; state: BuildState },
): Promise<void> {
  await goBuild({ ...build, name, module: join(modules, build.module), output: join(folder, name) }, env, state);
  if (build.linked) await Promise.all(programs.map((program) => symlink(name, join(folder, program))));
}

export interface GoBuild {
  /** For messages. */
  name: string;
  /** Folder with the go.mod. */
  module: string;
  package: string;
  ldflags: string;
  /** Build tags; default: none. */
  tags?: readonly string[];
  /** Needs a C compiler; default false. */
  cgo?: boolean;
  /** File to write. */
  output: string;
}

/** Builds one program. Rejects with the last lines of Go's own words. */
export async function goBuild(build: GoBuild, env: NodeJS.ProcessEnv, state: BuildState): Promise<void> {
  const { name, module, ldflags, tags = [], cgo, output } = build;
  const flags = ['-v', '-ldflags', ldflags, ...(tags.length > 0 ? ['-tags', tags.join(',')] : [])];
  const go = spawn('go', ['build', ...flags, '-o', output, build.package], {
    cwd: module,
    env: buildEnvironment(env, cgo),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const words: string[] = [];
  createInterface({ input: go.stderr }).on('line', (line) => {
    if (line.startsWith('go: downloading')) state.downloaded++;
    else if (/^[\w.~-]+(\/[\w.~-]+)*$/.test(line)) state.compiled++;
    else words.push(line);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    go.once('error', reject);
    go.once('close', resolve);
  });
  if (code !== 0) throw new Error(`go build of ${name} failed (code ${code}):\n${words.slice(-15).join('\n')}`);
}
