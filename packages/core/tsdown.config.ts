import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    ledger: 'src/ledger-api.ts',
    migration: 'src/migration/index.ts',
    opentelemetry: 'src/opentelemetry/index.ts',
    testing: 'src/testing/index.ts',
  },
  format: ['esm', 'cjs'],
  platform: 'node',
  target: 'node20.19',
  dts: true,
  clean: true,
  exports: true,
  outputOptions: {
    // The bundler's own functions need a file of their own. Left to itself it may put them into one
    // entry, on which the code that both entries share then depends in a circle.
    codeSplitting: { groups: [{ name: 'runtime', test: /rolldown[\\/]runtime/ }] },
  },
});
