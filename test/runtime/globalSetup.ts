// Finds or builds the real runtimes and registries once for the whole run; tests get at them by `given` of given.ts.
import type { TestProject } from 'vitest/node';
import { systemClock } from '../../src/process/clock.ts';
import { type Binaries, BinariesError, findBinaries } from '../controlplane/binaries.ts';
import { createProgress } from '../controlplane/progress.ts';
import { type FoundryNatives, findFoundryLocal } from './foundry/natives.ts';
import { findOllama, type OllamaBinaries } from './ollama/binaries.ts';
import { findPrometheus, type PrometheusBinaries } from './prometheus/binaries.ts';
import { findRegistries, type RegistryBinaries } from './registries/binaries.ts';
import { UnavailableError } from './workshop.ts';

/** Or why there is none, in one sentence. */
export type Found<T> = T | { readonly problem: string };

declare module 'vitest' {
  interface ProvidedContext {
    ollama: Found<OllamaBinaries>;
    registries: Found<RegistryBinaries>;
    foundryLocal: Found<FoundryNatives>;
    prometheus: Found<PrometheusBinaries>;
    cluster: Found<Binaries>;
  }
}

async function orProblem<T>(finding: Promise<T>, required: boolean): Promise<Found<T>> {
  try {
    return await finding;
  } catch (error) {
    const expected = error instanceof UnavailableError || error instanceof BinariesError;
    if (required || !expected) throw error;
    return { problem: error.message };
  }
}

const findCluster = async (options: Parameters<typeof findBinaries>[0]): Promise<Binaries> =>
  (await findBinaries(options)).paths;

export default async function setup(project: TestProject): Promise<void> {
  const output = { write: (text: string) => process.stderr.write(text), isTTY: process.stderr.isTTY };
  const options = { env: process.env, progress: createProgress(output, systemClock) };
  const required = process.env.LMO_RUNTIME_REQUIRED === '1';
  const prometheus = await orProblem(findPrometheus(options), required);
  const found = {
    ollama: await orProblem(findOllama(options), required),
    registries: await orProblem(findRegistries(options), required),
    foundryLocal: await orProblem(findFoundryLocal(options), required),
    prometheus,
    // Nobody wants it for anything but to be watched, and it may take minutes to build.
    cluster: 'problem' in prometheus ? prometheus : await orProblem(findCluster(options), required),
  };
  const problems = new Set(Object.values(found).flatMap((each) => ('problem' in each ? [each.problem] : [])));
  for (const problem of problems) options.progress.say(problem);
  project.provide('ollama', found.ollama);
  project.provide('registries', found.registries);
  project.provide('foundryLocal', found.foundryLocal);
  project.provide('prometheus', found.prometheus);
  project.provide('cluster', found.cluster);
}
