import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';
import { JOB_LIFECYCLE } from '../../core/src/job/job-lifecycle.ts';

const LIFECYCLE = 'virtual:lifecycle';

/** The table of states and transitions as data, so that the picture of it can't differ from what the scheduler does. */
function lifecycle(): Plugin {
  const resolved = `\0${LIFECYCLE}`;
  const { states, initial, terminal, transitions } = JOB_LIFECYCLE;
  const rows = Object.entries(transitions).map(([verb, { from, to, guards = [] }]) => ({
    ...{ verb, from, to },
    guards: guards.map((guard) =>
      [guard.field, guard.is, ...('to' in guard ? [guard.to] : [])].join(' '),
    ),
  }));
  const table = { states, initial, terminal, rows };
  return {
    name: 'monque-lifecycle',
    resolveId: (id) => (id === LIFECYCLE ? resolved : undefined),
    load: (id) =>
      id === resolved ? `export const lifecycle = ${JSON.stringify(table)};` : undefined,
  };
}

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // Relative to the document's base, which the server states: the dashboard works under any prefix.
  base: './',
  plugins: [lifecycle()],
  publicDir: false,
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    cssCodeSplit: false,
    // Inlined assets would be data: URLs, which the Content-Security-Policy allows for images alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        // What every page needs is one file, and each page one more: no chain of small ones.
        codeSplitting: {
          groups: [
            {
              name: 'shared',
              test: /node_modules.(preact|@preact)|web.src.(api|app|dialogs|ui|job|virtual|metrics.samples)|pages.jobs-query/,
            },
          ],
        },
      },
    },
  },
});
