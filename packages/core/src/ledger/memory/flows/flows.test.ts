import { ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import { tokenOf } from '../../../job/flow-tokens.ts';
import type { Job } from '../../../job/job.ts';
import { ManualClock, makeJob } from '../../../testing/index.ts';
import { InMemoryLedgerRepository } from '../in-memory-ledger-repository.ts';

test('a job that is deleted, or cancelled, while it is released stays so, at whatever moment', async () => {
  const clock = new ManualClock();
  const now = new Date(clock.now());
  const released = new Set<number>();
  for (let turns = 0; turns < 60; turns += 1) {
    const ledger = new InMemoryLedgerRepository({ clock });
    const flow = new ObjectId();
    const token = tokenOf(flow, 'fail', 0);
    const record = { flowId: flow, state: 'stored', createdAt: now, size: 2 } as const;
    await ledger.openFlow({ flow: record, createdBefore: now });
    const wait = (): Job => ({ ...makeJob({ flow, waitsFor: [token] }), status: 'blocked' });
    const [deleted, cancelled] = [wait(), wait()];
    await ledger.enqueue({ jobs: [deleted, cancelled] });
    const releasing = ledger.releaseWaiting({ tokens: [{ token }], now, limit: 10 });
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    const [result] = await Promise.all([
      releasing,
      ledger.remove({ jobId: deleted._id, now }),
      ledger.cancel({ jobId: cancelled._id, now }),
    ]);
    released.add(result.released);
    expect(await ledger.getJob({ jobId: deleted._id })).toBeNull();
    expect(await ledger.getJob({ jobId: cancelled._id })).toMatchObject({ status: 'cancelled' });
  }
  expect(released).toContain(0);
  expect(released).toContain(2);
});
