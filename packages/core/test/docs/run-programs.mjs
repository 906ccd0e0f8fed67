// Runs programs in one process, one after the other: node run-programs.mjs <file of the outcomes> <program>...
// Each begins where the one before it came to its end by itself: when nothing was left that a process of its own would
// wait for. What it did is a line of JSON in the file.
import { appendFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [outcomes, ...programs] = process.argv.slice(2);
let running;

function begin() {
  const outcome = { program: programs.shift(), stdout: '', stderr: '', faults: [] };
  running = { outcome, isWhole: false };
  const current = running;
  import(pathToFileURL(outcome.program).href).then(
    () => {
      current.isWhole = true;
    },
    (error) => {
      current.isWhole = true;
      outcome.faults.push(textOf(error));
    },
  );
}

function end() {
  const { outcome, isWhole } = running;
  if (!isWhole) outcome.faults.push('It ended before its last line');
  if (process.exitCode) outcome.faults.push(`It ended with ${process.exitCode}`);
  process.exitCode = undefined;
  appendFileSync(outcomes, `${JSON.stringify(outcome)}\n`);
  running = undefined;
}

function textOf(error) {
  return String(error?.stack ?? error);
}

for (const name of ['stdout', 'stderr']) {
  process[name].write = (chunk, ...rest) => {
    running.outcome[name] += chunk;
    const [written] = rest.slice(-1);
    if (typeof written === 'function') process.nextTick(written, null);
    return true;
  };
}
process.on('uncaughtException', (error) => running.outcome.faults.push(textOf(error)));
process.on('warning', (warning) => {
  running.outcome.stderr += `${textOf(warning)}\n`;
});
process.on('beforeExit', () => {
  if (running === undefined) return;
  end();
  if (programs.length > 0) setImmediate(begin);
});
process.on('exit', () => {
  if (running === undefined) return;
  running.outcome.faults.push('It ended the process');
  end();
});
begin();
