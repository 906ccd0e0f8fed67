import { expect, test } from 'vitest';
import { MANUAL_CLOCK_START, ManualClock, makeJob } from '../../testing/index.ts';
import { InMemoryLedgerRepository } from '../memory/in-memory-ledger-repository.ts';
import type { AccessQuestion } from './actor-view.ts';

test('whoever opens a gate is asked about the job, and about the name that the call adds', async () => {
  const asked: AccessQuestion[] = [];
  const access = { may: (question: AccessQuestion) => asked.push(question) > 0 };
  const ledger = new InMemoryLedgerRepository({ clock: new ManualClock(), access });
  const job = makeJob({ name: 'import' });
  await ledger.enqueue({ jobs: [job] });
  const now = new Date(MANUAL_CLOCK_START);
  const record = { name: 'checked', at: now, evidence: 'seal' };
  const params = { jobId: job._id, record, now };
  await ledger.as('ann').openGate({ ...params, name: 'other' });
  await ledger.as('ann').openGate(params);
  const names = asked.filter(({ verb }) => verb === 'openGate').map(({ name }) => name);
  expect(names).toEqual(['other', 'import', 'import']);
});
