// The end-to-end tests, which need root on Linux and so are no part of `npm test`: npm run test:e2e.
import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: resolve(import.meta.dirname, '../..'),
  test: {
    name: 'e2e',
    dir: import.meta.dirname,
    include: ['**/*.test.ts'],
    globalSetup: ['test/e2e/globalSetup.ts'],
    // One node with few processors: tests that wait for each other's pods would only get slower.
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 120_000,
    teardownTimeout: 60_000,
  },
});
