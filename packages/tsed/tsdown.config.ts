import { defineConfig } from 'tsdown';

/**
 * What `require` gives is the ES module itself: Ts.ED is made of ES modules, so `require` can load those wherever it
 * runs, and a second build would be a second module with a second scheduler.
 */
const requireModule = "module.exports = require('./index.mjs');\n";

export default defineConfig({
  entry: { index: 'src/index.ts' },
  format: ['esm', 'cjs'],
  platform: 'node',
  target: 'node20.19',
  dts: true,
  clean: true,
  exports: true,
  plugins: [
    {
      name: 'require-the-module',
      renderChunk(_code, { fileName }) {
        return fileName.endsWith('.cjs') ? { code: requireModule, map: null } : null;
      },
    },
  ],
});
