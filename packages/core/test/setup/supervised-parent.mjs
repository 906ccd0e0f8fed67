// Stands for a test run that is ended by a signal: starts a replica set, says so, and never stops.
import { fileURLToPath } from 'node:url';
import { createViteServer } from 'vitest/node';

const vite = await createViteServer({
  configFile: false,
  appType: 'custom',
  logLevel: 'error',
  server: { middlewareMode: true, ws: false, watch: null },
});
const { startReplicaSet } = await vite.ssrLoadModule(
  fileURLToPath(new URL('./replica-set.ts', import.meta.url)),
);
const { folder, supervisorPid, pid, ports } = await startReplicaSet({ binary: process.argv[2] });
console.log(JSON.stringify({ folder, pids: [supervisorPid, ...ports.map(pid)] }));
