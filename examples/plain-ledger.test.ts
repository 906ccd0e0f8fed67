import { Monque, UnsupportedError } from '@monque/core';
import { ledgerContract, ManualClock, makeJob } from '@monque/core/testing';
import type { ClientSession } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { PlainLedger } from './plain-ledger.ts';

const clock = new ManualClock();

ledgerContract({
  name: 'the plain ledger',
  clock,
  makeRepository: async () => {
    const ledger = new PlainLedger({ clock });
    return { ledger, dispose: () => ledger.close() };
  },
  runner: { describe, test },
});

test('a scheduler runs its jobs from the plain ledger', async () => {
  const monque = new Monque(new PlainLedger());
  monque.worker<{ to: string }>('greet', async (job) => `Hello ${job.data.to}`);
  await monque.start();
  const job = await monque.enqueue('greet', { to: 'Ada' });
  expect(await monque.waitFor(job)).toBe('Hello Ada');
  await monque.stop();
});

test('the plain ledger refuses to take part in a transaction', async () => {
  const ledger = new PlainLedger({ clock });
  const session = {} as ClientSession;
  const [job, now] = [makeJob(), new Date(clock.now())];
  await expect(ledger.enqueue({ jobs: [job], session })).rejects.toThrow(UnsupportedError);
  expect(await ledger.getJob({ jobId: job._id })).toBeNull();
  await ledger.enqueue({ jobs: [job] });
  const amendment = { jobId: job._id, changes: { priority: 7 }, now, session };
  await expect(ledger.amend(amendment)).rejects.toThrow(UnsupportedError);
  expect((await ledger.getJob({ jobId: job._id }))?.priority).toBe(job.priority);
});
