// What a test file runs on for real, and the reason to skip its tests where that cannot be had.
import { afterAll, beforeAll, beforeEach, inject } from 'vitest';
import type { Binaries } from '../controlplane/binaries.ts';
import type { FoundryNatives } from './foundry/natives.ts';
import type { Found } from './globalSetup.ts';
import type { OllamaBinaries } from './ollama/binaries.ts';
import type { PrometheusBinaries } from './prometheus/binaries.ts';
import type { RegistryBinaries } from './registries/binaries.ts';

interface Programs {
  ollama: OllamaBinaries;
  registries: RegistryBinaries;
  foundryLocal: FoundryNatives;
  prometheus: PrometheusBinaries;
  /** Of the control plane of test/controlplane, for a test that starts one. */
  cluster: Binaries;
}

/** Something to do after the last test; the latest comes first. */
export type AtEnd = (act: () => Promise<unknown>) => void;

/**
 * Makes what the tests of this file or group share, once, before the first of them; returns how to get at it. Where the
 * programs that it needs cannot be had, every test is skipped with the reason.
 */
export function given<K extends keyof Programs, T>(
  needs: readonly K[],
  prepare: (programs: Pick<Programs, K>, atEnd: AtEnd) => Promise<T>,
): () => T {
  const found: Partial<Record<keyof Programs, Found<object>>> = {};
  for (const name of needs) found[name] = inject(name);
  const problem = Object.values(found).flatMap((each) => ('problem' in each ? [each.problem] : []))[0];
  const acts: (() => Promise<unknown>)[] = [];
  let made: { readonly value: T } | undefined;
  beforeAll(async () => {
    if (problem === undefined) made = { value: await prepare(found as Pick<Programs, K>, (act) => acts.unshift(act)) };
  });
  beforeEach(({ skip }) => {
    if (problem !== undefined) skip(problem);
  });
  afterAll(async () => {
    for (const act of acts) await act();
  });
  return () => {
    if (!made) throw new Error('asked for before the tests began');
    return made.value;
  };
}
