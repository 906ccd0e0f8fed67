// Verifies the claims of this project again: npm run verify
// It runs the checks of docs/verification.md that take less than ten minutes, one after the other, records what they find
// there, and names the others as due. Options: --all runs those too; ids of steps, such as V03, run only these.
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Monque } from '@monque/core';
import {
  CheckRunner,
  MarkdownRecordStore,
  readSecrets,
  runIdAt,
  VerificationFormat,
  VerificationLedger,
} from '@monque/ledgers';

const MOST_SECONDS = 600;
const ROOT = fileURLToPath(new URL('..', import.meta.url));

// biome-ignore lint/suspicious/noUndeclaredEnvVars: no task of turbo runs this.
if (process.env.MONQUE_TEST_MONGODB === 'skip') {
  console.error('MONQUE_TEST_MONGODB=skip leaves tests out, which would count as passed: unset it');
  process.exit(2);
}

const given = process.argv.slice(2);
const withLong = given.includes('--all');
const wanted = given.filter((word) => !word.startsWith('--'));

const store = new MarkdownRecordStore(join(ROOT, 'docs/verification.md'), new VerificationFormat());
const { problems, records } = await store.read();
for (const { line, message } of problems) console.log(`docs/verification.md:${line}: ${message}`);

const isLong = ({ invariants }) =>
  invariants.some(({ check }) => Number(check?.timeoutSeconds ?? MOST_SECONDS) > MOST_SECONDS);
const steps = [...records.values()]
  .map(({ record }) => record)
  .filter(
    ({ id, status }) => status !== 'not_started' && (wanted.length === 0 || wanted.includes(id)),
  );
const due = steps.filter((step) => !withLong && wanted.length === 0 && isLong(step));
const run = steps.filter((step) => !due.includes(step));

const scheduler = Monque.inMemory();
// Where this clone is says nothing about a claim.
const redactor = await readSecrets({ envFiles: [join(ROOT, '.env')], values: [resolve(ROOT)] });
// The tests of one command use the whole machine.
const runner = new CheckRunner({
  scheduler,
  redactor,
  root: ROOT,
  concurrency: 1,
  outputLength: 600,
});
const ledger = new VerificationLedger({ store, runner, redactor });
await scheduler.start();
const by = { actor: 'npm run verify', run: runIdAt(Date.now()) };
let isWell = problems.length === 0;
for (const { id } of run) {
  const { steps: outcomes, ok } = await ledger.reverify({ ...by, ids: [id] });
  isWell &&= ok;
  for (const { outcome, title, results } of outcomes) {
    const seconds = results.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000;
    console.log(`${id} ${outcome} (${seconds.toFixed(1)} s): ${title}`);
    for (const { check, output = '' } of results.filter(({ passed }) => !passed)) {
      console.log(`  FAIL ${check}\n${output.replaceAll(/^/gm, '    ')}`);
    }
  }
}
await scheduler.stop();
for (const { id, title, verifications } of due) {
  const last = verifications.at(-1)?.at.toISOString().slice(0, 10) ?? 'never';
  console.log(`${id} due (last verified: ${last}): ${title}; npm run verify -- ${id}`);
}
console.log(
  `${run.length} claims verified in ${by.run}, ${due.length} due: ${isWell ? 'all is well' : 'not all is well'}`,
);
process.exitCode = isWell ? 0 : 1;
