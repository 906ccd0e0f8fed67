import { defineConfig } from 'vitest/config';

/** Benchmarks run one after another, on a server of their own, against the built package. */
export default defineConfig({
  root: import.meta.dirname,
  test: {
    globalSetup: ['../packages/core/test/setup/global-setup.ts'],
    include: ['*.bench.ts'],
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 600_000,
    reporters: ['verbose'],
  },
});
