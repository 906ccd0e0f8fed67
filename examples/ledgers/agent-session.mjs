// How a session of a coding agent begins: verify what earlier sessions left, then start the next step.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Monque } from '@monque/core';
import {
  CheckRunner,
  MarkdownRecordStore,
  readSecrets,
  VerificationFormat,
  VerificationLedger,
} from '@monque/ledgers';

/** Gives the step to work on, or undefined when something has to be repaired first or nothing is left. */
async function beginSession(ledger, by) {
  const { steps } = await ledger.reverify(by);
  const broken = steps.filter(({ outcome }) => outcome !== 'verified');
  for (const { id, outcome, results } of broken) {
    console.log(
      `${by.run}: ${id} ${outcome}`,
      results.filter(({ passed }) => !passed).map(({ check }) => check),
    );
  }
  if (broken.length > 0) return undefined;
  const [next] = await ledger.list({ status: ['not_started'], limit: 1 });
  return next && (await ledger.start(next.id, by));
}

const folder = await mkdtemp(join(tmpdir(), 'ledger-'));
const scheduler = Monque.inMemory();
const redactor = await readSecrets({ envFiles: [join(folder, '.env')] });
const runner = new CheckRunner({ scheduler, redactor, root: folder });
const store = new MarkdownRecordStore(join(folder, 'LEDGER.md'), new VerificationFormat());
const ledger = new VerificationLedger({ store, runner, redactor });
await store.init();
await scheduler.start();

for (const [id, file] of [
  ['S01', 'first.txt'],
  ['S02', 'second.txt'],
]) {
  const invariants = [{ text: `${file} is there`, check: { command: `test -e ${file}` } }];
  await ledger.add(id, { title: `Write ${file}`, invariants }, { actor: 'Agent-1' });
}

// The first session does its step and leaves it to be verified.
const first = { actor: 'Agent-1', run: 'run-001' };
const step = await beginSession(ledger, first);
console.log(`${first.run}: works on ${step.id}`);
await ledger.complete(step.id, first);

// The second finds that the file was never written, and repairs that instead of going on.
await beginSession(ledger, { actor: 'Agent-2', run: 'run-002' });
await writeFile(join(folder, 'first.txt'), 'done');

// The third finds all as it was left, and goes on.
const next = await beginSession(ledger, { actor: 'Agent-3', run: 'run-003' });
console.log(`run-003: works on ${next.id}`);

await scheduler.stop();
await rm(folder, { recursive: true });
