import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const sources = (path: string): string =>
  fileURLToPath(new URL(`packages/core/src/${path}`, import.meta.url));

const alias = [
  { find: /^@monque\/core$/, replacement: sources('index.ts') },
  { find: /^@monque\/core\/ledger$/, replacement: sources('ledger-api.ts') },
  { find: /^@monque\/core\/migration$/, replacement: sources('migration/index.ts') },
  { find: /^@monque\/core\/opentelemetry$/, replacement: sources('opentelemetry/index.ts') },
  { find: /^@monque\/core\/types$/, replacement: sources('types-api.ts') },
  { find: /^@monque\/core\/testing$/, replacement: sources('testing/index.ts') },
  { find: /^@monque\/tsed$/, replacement: sources('../../tsed/src/index.ts') },
  { find: /^@monque\/dashboard$/, replacement: sources('../../dashboard/src/index.ts') },
  { find: /^@monque\/dashboard\/node$/, replacement: sources('../../dashboard/src/node.ts') },
  { find: /^@monque\/ledgers$/, replacement: sources('../../ledgers/src/index.ts') },
];

/** What needs the decorators of Ts.ED is a project of its own. */
const ofTsed = ['packages/tsed/**', 'examples/tsed-app/**'];

/** What takes longest, begun first, so that no process works alone at the end. */
const LONGEST = [
  'package/mongoose-service',
  'cli/test/process.test',
  'processes/kill-every-verb',
  'docs/programs',
  'examples/outbox',
  'ledger/mongodb.mongodb',
  'ledgers/test/growth',
  'lost-replies',
  'simulation/guards/',
  'simulation/simulation',
  'browser/pages',
  'browser/journeys',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      LONGEST.some((part) => moduleId.includes(part));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

/** The current driver, where a project names no other. */
const common = {
  ...{ pool: 'forks', testTimeout: 20_000, hookTimeout: 60_000 },
  env: { MONQUE_TEST_DRIVER_MAJOR: '7' },
  setupFiles: 'packages/core/test/setup/shared-process.ts',
} as const;

/** What needs no server and leaves nothing behind: its files share their modules, which take longer than its tests. */
const ofUnits = ['packages/core/{src,test/engine}/**/*.test.ts'];

const units: TestProjectInlineConfiguration = {
  resolve: { alias },
  test: {
    ...common,
    name: 'units',
    include: ofUnits,
    isolate: false,
  },
};

/** What proves the tests, and what no change of the packages can break. */
const ofGuards = [
  // Removed guards: they look for what goes wrong, and so prove the simulation.
  'packages/core/test/simulation/guards/*.test.ts',
  // Models of the protocols, which remove their own rules and hold nothing of the engine.
  'packages/core/test/protocol/*.test.ts',
  // The servers and the faults that tests use.
  'packages/core/test/setup/{replica-set,supervisor}.test.ts',
  'packages/core/test/faults/*.test.ts',
];

const guards: TestProjectInlineConfiguration = {
  resolve: { alias },
  test: {
    ...common,
    name: 'guards',
    include: ofGuards,
  },
};

/** What a seed leaves behind is much; with more room for what is new less of it is copied. */
const execArgv = ['--max-semi-space-size=64'];

/** Seeds, which look for what goes wrong. */
const ofSimulation = ['packages/core/test/simulation/*.test.ts'];

const simulation: TestProjectInlineConfiguration = {
  resolve: { alias },
  test: {
    ...common,
    name: 'simulation',
    execArgv,
    include: ofSimulation,
  },
};

/** The sources of the dashboard import its pages, which are built. */
const buildsPages = 'packages/dashboard/test/setup/build-pages.ts';

/** Starts one browser for all tests in one. */
const browserSetup = 'packages/dashboard/test/browser/setup/global-setup.ts';

/** What needs a browser. */
const ofBrowser = ['packages/dashboard/test/browser/**/*.test.ts'];

const browser: TestProjectInlineConfiguration = {
  resolve: { alias },
  test: {
    ...common,
    name: 'browser',
    isolate: false,
    include: ofBrowser,
    globalSetup: [buildsPages, browserSetup],
  },
};

/** What costs much and repeats what others show at less cost: `npm run test:all` has it, `npm test` has not. */
const ofRepeats = [
  // Packs the packages and installs them elsewhere.
  'packages/{core,cli,dashboard,tsed}/test/package/{tarball,mongoose-service}.test.ts',
  // Each command as a process, in a pipe, on a terminal and in a shell; in one process each has tests of its own.
  'packages/cli/test/{process,doctor-process,recipes,top-terminal}.test.ts',
  // Each verb killed in the middle of one code path, of which the first verb goes with the rest.
  'packages/ledgers/test/processes/kill-every-verb.mongodb.test.ts',
  // Groups alone, which `flow-control-processes` has beside limits and orders.
  'packages/core/test/integration/group-processes.mongodb.test.ts',
  // Services of an example killed at each step; the engine's own are killed in `integration`.
  'examples/outbox/outbox.test.ts',
];

const repeats: TestProjectInlineConfiguration = {
  resolve: { alias },
  test: {
    ...common,
    name: 'repeats',
    globalSetup: buildsPages,
    include: ofRepeats,
  },
};

const everything = [
  'packages/*/{src,test}/**/*.test.ts',
  '{examples,scripts,benchmarks}/**/*.test.ts',
];

const driver7: TestProjectInlineConfiguration = {
  resolve: { alias },
  test: {
    ...common,
    name: 'driver-7',
    // As above: only the modules are shared, each file has its own databases.
    isolate: false,
    globalSetup: buildsPages,
    include: everything,
    exclude: [
      ...configDefaults.exclude,
      ...ofTsed,
      ...ofUnits,
      ...ofGuards,
      ...ofSimulation,
      ...ofRepeats,
      ...ofBrowser,
    ],
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
      ...ofTsed,
      ...ofRepeats,
      '**/{explain,explain-control,explain-job,stage-processes,failover,standalone,replay,pruning,handwritten,pauses}.mongodb.test.ts',
      '**/mongodb/{claims,control,settle}.mongodb.test.ts',
      '**/{model-mongodb,processes,whole-scheduler,costs}.mongodb.test.ts',
      '**/{births,flow-processes,group-turns,misdeeds,misshapen,skipped-entries}.mongodb.test.ts',
      '**/migration/*.mongodb.test.ts',
      'packages/ledgers/test/{processes,verification}/*.mongodb.test.ts',
    ],
    env: { MONQUE_TEST_DRIVER_MAJOR: '6' },
  },
};

