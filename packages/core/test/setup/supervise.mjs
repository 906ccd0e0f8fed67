// Runs the mongod processes of one replica set for the process that forked it, and outlives that
// process by a few milliseconds: when the channel to it closes, for whatever reason (even SIGKILL),
// every mongod is killed and the data folder removed. Being detached, it does not get the Ctrl-C of
// the terminal, so the test run can still tear down in order.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';

const folder = process.argv[2];
const running = new Set();
let ending = false;

function report(message) {
  if (process.connected) process.send(message, () => {});
}

function run({ id, binary, args }) {
  if (ending) return;
  const child = spawn(binary, args, { stdio: 'ignore' });
  if (child.pid !== undefined) running.add(child);
  child.once('spawn', () => report({ id, pid: child.pid }));
  child.once('error', (error) => report({ id, ended: error.message }));
  child.once('exit', (code, signal) => {
    running.delete(child);
    report({ id, ended: signal ?? `exit code ${code}` });
    if (ending) finish();
  });
}

function end() {
  ending = true;
  // The data is throw-away, and SIGTERM would make a member of a larger set linger for 15 seconds.
  for (const child of running) child.kill('SIGKILL');
  finish();
}

function finish() {
  if (running.size > 0) return;
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}

process.on('message', run);
process.once('disconnect', end);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, end);
