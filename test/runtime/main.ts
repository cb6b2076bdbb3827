// The programs of the runtime tests by hand: node test/runtime/main.ts [--verify]
import { parseArgs } from 'node:util';
import { systemClock } from '../../src/process/clock.ts';
import { createProgress } from '../controlplane/progress.ts';
import { findFoundryLocal } from './foundry/natives.ts';
import { findOllama } from './ollama/binaries.ts';
import { findPrometheus } from './prometheus/binaries.ts';
import { findRegistries } from './registries/binaries.ts';
import { adapter, distribution, foundryNatives, gcr, llamaServer, ollama, prometheus, promtool } from './versions.ts';
import { openWorkshop, UnavailableError } from './workshop.ts';

const help = `A real Ollama, a real Foundry Local, real registries and a real Prometheus for the runtime tests: finds them in the
cache, fetches or builds them, and says where they are.

  node test/runtime/main.ts [--verify]

  --verify  checks the checksums of what is in the cache

Environment: XDG_CACHE_HOME, LMO_RUNTIME_BUILD=off; see docs/testing.md.
`;

const cached = {
  ollama: [ollama, llamaServer],
  registries: [gcr, distribution],
  'foundry-local': [foundryNatives],
  prometheus: [prometheus, promtool, adapter],
} as const;

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const output = { write: (text: string) => process.stderr.write(text), isTTY: process.stderr.isTTY };
const options = { env: process.env, progress: createProgress(output, systemClock) };

async function verify(): Promise<void> {
  for (const [what, pieces] of Object.entries(cached)) {
    const { cache } = openWorkshop(what, options);
    for (const piece of pieces) {
      const whole = await cache.find(piece, true);
      print(`${piece.name} ${piece.version} in the cache: ${whole ? 'whole' : 'damaged or absent'}`);
      if (!whole) process.exitCode = 1;
    }
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { help: { type: 'boolean', short: 'h', default: false }, verify: { type: 'boolean', default: false } },
  });
  if (values.help) return print(help);
  const paths = {
    ...(await findOllama(options)),
    ...(await findRegistries(options)),
    ...(await findFoundryLocal(options)),
    ...(await findPrometheus(options)),
  };
  for (const [program, path] of Object.entries(paths)) print(`${program.padEnd(14)} ${path}`);
  if (values.verify) await verify();
}

main().catch((error: unknown) => {
  const expected = error instanceof UnavailableError;
  process.stderr.write(`${expected ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
