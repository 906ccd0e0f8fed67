/**
 * Leases: an instance's proof of life, and its end.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { InstanceInfo } from '../../ledger/ledger-repository.ts';
import { type ContractTests, INSTANCE, OTHER_INSTANCE, type Subject } from './subject.ts';

export const leaseTests: ContractTests = {
  'an opened lease is live and on record': async (subject) => {
    await subject.openLease();
    const lease = await subject.leaseOf();
    assert.equal(lease.status, 'live');
    assert.equal(lease.leaseDurationMs, 30_000);
    assert.deepEqual(await subject.ledger.readLeases(), [lease]);
  },

  'what an instance says of itself stands with its lease, as it was said last': async (subject) => {
    const { ledger } = subject;
    const first = makeInfo(subject, 0);
    await ledger.openLease({ instanceId: INSTANCE, leaseDurationMs: 30_000, info: first });
    assert.deepEqual(await infoIn(subject), first);
    const second = makeInfo(subject, 5_000);
    await ledger.renewLease({ instanceId: INSTANCE, info: second });
    assert.deepEqual(await infoIn(subject), second);
    await ledger.declareDead({ instanceId: INSTANCE, counter: await counterOf(subject) });
    assert.deepEqual(await infoIn(subject), second);
  },

  'an instance that says nothing of itself has a lease like any other': async (subject) => {
    await subject.openLease();
    assert.equal(await infoIn(subject), undefined);
    assert.equal(await subject.ledger.renewLease({ instanceId: INSTANCE }), true);
    assert.equal(await infoIn(subject), undefined);
  },

  'a dead instance cannot say anything of itself any more': async (subject) => {
    await openDead(subject);
    const info = makeInfo(subject, 0);
    assert.equal(await subject.ledger.renewLease({ instanceId: INSTANCE, info }), false);
    assert.equal(await infoIn(subject), undefined);
  },

  'an opening sent twice changes nothing': async (subject) => {
    await subject.openLease();
    await subject.ledger.renewLease({ instanceId: INSTANCE });
    const lease = await subject.leaseOf();
    await subject.openLease();
    assert.deepEqual(await subject.leaseOf(), lease);
  },

  'a dead lease cannot be opened again': async (subject) => {
    await openDead(subject);
    await subject.openLease();
    assert.equal((await subject.leaseOf()).status, 'dead');
  },

  'every renewal raises the counter': async (subject) => {
    await subject.openLease();
    const counters: number[] = [];
    for (let renewal = 0; renewal < 3; renewal += 1) {
      assert.equal(await subject.ledger.renewLease({ instanceId: INSTANCE }), true);
      counters.push(await counterOf(subject));
    }
    const first = await counterOf(subject);
    assert.deepEqual(counters, [first - 2, first - 1, first]);
  },

  'renewal of a dead lease is refused': async (subject) => {
    await openDead(subject);
    const lease = await subject.leaseOf();
    assert.equal(await subject.ledger.renewLease({ instanceId: INSTANCE }), false);
    assert.deepEqual(await subject.leaseOf(), lease);
  },

  'renewal of a missing lease is refused and makes none': async (subject) => {
    assert.equal(await subject.ledger.renewLease({ instanceId: INSTANCE }), false);
    assert.deepEqual(await subject.ledger.readLeases(), []);
  },

  'a counter that has moved on does not kill a lease': async (subject) => {
    await subject.openLease();
    const counter = await counterOf(subject);
    await subject.ledger.renewLease({ instanceId: INSTANCE });
    assert.equal(await subject.ledger.declareDead({ instanceId: INSTANCE, counter }), false);
    assert.equal((await subject.leaseOf()).status, 'live');
  },

  'a lease is declared dead once': async (subject) => {
    await subject.openLease();
    await subject.openLease(OTHER_INSTANCE);
    const params = { instanceId: INSTANCE, counter: await counterOf(subject) };
    assert.equal(await subject.ledger.declareDead(params), true);
    assert.equal(await subject.ledger.declareDead(params), false);
    assert.equal((await subject.leaseOf()).status, 'dead');
    assert.equal((await subject.leaseOf(OTHER_INSTANCE)).status, 'live');
  },

  'a missing lease cannot be declared dead': async (subject) => {
    const params = { instanceId: INSTANCE, counter: 0 };
    assert.equal(await subject.ledger.declareDead(params), false);
  },

  'a lease that ends without claims leaves the record': async (subject) => {
    await subject.openLease();
    await subject.ledger.endLease({ instanceId: INSTANCE });
    assert.deepEqual(await subject.ledger.readLeases(), []);
  },

  'a lease that ends with claims stays on record as dead, and its jobs can be rescued': async (
    subject,
  ) => {
    await subject.openLease();
    await subject.putClaimed();
    await subject.ledger.endLease({ instanceId: INSTANCE });
    assert.equal((await subject.leaseOf()).status, 'dead');
    assert.equal((await subject.rescue()).pending, 1);
    await subject.ledger.endLease({ instanceId: INSTANCE });
    assert.deepEqual(await subject.ledger.readLeases(), []);
  },

  'only a dead lease is removed': async (subject) => {
    await subject.openLease();
    await subject.ledger.removeLease({ instanceId: INSTANCE });
    assert.equal((await subject.leaseOf()).status, 'live');
    await openDead(subject);
    await subject.ledger.removeLease({ instanceId: INSTANCE });
    assert.deepEqual(await subject.ledger.readLeases(), []);
  },

  'ending or removing a missing lease does nothing': async (subject) => {
    await subject.ledger.endLease({ instanceId: INSTANCE });
    await subject.ledger.removeLease({ instanceId: INSTANCE });
    assert.deepEqual(await subject.ledger.readLeases(), []);
  },
};

/** What the one instance on record says of itself; nobody gets it who does not ask. */
async function infoIn(subject: Subject): Promise<InstanceInfo | undefined> {
  assert.equal('info' in (await subject.leaseOf()), false);
  const [lease] = await subject.ledger.readLeases({ informed: true });
  return lease?.info;
}

/** What an instance may say at this time, with names that are signs to some databases. */
function makeInfo(subject: Subject, ms: number): InstanceInfo {
  return {
    host: 'host.example',
    pid: 42,
    version: '1.2.3',
    startedAt: subject.at(0),
    reportedAt: subject.at(ms),
    workers: ['$name', 'a.b', 'ä 🚀'].map((name) => ({ name, concurrency: 5, running: 1 })),
    unnamedWorkers: 0,
    runningJobs: 3,
    bufferedJobs: ms,
    ...(ms > 0 && { instanceConcurrency: 7 }),
    recoverStaleJobs: true,
    ...(ms > 0 && {
      vitals: {
        ...{ winRate: 0.5, loopDelayMs: 1.5, clockErrorMs: 2, queueLagMs: 3 },
        ...{ alerts: ['queueLag'], violations: 4 },
      },
    }),
  };
}

async function openDead(subject: Subject): Promise<void> {
  await subject.openLease();
  await subject.ledger.declareDead({ instanceId: INSTANCE, counter: await counterOf(subject) });
}

async function counterOf(subject: Subject): Promise<number> {
  return (await subject.leaseOf()).counter;
}
