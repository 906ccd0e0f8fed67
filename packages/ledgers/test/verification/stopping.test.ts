/**
 * What a scheduler that stops means for the checks that run: they are ended, and nothing is said of their invariants.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Monque } from '@monque/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../../../core/test/setup/until.ts';
import {
  CheckRunner,
  MemoryRecordStore,
  Redactor,
  runIdAt,
  VerificationLedger,
} from '../../src/index.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ledger-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('a step whose checks were ended with the scheduler has not drifted, and is verified by the next run', async () => {
  const first = Monque.inMemory({ shutdownTimeout: 0, logger: false });
  const redactor = new Redactor([]);
  const store = new MemoryRecordStore();
  const on = (scheduler: Monque): VerificationLedger => {
    const runner = new CheckRunner({ scheduler, redactor, root: folder });
    return new VerificationLedger({ store, runner });
  };
  const ledger = on(first);
  const by = { actor: 'Ann', run: runIdAt(1_000) };
  // The first time it takes long.
  const command = '[ -f begun ] || { touch begun; exec sleep 600; }';
  const invariants = [{ text: 'x', check: { command } }];
  await ledger.add('S01', { title: 'One', invariants }, by);
  await ledger.start('S01', by);
  await ledger.complete('S01', by);
  const before = await ledger.get('S01');
  await first.start();
  const verified = ledger.reverify({ actor: 'Bob', run: runIdAt(2_000) });
  const refused = expect(verified).rejects.toMatchObject({ reason: 'stopped' });
  const isBegun = () =>
    readFile(join(folder, 'begun')).then(
      () => true,
      () => false,
    );
  await until('the check to run', isBegun);
  await first.stop();
  await refused;
  expect(await ledger.get('S01')).toEqual(before);
  const second = Monque.inMemory({ logger: false });
  await second.start();
  const { ok } = await on(second).reverify({ actor: 'Bob', run: runIdAt(3_000) });
  expect(ok).toBe(true);
  await second.stop();
});
