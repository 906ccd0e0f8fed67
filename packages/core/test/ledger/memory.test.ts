import { describe, test } from 'vitest';
import { InMemoryLedgerRepository } from '../../src/ledger/memory/in-memory-ledger-repository.ts';
import { ledgerContract, ManualClock } from '../../src/testing/index.ts';

const clock = new ManualClock();

ledgerContract({
  name: 'InMemoryLedgerRepository',
  clock,
  makeRepository: async () => ({
    ledger: new InMemoryLedgerRepository({ clock }),
    dispose: async () => undefined,
  }),
  runner: { describe, test },
});
