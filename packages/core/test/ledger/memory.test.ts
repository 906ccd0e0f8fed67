import { describe, test } from 'vitest';
import type { Job } from '../../src/job/job.ts';
import { InMemoryLedgerRepository } from '../../src/ledger/memory/in-memory-ledger-repository.ts';
import { ledgerContract, ManualClock } from '../../src/testing/index.ts';

const clock = new ManualClock();

/** Lets in what another tool would have written into a database. */
class OpenLedger extends InMemoryLedgerRepository {
  async putForeign(job: Job): Promise<void> {
    await this.verbs.enqueue({ jobs: [job] });
  }
}

ledgerContract({
  name: 'InMemoryLedgerRepository',
  clock,
  makeRepository: async () => ({
    ledger: new OpenLedger({ clock }),
    dispose: async () => undefined,
  }),
  putForeign: (ledger, job) => (ledger as OpenLedger).putForeign(job),
  runner: { describe, test },
});
