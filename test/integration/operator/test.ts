// `test` with a stage: each test has a namespace and an operator of its own, so that all can run side by side.
import { test as base } from 'vitest';
import { type OperatorCluster, openCluster, openStage, type Stage } from './harness.ts';

interface Fixtures {
  cluster: OperatorCluster;
  /** With an operator that runs. */
  stage: Stage;
  /** Without one yet. */
  emptyStage: Stage;
}

export const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names of the fixtures that one needs from here
  cluster: async ({}, use) => {
    const cluster = await openCluster();
    await use(cluster);
    await cluster.close();
  },
  stage: async ({ cluster, onTestFailed }, use) => {
    const stage = await openStage(cluster, 'operator');
    onTestFailed(() => tellLog(stage));
    await use(stage);
    await stage.close();
  },
  emptyStage: async ({ cluster, onTestFailed }, use) => {
    const stage = await openStage(cluster, 'operator', 'none');
    onTestFailed(() => tellLog(stage));
    await use(stage);
    await stage.close();
  },
});

/** What the operators said, for whoever has to find out why. */
function tellLog(stage: Stage): void {
  const lines = stage.operators.flatMap(({ log }) => log.slice(-40));
  console.error(lines.map(({ level, message, fields }) => `${level} ${message} ${JSON.stringify(fields)}`).join('\n'));
}
