// One real node for the whole run of the e2e tests, with the operator installed; tests get at it by `test` of test.ts.
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { systemClock } from '../../src/process/clock.ts';
import { createProgress } from '../controlplane/progress.ts';
import { allowed, deedsOf } from '../integration/deeds.ts';
import { NAMESPACE, RELEASE } from '../integration/helm.ts';
import { shippedRules } from '../integration/operator/shippedRole.ts';
import { UnavailableError } from '../runtime/workshop.ts';
import type { Layout } from './node/layout.ts';
import { obstacle } from './node/obstacle.ts';
import { lookAtMachine, tracesOf } from './node/traces.ts';
import { startWorld, type World } from './world/world.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Or why there is none, in one sentence. */
    world: World | { readonly problem: string };
  }
}

const operatorAccount = `system:serviceaccount:${NAMESPACE}:${RELEASE}`;

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const output = { write: (text: string) => process.stderr.write(text), isTTY: process.stderr.isTTY };
  const progress = createProgress(output, systemClock);
  const skip = (problem: string) => {
    if (process.env.LMO_E2E_REQUIRED === '1') throw new UnavailableError(problem);
    progress.say(problem);
    project.provide('world', { problem });
    return undefined;
  };
  const running = process.env.LMO_E2E_WORLD;
  if (running) {
    project.provide('world', JSON.parse(await readFile(running, 'utf8')) as World);
    return undefined;
  }
  const problem = await obstacle();
  if (problem !== undefined) return skip(problem);
  try {
    const before = await lookAtMachine();
    const { world, node } = await startWorld({ env: process.env, progress });
    project.provide('world', world);
    return async () => {
      const { LMO_E2E_LOGS: kept } = process.env;
      if (kept) await keepLogs(node.layout, kept);
      const { done, refused } = await deedsOf(join(node.layout.folder, 'audit.log'), [operatorAccount]);
      await node.stop();
      const rights = allowed(shippedRules);
      const used = rights.filter((right) => done.has(right)).length;
      progress.say(`The operator used ${used} of its ${rights.length} rights.`);
      if (refused.size > 0) throw new Error(`the operator was refused: ${[...refused].join(', ')}`);
      const traces = await tracesOf(node, before);
      if (traces.length > 0) throw new Error(`the node has left behind: ${traces.join('; ')}`);
      progress.say('The node is gone, and nothing is left of it.');
    };
  } catch (error) {
    if (error instanceof UnavailableError) return skip(error.message);
    throw error;
  }
}

/** What the programs of the node and the containers have said; all else goes with the node. */
async function keepLogs({ logs, varLog }: Layout, folder: string): Promise<void> {
  await cp(logs, join(folder, 'programs'), { recursive: true });
  // /var/log/containers has links only.
  await cp(join(varLog, 'pods'), join(folder, 'pods'), { recursive: true }).catch(() => {});
}
