/**
 * Limits: what they allow, the shares of instances, starts by a rate, and who may take shares back.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type {
  LimitRecord,
  SetLimitParams,
  TakeShareResult,
} from '../../ledger/ledger-repository.ts';
import { type ContractTests, INSTANCE, idsOf, OTHER_INSTANCE, type Subject } from './subject.ts';

const HOUR_MS = 3_600_000;

/** The parts of a call for a share that a test cares about. */
interface Ask {
  readonly key?: string;
  readonly of?: string;
  readonly seq: number;
  readonly count?: number;
  readonly wants?: number;
  readonly starts?: number;
}

export const limitTests: ContractTests = {
  'there is no limit at first, and none that can be used': async (subject) => {
    assert.deepEqual(await subject.ledger.readLimits(), []);
    assert.deepEqual(await take(subject, { seq: 1, count: 1 }), {
      ...{ outcome: 'missing', count: 0, starts: 0, limit: null },
    });
    assert.equal(await subject.ledger.backOff({ key: 'a', until: subject.at(9) }), false);
    assert.deepEqual(await subject.ledger.readLimits(), []);
  },

  'limits are set each on its own, by any key, and set again change': async (subject) => {
    const keys = ['$a.b', 'a', 'limit:a', 'ä 🚀'];
    for (const key of keys) await set(subject, { key, concurrency: 3 });
    assert.deepEqual(
      (await limits(subject)).map(({ key }) => key),
      [...keys].sort(),
    );
    const rate = { limit: 5, perMs: 1_000, burst: 2 };
    await set(subject, { key: 'a', rate });
    assert.deepEqual(await limitOf(subject, 'a'), { key: 'a', rate, shares: [] });
    await set(subject, { key: 'a', concurrency: 0 });
    assert.deepEqual(await limitOf(subject, 'a'), { key: 'a', concurrency: 0, shares: [] });
  },

  'shares together never exceed the limit, and what one gives back another gets': async (
    subject,
  ) => {
    await set(subject, { concurrency: 5 });
    assert.equal((await take(subject, { seq: 1, count: 3 })).count, 3);
    const other = await take(subject, { of: OTHER_INSTANCE, seq: 1, count: 4, wants: 2 });
    assert.equal(other.count, 2);
    assert.deepEqual(sharesOf(other.limit as LimitRecord), [
      `${INSTANCE} 3 0`,
      `${OTHER_INSTANCE} 2 2`,
    ]);
    assert.equal((await take(subject, { seq: 2, count: 1 })).count, 1);
    const more = await take(subject, { of: OTHER_INSTANCE, seq: 2, count: 4 });
    assert.equal(more.count, 4);
    assert.deepEqual(sharesOf(await limitOf(subject)), [
      `${INSTANCE} 1 0`,
      `${OTHER_INSTANCE} 4 0`,
    ]);
  },

  'many concurrent calls for a share get no more than there is': async (subject) => {
    await set(subject, { concurrency: 7 });
    const asked = Array.from({ length: 12 }, (_, index) =>
      take(subject, { of: `instance-${index}`, seq: 1, count: 2 }),
    );
    const got = (await Promise.all(asked)).map(({ count }) => count);
    assert.equal(
      got.reduce((sum, count) => sum + count, 0),
      7,
    );
  },

  'a limit without a concurrency gives any share': async (subject) => {
    await set(subject, {});
    assert.equal((await take(subject, { seq: 1, count: 1_000 })).count, 1_000);
  },

  'a call that comes late, or twice, changes nothing': async (subject) => {
    await set(subject, { concurrency: 5 });
    await take(subject, { seq: 2, count: 2 });
    for (const seq of [1, 2]) {
      const late = await take(subject, { seq, count: 4, wants: 1, starts: 1 });
      assert.deepEqual([late.outcome, late.count, late.starts], ['stale', 0, 0]);
      assert.deepEqual(sharesOf(late.limit as LimitRecord), [`${INSTANCE} 2 0`]);
    }
    await take(subject, { seq: 3, count: 0 });
    assert.equal((await take(subject, { seq: 3, count: 4 })).outcome, 'stale');
    assert.deepEqual(sharesOf(await limitOf(subject)), [`${INSTANCE} 0 0`]);
  },

  'a limit that is lowered cuts no share; nothing is given until its holders gave back': async (
    subject,
  ) => {
    await set(subject, { concurrency: 5 });
    await take(subject, { seq: 1, count: 4 });
    await set(subject, { concurrency: 2 });
    assert.deepEqual(sharesOf(await limitOf(subject)), [`${INSTANCE} 4 0`]);
    assert.equal((await take(subject, { seq: 2, count: 4 })).count, 4);
    assert.equal((await take(subject, { of: OTHER_INSTANCE, seq: 1, count: 1 })).count, 0);
    assert.equal((await take(subject, { seq: 3, count: 1 })).count, 1);
    assert.equal((await take(subject, { of: OTHER_INSTANCE, seq: 2, count: 3 })).count, 1);
    await set(subject, { concurrency: 9 });
    assert.equal((await take(subject, { of: OTHER_INSTANCE, seq: 3, count: 9 })).count, 8);
  },

  'a rate gives a burst at once, and the next start when its time has come': async (subject) => {
    const rate = { limit: 1, perMs: HOUR_MS, burst: 3 };
    await set(subject, { rate });
    const first = await take(subject, { seq: 1, count: 1, starts: 2 });
    assert.deepEqual([first.starts, first.count], [2, 1]);
    assert.equal((await take(subject, { of: OTHER_INSTANCE, seq: 1, starts: 5 })).starts, 1);
    const none = await take(subject, { seq: 2, count: 1, starts: 1 });
    assert.equal(none.starts, 0);
    const now = (await subject.ledger.readTime()).getTime();
    const inMs = Number(none.limit?.nextStartAt) - now;
    assert.ok(inMs > HOUR_MS / 2 && inMs <= HOUR_MS, `the next start is in ${inMs} ms`);
  },

  'a rate that is made faster holds at once, and one that is taken away bounds nothing': async (
    subject,
  ) => {
    await set(subject, { rate: { limit: 1, perMs: HOUR_MS, burst: 1 } });
    assert.equal((await take(subject, { seq: 1, starts: 9 })).starts, 1);
    await set(subject, { rate: { limit: 1, perMs: 2 * HOUR_MS, burst: 1 } });
    assert.equal((await take(subject, { seq: 2, starts: 9 })).starts, 0);
    await set(subject, { rate: { limit: 2, perMs: HOUR_MS, burst: 1 } });
    const now = (await subject.ledger.readTime()).getTime();
    const inMs = Number((await limitOf(subject)).nextStartAt) - now;
    assert.ok(inMs <= HOUR_MS / 2, `the next start is in ${inMs} ms`);
    await set(subject, {});
    assert.equal((await take(subject, { seq: 3, starts: 9 })).starts, 9);
  },

  'nothing starts before the time that somebody asked for, which never comes nearer': async (
    subject,
  ) => {
    await set(subject, { rate: { limit: 10, perMs: 1_000, burst: 10 } });
    const now = (await subject.ledger.readTime()).getTime();
    const until = new Date(now + HOUR_MS);
    assert.equal(await subject.ledger.backOff({ key: 'a', until }), true);
    assert.equal(await subject.ledger.backOff({ key: 'a', until: new Date(now) }), true);
    assert.deepEqual((await limitOf(subject)).blockedUntil, until);
    assert.equal((await take(subject, { seq: 1, starts: 1 })).starts, 0);
    await set(subject, { concurrency: 1 });
    assert.deepEqual((await limitOf(subject)).blockedUntil, until);
    assert.deepEqual(await take(subject, { seq: 2, starts: 1, count: 1 }), {
      ...{ outcome: 'taken', count: 1, starts: 0, limit: await limitOf(subject) },
    });
  },

  'shares come back from an instance without a live lease, once it holds no claim': async (
    subject,
  ) => {
    const { ledger } = subject;
    await ledger.openLease({ instanceId: INSTANCE, leaseDurationMs: 1_000 });
    await set(subject, { concurrency: 2 });
    for (const key of ['b', 'c']) await set(subject, { key, concurrency: 2 });
    await take(subject, { key: 'c', of: OTHER_INSTANCE, seq: 1, count: 1 });
    for (const key of ['a', 'b']) await take(subject, { key, seq: 1, count: 2 });
    await take(subject, { of: OTHER_INSTANCE, seq: 1, wants: 1 });
    const job = await subject.putOne({});
    await subject.claim({ instanceId: INSTANCE });
    assert.equal(await ledger.freeShares({ instanceId: INSTANCE }), false);
    assert.equal(await ledger.declareDead({ instanceId: INSTANCE, counter: 0 }), true);
    assert.equal(await ledger.freeShares({ instanceId: INSTANCE }), false);
    assert.equal((await take(subject, { of: OTHER_INSTANCE, seq: 2, count: 1 })).count, 0);
    const { pending } = await subject.rescue({ deadInstanceId: INSTANCE });
    assert.deepEqual([pending, (await subject.read(job)).status], [1, 'pending']);
    assert.equal(await ledger.freeShares({ instanceId: INSTANCE }), true);
    assert.equal((await take(subject, { of: OTHER_INSTANCE, seq: 3, count: 2 })).count, 2);
    assert.deepEqual(sharesOf(await limitOf(subject)), [`${OTHER_INSTANCE} 2 0`]);
    assert.deepEqual(sharesOf(await limitOf(subject, 'b')), []);
    assert.deepEqual(sharesOf(await limitOf(subject, 'c')), [`${OTHER_INSTANCE} 1 0`]);
  },

  'a limit is no job: nothing that looks at jobs meets it': async (subject) => {
    const job = await subject.putOne({ name: 'a' });
    for (const key of ['a', 'z']) await set(subject, { key, concurrency: 1 });
    await subject.ledger.setPaused({ name: 'a', paused: true, now: subject.at(0) });
    const { ledger } = subject;
    for (const orderBy of ['_id', 'createdAt', 'updatedAt', 'nextRunAt'] as const) {
      const found = await ledger.findJobs({
        ...{ filter: {}, orderBy, direction: 'ascending', limit: 10 },
      });
      assert.deepEqual(idsOf(found), idsOf([job]));
    }
    assert.deepEqual(await ledger.findClaimants({ except: [] }), []);
    assert.deepEqual(
      (await ledger.readPaused()).map(({ name }) => name),
      ['a'],
    );
    assert.deepEqual(await subject.prune(), { pruned: 0 });
    assert.equal((await limits(subject)).length, 2);
  },
};

function set(subject: Subject, params: Partial<SetLimitParams>): Promise<void> {
  return subject.ledger.setLimit({ key: 'a', now: subject.at(0), ...params });
}

function take(subject: Subject, { of, seq, ...ask }: Ask): Promise<TakeShareResult> {
  const { key = 'a', count = 0, wants = 0, starts = 0 } = ask;
  const instanceId = of ?? INSTANCE;
  return subject.ledger.takeShare({ key, instanceId, seq, count, wants, starts });
}

function limits(subject: Subject): Promise<readonly LimitRecord[]> {
  return subject.ledger.readLimits();
}

async function limitOf(subject: Subject, key = 'a'): Promise<LimitRecord> {
  const found = (await limits(subject)).find((limit) => limit.key === key);
  assert.ok(found, `there is no limit ${key}`);
  return found;
}

function sharesOf({ shares }: LimitRecord): string[] {
  return shares.map(({ instanceId, count, wants }) => `${instanceId} ${count} ${wants}`).sort();
}
