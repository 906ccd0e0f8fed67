// A step is done in one run, verified in the next, drifts and is repaired. Nothing is needed but Node.js.
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

const folder = await mkdtemp(join(tmpdir(), 'ledger-'));
const config = join(folder, 'config.json');
await writeFile(config, '{ "retries": 3 }');

// Checks run as jobs. Secrets of `.env` are taken out of all that they print.
const scheduler = Monque.inMemory();
const redactor = await readSecrets({ envFiles: [join(folder, '.env')] });
const runner = new CheckRunner({ scheduler, redactor, root: folder });
const store = new MarkdownRecordStore(join(folder, 'LEDGER.md'), new VerificationFormat());
const ledger = new VerificationLedger({ store, runner, redactor });

await store.init();
await scheduler.start();

const first = { actor: 'Agent-1', run: 'run-001' };
await ledger.add(
  'S01',
  {
    title: 'Retries are configured',
    invariants: [
      {
        text: 'The configuration names three retries',
        check: { command: 'grep -q 3 config.json' },
      },
    ],
  },
  first,
);
await ledger.add('S02', { title: 'Failures are logged' }, first);
await ledger.start('S01', first);
await ledger.complete('S01', first);
console.log('completed:', (await ledger.get('S01')).status);

await ledger.start('S02', first).catch((error) => console.log(error.message));

const show = ({ run, ok, steps }) =>
  console.log(run, ok ? 'ok' : 'not ok', steps.map(({ id, outcome }) => `${id} ${outcome}`).join());
show(await ledger.reverify({ actor: 'Agent-2', run: 'run-002' }));

await writeFile(config, '{ "retries": 0 }');
show(await ledger.reverify({ actor: 'Agent-2', run: 'run-003' }));

await writeFile(config, '{ "retries": 3 }');
show(await ledger.reverify({ actor: 'Agent-2', run: 'run-004' }));
console.log('started:', (await ledger.start('S02', { actor: 'Agent-2', run: 'run-004' })).status);

await scheduler.stop();
await rm(folder, { recursive: true });
