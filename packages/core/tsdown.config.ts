import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    ledger: 'src/ledger-api.ts',
    migration: 'src/migration/index.ts',
    opentelemetry: 'src/opentelemetry/index.ts',
    testing: 'src/testing/index.ts',
    types: 'src/types-api.ts',
  },
  format: ['esm', 'cjs'],
  platform: 'node',
  target: 'node20.19',
  dts: true,
  clean: true,
  exports: true,
  outputOptions: {
    // In the declarations of an application a compiler can name a type only by an entry that it has read. With this, who
    // imports the root has read the types beside it.
    postBanner: ({ fileName }) => {
      const [, extension] = /^index\.d\.([cm]ts)$/.exec(fileName) ?? [];
      return extension === undefined ? '' : `/// <reference path="./types.d.${extension}" />`;
    },
    // The bundler's own functions need a file of their own. Left to itself it may put them into one
    // entry, on which the code that both entries share then depends in a circle.
    codeSplitting: { groups: [{ name: 'runtime', test: /rolldown[\\/]runtime/ }] },
  },
});
