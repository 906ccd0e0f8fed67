import { defineConfig } from 'tsdown';

const common = {
  entry: { index: 'src/index.ts' },
  platform: 'node',
  target: 'node20.19',
  sourcemap: true,
} as const;

export default defineConfig([
  { ...common, format: 'esm', dts: true, clean: true },
  { ...common, format: 'cjs', dts: { emitDtsOnly: true }, clean: false },
]);
