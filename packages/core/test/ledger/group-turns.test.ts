import { test } from 'vitest';
import { InMemoryLedgerRepository } from '../../src/ledger/memory/in-memory-ledger-repository.ts';
import { assertTakesTurns } from './group-turns.ts';

const RATE = { limit: 1_000_000, perMs: 3_600_000, burst: 1_000_000 };

test.each([
  ['without a limit', { groups: 2, seed: 1 }],
  ['without a limit', { groups: 40, seed: 2 }],
  ['under a concurrency', { groups: 7, seed: 3, settings: { concurrency: 10_000 } }],
  ['under a rate', { groups: 7, seed: 4, settings: { rate: RATE } }],
  ['in batches', { groups: 7, seed: 7, batchSize: 3 }],
])(
  'InMemoryLedgerRepository gives each group its turns, however many jobs each has: %s, %o',
  (_, tenants) => {
    return assertTakesTurns([new InMemoryLedgerRepository()], tenants);
  },
);
