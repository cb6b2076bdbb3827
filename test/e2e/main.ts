// The real node by hand: node test/e2e/main.ts up | down FOLDER
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../src/process/clock.ts';
import { isAlive } from '../controlplane/lock.ts';
import { createProgress } from '../controlplane/progress.ts';
import { waitFor } from '../controlplane/wait.ts';
import { UnavailableError } from '../runtime/workshop.ts';
import { obstacle } from './node/obstacle.ts';
import { startWorld, type World } from './world/world.ts';

const help = `A real Kubernetes node in namespaces of this machine, with the operator installed and tiny models in a registry. Needs root.

  node test/e2e/main.ts up            starts one that stays up, and says how to use it
  node test/e2e/main.ts down FOLDER   ends it
`;

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const output = { write: (text: string) => process.stderr.write(text), isTTY: process.stderr.isTTY };
const worldFile = (folder: string) => join(folder, 'world.json');

async function up(): Promise<void> {
  const problem = await obstacle();
  if (problem !== undefined) throw new UnavailableError(problem);
  const { world, node } = await startWorld({ env: process.env, progress: createProgress(output, systemClock) });
  const { folder, kubeconfig } = node.connection;
  await writeFile(worldFile(folder), JSON.stringify(world));
  node.release();
  print(`export KUBECONFIG=${kubeconfig}`);
  print(`export LMO_E2E_WORLD=${worldFile(folder)}   # npm run test:e2e uses it instead of starting its own`);
  print(`node test/e2e/main.ts down ${folder}`);
}

async function down(folder: string): Promise<void> {
  const { node } = JSON.parse(await readFile(worldFile(folder), 'utf8')) as World;
  process.kill(node.keeper, 'SIGTERM');
  await waitFor('the node is gone', async () => !isAlive(node.keeper) || undefined, { deadlineMs: 60_000 });
}

async function main([command, folder]: string[]): Promise<void> {
  if (command === 'up') await up();
  else if (command === 'down' && folder) await down(folder);
  else print(help);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof UnavailableError ? error.message : (error as Error).stack}\n`);
  process.exitCode = 1;
});
