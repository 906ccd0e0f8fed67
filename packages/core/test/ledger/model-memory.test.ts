import { describe, test } from 'vitest';
import { InMemoryLedgerRepository } from '../../src/ledger/memory/in-memory-ledger-repository.ts';
import { assertFollowsModel } from './model-run.ts';

describe('InMemoryLedgerRepository', () => {
  test('answers every sequence of calls as the model does', async () => {
    await assertFollowsModel(async () => new InMemoryLedgerRepository(), 200);
  });
});
