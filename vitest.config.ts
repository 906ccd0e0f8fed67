import { fileURLToPath } from 'node:url';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

const sources = (path: string): string =>
  fileURLToPath(new URL(`packages/core/src/${path}`, import.meta.url));

const alias = [
  { find: /^@monque\/core$/, replacement: sources('index.ts') },
  { find: /^@monque\/core\/opentelemetry$/, replacement: sources('opentelemetry/index.ts') },
  { find: /^@monque\/core\/testing$/, replacement: sources('testing/index.ts') },
];

const common = { pool: 'forks', testTimeout: 20_000, hookTimeout: 60_000 } as const;

const driver7: TestProjectInlineConfiguration = {
  resolve: { alias },
  test: {
    ...common,
    name: 'driver-7',
    include: ['packages/*/{src,test}/**/*.test.ts', '{examples,scripts,benchmarks}/**/*.test.ts'],
    env: { MONQUE_TEST_DRIVER_MAJOR: '7' },
  },
};

const driver6: TestProjectInlineConfiguration = {
  resolve: { alias: [...alias, { find: /^mongodb$/, replacement: 'mongodb-6' }] },
  test: {
    ...common,
    name: 'driver-6',
    include: ['packages/*/{src,test}/**/*.mongodb.test.ts'],
    // What is decided by the server or by this library alone need not be seen through both drivers.
    exclude: [
      '**/{explain,explain-control,failover,standalone,replay,pruning,handwritten,pauses}.mongodb.test.ts',
      '**/{model-mongodb,processes,whole-scheduler}.mongodb.test.ts',
    ],
    env: { MONQUE_TEST_DRIVER_MAJOR: '6' },
  },
};

export default defineConfig({
  test: {
    projects: [driver7, driver6],
    // At the root, not in the projects: it then runs once for all of them.
    globalSetup: 'packages/core/test/setup/global-setup.ts',
    maxWorkers: 2,
    coverage: {
      provider: 'v8',
      include: ['packages/core/src/**'],
      exclude: ['packages/core/src/**/*.test.ts'],
      reporter: ['text-summary', 'html', ['text', { skipFull: true }]],
      thresholds: { lines: 100, branches: 100, functions: 100, statements: 100 },
    },
  },
});
