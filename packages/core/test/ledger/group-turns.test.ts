import { test } from 'vitest';
import { InMemoryLedgerRepository } from '../../src/ledger/memory/in-memory-ledger-repository.ts';
import { assertTakesTurns } from './group-turns.ts';

const RATE = { limit: 1_000_000, perMs: 3_600_000, burst: 1_000_000 };

test.each([
  ['without a limit', { groups: 2, seed: 1 }],
  ['without a limit', { groups: 40, seed: 2 }],
  ['under a concurrency', { groups: 7, seed: 3, settings: { concurrency: 10_000 } }],
  ['under a rate', { groups: 7, seed: 4, settings: { rate: RATE } }],
  ['where they weigh the same', { groups: 2, seed: 5, weights: [3] }],
  ['where some weigh more', { groups: 7, seed: 6, weights: [1, 3, 2] }],
  ['in batches', { groups: 7, seed: 7, batchSize: 3 }],
  ['in batches where some weigh more', { groups: 7, seed: 8, batchSize: 3, weights: [2, 1] }],
])(
  'InMemoryLedgerRepository gives each group its turns, however many jobs each has: %s, %o',
  (_, tenants) => {
    return assertTakesTurns([new InMemoryLedgerRepository()], tenants);
  },
);
