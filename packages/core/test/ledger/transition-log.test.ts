import { describe, expect, test } from 'vitest';
import { InMemoryLedgerRepository } from '../../src/index.ts';
import { ManualClock, makeJob } from '../../src/testing/index.ts';
import { transitionLogTests } from './transition-log.ts';

describe('the log of an in-memory ledger', () => {
  const clock = new ManualClock();

  transitionLogTests(async () => ({
    ledger: new InMemoryLedgerRepository({ clock, transitionLog: true }),
    dispose: async () => undefined,
  }));

  test('is bounded: of more than 10,000 entries the newest stay', async () => {
    const ledger = new InMemoryLedgerRepository({ clock, transitionLog: true });
    const job = makeJob({ name: 'first' });
    await ledger.enqueue({ jobs: [job] });
    const changes = { priority: 1 };
    for (let count = 1; count <= 20_100; count += 1) {
      await ledger.amend({ jobId: job._id, changes, now: new Date(clock.now() + count) });
    }
    const entries = await ledger.readHistory({ jobId: job._id, limit: 100_000 });
    expect(entries.length).toBe(10_000);
    expect(entries.at(-1)?.at).toEqual(new Date(clock.now() + 20_100));
  });

  test('is the place where nothing a caller does to an entry reaches', async () => {
    const ledger = new InMemoryLedgerRepository({ clock, transitionLog: true });
    const job = makeJob({ name: 'first' });
    await ledger.enqueue({ jobs: [job] });
    const read = () => ledger.readHistory({ jobId: job._id, limit: 1 });
    const [entry] = await read();
    entry?.at.setTime(0);
    expect((await read())[0]?.at).toEqual(job.createdAt);
  });
});
