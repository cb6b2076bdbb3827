// How Node runs the pull: in as little memory as it can, since it shares the node with those who wait for the model.

/**
 * Every piece from a socket is 64 KiB outside of V8's heap, freed when the young generation is collected: a small one is
 * collected often. And the optimizing compiler needs more memory for the little JavaScript that runs here than it wins time.
 */
export const pullNodeFlags = ['--max-semi-space-size=1', '--no-opt'] as const;
