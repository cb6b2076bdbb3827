// How the images start Node: flags that no program can set for itself, chosen by measurement (docs/benchmarks.md).

export interface Launch {
  nodeFlags: readonly string[];
  env: Readonly<Record<string, string>>;
}

/**
 * Of the operator, which is to be small and seldom has anything to do. V8 would rather let garbage lie as long as the machine
 * has memory, its optimizing compilers take 40 MiB for a sixth less CPU, and glibc keeps a heap per thread.
 */
export const operatorLaunch: Launch = {
  nodeFlags: ['--max-semi-space-size=2', '--optimize-for-size', '--no-opt', '--no-maglev'],
  env: { MALLOC_ARENA_MAX: '1' },
};
