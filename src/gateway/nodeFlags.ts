// How Node runs the gateway: one stands in every model pod, so it is to be small (docs/benchmarks.md has what each flag brings).

/**
 * Every piece from a socket is 64 KiB outside of V8's heap, freed when the young generation is collected: a small one is
 * collected often. The optimizing compilers take more memory for this little JavaScript than the rest of the gateway.
 */
export const gatewayNodeFlags = ['--max-semi-space-size=1', '--optimize-for-size', '--no-opt', '--no-maglev'] as const;

/** Environment of the same purpose: glibc would keep a heap for each of Node's threads. */
export const gatewayNodeEnv = { MALLOC_ARENA_MAX: '1' } as const;