/** Decorators as Ts.ED needs them: with the types of parameters, and fields that do not hide what is injected. */
const decorators = {
  decorator: { legacy: true, emitDecoratorMetadata: true },
  assumptions: { setPublicClassFields: true },
  typescript: { removeClassFieldsWithoutInitializer: true },
} as const;

export const tsed: TestProjectInlineConfiguration = {
  resolve: { alias },
  oxc: decorators,
  test: {
    ...common,
    name: 'tsed',
    // As above: each file forgets its classes, which Ts.ED keeps in one list.
    isolate: false,
    include: ['packages/tsed/{src,test}/**/*.test.ts', 'examples/tsed-app/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...ofRepeats],
  },
};

/** What `npm test` runs but for Ts.ED, in one project: see `vitest.once.config.ts`. */
export const once: TestProjectInlineConfiguration = {
  resolve: { alias },
  test: {
    ...common,
    name: 'once',
    env: { ...common.env, MONQUE_TEST_VOLUME: 'less' },
    isolate: false,
    execArgv,
    globalSetup: [buildsPages, browserSetup],
    include: everything,
    exclude: [...configDefaults.exclude, ...ofTsed, ...ofGuards, ...ofRepeats],
  },
};

export default defineConfig({
  test: {
    projects: [units, driver7, tsed, simulation, browser, repeats, driver6, guards],
    // At the root, not in the projects: it then runs once for all of them.
    globalSetup: 'packages/core/test/setup/global-setup.ts',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    coverage: {
      provider: 'v8',
      include: ['packages/{cli,core,dashboard,ledgers,tsed}/src/**'],
      exclude: ['packages/*/src/**/*.test.ts', 'packages/dashboard/src/assets.generated.ts'],
      reporter: ['text-summary', ...(process.env.CI ? [] : ['html']), ['text', { skipFull: true }]],
      thresholds: {
        // Everything is the aim. What is missing is listed by the reporter.
        'packages/{core,tsed}/src/**': {
          ...{ lines: 99.9, branches: 99.8, functions: 99.9, statements: 99.9 },
        },
        'packages/{cli,dashboard,ledgers}/src/**': {
          ...{ lines: 99.9, branches: 99.8, functions: 99.9, statements: 99.9 },
        },
      },
    },
  },
});
