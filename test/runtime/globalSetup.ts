// Finds or builds the real runtimes and registries once for the whole run; tests get at them by `given` of given.ts.
import type { TestProject } from 'vitest/node';
import { systemClock } from '../../src/process/clock.ts';
import { createProgress } from '../controlplane/progress.ts';
import { type FoundryNatives, findFoundryLocal } from './foundry/natives.ts';
import { findOllama, type OllamaBinaries } from './ollama/binaries.ts';
import { findRegistries, type RegistryBinaries } from './registries/binaries.ts';
import { UnavailableError } from './workshop.ts';

/** Or why there is none, in one sentence. */
export type Found<T> = T | { readonly problem: string };

declare module 'vitest' {
  interface ProvidedContext {
    ollama: Found<OllamaBinaries>;
    registries: Found<RegistryBinaries>;
    foundryLocal: Found<FoundryNatives>;
  }
}

async function orProblem<T>(finding: Promise<T>, required: boolean): Promise<Found<T>> {
  try {
    return await finding;
  } catch (error) {
    if (required || !(error instanceof UnavailableError)) throw error;
    return { problem: error.message };
  }
}

export default async function setup(project: TestProject): Promise<void> {
  const output = { write: (text: string) => process.stderr.write(text), isTTY: process.stderr.isTTY };
  const options = { env: process.env, progress: createProgress(output, systemClock) };
  const required = process.env.LMO_RUNTIME_REQUIRED === '1';
  const ollama = await orProblem(findOllama(options), required);
  const registries = await orProblem(findRegistries(options), required);
  const foundryLocal = await orProblem(findFoundryLocal(options), required);
  for (const found of [ollama, registries, foundryLocal]) if ('problem' in found) options.progress.say(found.problem);
  project.provide('ollama', ollama);
  project.provide('registries', registries);
  project.provide('foundryLocal', foundryLocal);
}
