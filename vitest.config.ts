import { defineConfig } from 'vitest/config';

// One project per level of proof (docs/testing.md). What integration and runtime need of the machine is set up once per run.
const pure = { testTimeout: 20_000, hookTimeout: 20_000 };

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts', 'test/golden/**/*.test.ts'], ...pure } },
      { test: { name: 'property', include: ['test/property/**/*.test.ts'], ...pure, testTimeout: 60_000 } },
      { test: { name: 'fault', include: ['test/fault/**/*.test.ts'], ...pure, testTimeout: 30_000 } },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/integration/globalSetup.ts'],
          // These tests wait for others most of the time; by default two cores get one worker.
          maxWorkers: 3,
          testTimeout: 90_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'runtime',
          include: ['test/runtime/**/*.test.ts'],
          globalSetup: ['test/runtime/globalSetup.ts'],
          testTimeout: 90_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
