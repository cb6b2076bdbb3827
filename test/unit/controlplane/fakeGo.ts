// A `go` that builds nothing: it writes the file that it was asked for and keeps a list of what it was called with.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface FakeGo {
  /** To be put first in PATH. */
  folder: string;
  /** The package of each build, in order. */
  builds(): Promise<string[]>;
}

export async function fakeGo(parent: string, version: string, exitCode = 0): Promise<FakeGo> {
  const folder = join(parent, 'go-bin');
  const calls = join(parent, 'go-calls');
  await mkdir(folder, { recursive: true });
  const script = `#!/bin/sh
if [ "$1" = env ]; then echo go${version}; exit; fi
for last; do :; done
echo "$last" >> ${calls}
echo "go: downloading example.com/module v1.0.0" >&2
echo "example.com/module/package" >&2
if [ ${exitCode} -ne 0 ]; then echo "main.go:1:1: something is wrong" >&2; exit ${exitCode}; fi
while [ "$1" != -o ]; do shift; done
echo "#!/bin/sh" > "$2" && chmod +x "$2"
`;
  await writeFile(join(folder, 'go'), script, { mode: 0o755 });
  const builds = async () => (await readFile(calls, 'utf8').catch(() => '')).split('\n').filter(Boolean);
  return { folder, builds };
}
