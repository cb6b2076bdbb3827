// The control plane by hand: node test/controlplane/main.ts up | down | binaries | path
import { parseArgs } from 'node:util';
import { systemClock } from '../../src/process/clock.ts';
import { BinariesError, findBinaries, findHelm } from './binaries.ts';
import { createCache, defaultCacheFolder } from './cache.ts';
import { ControlPlaneError, startControlPlane } from './cluster.ts';
import { createProgress } from './progress.ts';
import { downCommand, endKept, findKept, keptFolder } from './state.ts';
import { helm, type Part, parts } from './versions.ts';

const help = `A real Kubernetes control plane on this machine, with simulated nodes: no root, no containers.

  node test/controlplane/main.ts up [--keep] [--audit] [--folder FOLDER]
  node test/controlplane/main.ts down [--folder FOLDER]
  node test/controlplane/main.ts binaries [--verify]
  node test/controlplane/main.ts helm
  node test/controlplane/main.ts path

up        starts it and prints its KUBECONFIG; runs until Ctrl-C, or stays up with --keep
down      ends one that stayed up
binaries  finds, downloads or builds the binaries and says where they are; --verify checks the cache's checksums
helm      the same for Helm, which only the tests of the chart need
path      prints their folders as a PATH, e.g. PATH=$(node test/controlplane/main.ts path):$PATH

  --audit   writes an audit log (one line per request, no bodies) into the state folder
  --folder  where keys, logs and data lie while it runs; removed when it ends

Environment: KUBEBUILDER_ASSETS, XDG_CACHE_HOME, LMO_CONTROLPLANE_DOWNLOAD=off; see docs/testing.md.
`;

const print = (text: string): void => void process.stdout.write(`${text}\n`);
// Progress goes to stderr: the output of path is for a shell to read.
const progress = createProgress(
  { write: (text) => process.stderr.write(text), isTTY: process.stderr.isTTY },
  systemClock,
);
const find = () => findBinaries({ env: process.env, progress });

interface Options {
  keep: boolean;
  audit: boolean;
  verify: boolean;
  folder?: string;
}

async function up({ keep, audit, folder }: Options): Promise<void> {
  const kept = folder ?? keptFolder();
  if (keep && (await findKept(kept))) return print(`Already up. export KUBECONFIG=${kept}/kubeconfig`);
  const { paths, origin } = await find();
  progress.say(origin);
  const started = systemClock.monotonic();
  const place = keep ? { folder: kept } : folder ? { folder } : {};
  const controlPlane = await startControlPlane({ binaries: paths, audit, ...place });
  progress.say(`Up in ${((systemClock.monotonic() - started) / 1000).toFixed(1)} s at ${controlPlane.server}.`);
  print(`export KUBECONFIG=${controlPlane.kubeconfig}`);
  if (keep) {
    controlPlane.release();
    return progress.say(`It stays up; ${downCommand(kept)} ends it.`);
  }
  progress.say('Ctrl-C ends it.');
  await untilInterrupted();
  await controlPlane.stop();
}

function untilInterrupted(): Promise<void> {
  const hold = setInterval(() => {}, 2 ** 30);
  return new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  }).then(() => clearInterval(hold));
}

async function down({ folder = keptFolder() }: Options): Promise<void> {
  print((await endKept(folder)) ? 'Ended.' : `No control plane is up in ${folder}.`);
}

async function binaries({ verify }: Options): Promise<void> {
  const { paths, origin } = await find();
  for (const [program, path] of Object.entries(paths)) print(`${program.padEnd(24)} ${path}`);
  progress.say(origin);
  if (verify) await verifyCached(parts);
}

async function verifyCached(wanted: readonly Part[]): Promise<void> {
  const cache = createCache(defaultCacheFolder(process.env), process.platform, process.arch);
  for (const part of wanted) {
    const whole = await cache.find(part, true);
    print(`${part.name} ${part.version} in the cache: ${whole ? 'whole' : 'damaged or absent'}`);
    if (!whole) process.exitCode = 1;
  }
}

async function findsHelm({ verify }: Options): Promise<void> {
  const { paths, origin } = await findHelm({ env: process.env, progress });
  print(paths.helm);
  progress.say(origin);
  if (verify) await verifyCached([helm]);
}

async function path(): Promise<void> {
  print((await find()).folders.join(':'));
}

const commands: Record<string, (options: Options) => Promise<void>> = { up, down, binaries, helm: findsHelm, path };

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      keep: { type: 'boolean', default: false },
      audit: { type: 'boolean', default: false },
      verify: { type: 'boolean', default: false },
      folder: { type: 'string' },
    },
  });
  const command = commands[positionals[0] ?? ''];
  if (values.help || !command) {
    print(help);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const { keep, audit, verify, folder } = values;
  await command({ keep, audit, verify, ...(folder && { folder }) });
}

main().catch((error: unknown) => {
  const expected = error instanceof BinariesError || error instanceof ControlPlaneError;
  process.stderr.write(`${expected ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
