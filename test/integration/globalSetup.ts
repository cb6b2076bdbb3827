// One control plane for the whole run of the integration tests; every worker gets at it by `connect(inject('controlPlane'))`.
import type { TestProject } from 'vitest/node';
import { systemClock } from '../../src/process/clock.ts';
import type { Connection } from '../controlplane/access.ts';
import { type Binaries, BinariesError, findBinaries, findHelm } from '../controlplane/binaries.ts';
import { startControlPlane } from '../controlplane/cluster.ts';
import { createProgress } from '../controlplane/progress.ts';
import { rightsProblem } from './rights.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The control plane that all tests share. */
    controlPlane: Connection;
    /** For a test that starts a control plane of its own because it breaks it. */
    binaries: Binaries;
    /** Path of Helm; empty where it cannot be had, which only the tests of the chart mind. */
    helm: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const output = { write: (text: string) => process.stderr.write(text), isTTY: process.stderr.isTTY };
  const progress = createProgress(output, systemClock);
  const { paths, origin } = await findBinaries({ env: process.env, progress });
  progress.say(origin);
  const helm = await findHelm({ env: process.env, progress }).catch((error: unknown) => {
    if (!(error instanceof BinariesError)) throw error;
    return { paths: { helm: '' }, origin: `The tests of the chart are skipped. ${error.message}` };
  });
  progress.say(helm.origin);
  const started = systemClock.monotonic();
  const controlPlane = await startControlPlane({ binaries: paths, audit: true });
  const { server, ca, token, kubeconfig, folder, kubectl, stop } = controlPlane;
  progress.say(`Control plane up in ${((systemClock.monotonic() - started) / 1000).toFixed(1)} s at ${server}.`);
  project.provide('controlPlane', { server, ca, token, kubeconfig, folder, kubectl });
  project.provide('binaries', paths);
  project.provide('helm', helm.paths.helm);
  return async () => {
    const ran = await wholeRun(project);
    const problem = ran ? await rightsProblem(controlPlane.auditLog ?? '') : undefined;
    if (!ran) progress.say('Which rights the operator used is not compared: not all tests ran and passed.');
    await stop();
    if (problem) throw new Error(problem);
  };
}

/** Whether every test of the project ran, and none failed. */
async function wholeRun(project: TestProject): Promise<boolean> {
  const { testFiles } = await project.globTestFiles();
  const passed = project.vitest.state
    .getTestModules()
    .filter((module) => module.project.name === project.name && module.state() === 'passed')
    .map(({ moduleId }) => moduleId);
  return project.vitest.config.testNamePattern === undefined && testFiles.every((file) => passed.includes(file));
}
