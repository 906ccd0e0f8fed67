import { describe, expect, test } from 'vitest';
import { HeldShare } from '../../src/engine/claiming/held-share.ts';
import type { LimitRecord, SetLimitParams } from '../../src/ledger/ledger-repository.ts';
import { InMemoryLedgerRepository } from '../../src/ledger/memory/in-memory-ledger-repository.ts';
import { FaultyLedgerRepository } from '../../src/testing/faulty-ledger-repository.ts';
import { ManualClock } from '../../src/testing/index.ts';

async function withLimit(limit: Partial<SetLimitParams>) {
  const clock = new ManualClock();
  const stored = new InMemoryLedgerRepository({ clock });
  const ledger = new FaultyLedgerRepository(stored, { clock });
  const now = (): Date => new Date(clock.now());
  await stored.setLimit({ key: 'api', now: now(), ...limit });
  const errors: unknown[] = [];
  const report = (error: unknown): void => void errors.push(error);
  const make = (): HeldShare =>
    new HeldShare({ ledger, ledgerTime: { now }, clock, report } as never, 'api', 'me');
  const moment = () => ({ monotonicMs: clock.monotonic(), wallMs: clock.now() });
  const record = async (): Promise<LimitRecord> =>
    (await stored.readLimits()).find(({ key }) => key === 'api') as LimitRecord;
  const want = (jobs: number) => ({ jobs, starts: jobs });
  return { clock, stored, ledger, errors, make, moment, record, want, now };
}

describe('a share of a limit', () => {
  test('gives no room and asks for nothing before the limit was read', async () => {
    const { make, ledger, want, now } = await withLimit({ concurrency: 2 });
    const share = make();
    share.want(want(2));
    share.block(new Date(now().getTime() + 5_000));
    await share.adjust();
    expect([share.room(), share.waitMs, share.isHolding]).toEqual([0, undefined, false]);
    expect(ledger.calls('takeShare')).toBe(0);
  });

  test('believes what was read last, and the longest time of those in which nothing starts', async () => {
    const { make, clock, record, moment, want, now } = await withLimit({ concurrency: 2 });
    const share = make();
    const before = moment();
    await clock.advance(10);
    share.learn(await record(), moment());
    share.learn({ ...(await record()), concurrency: 0 }, before);
    share.want(want(2));
    await share.adjust();
    expect(share.room()).toBe(2);
    for (const ms of [5_000, 1_000]) share.block(new Date(now().getTime() + ms));
    expect([share.room(), share.waitMs]).toEqual([0, 5_000]);
  });

  test('counts only what it uses after a call that was not answered, and writes again', async () => {
    const { make, ledger, errors, record, moment, want } = await withLimit({ concurrency: 3 });
    const share = make();
    share.learn(await record(), moment());
    share.want(want(2));
    ledger.plan('takeShare', { fail: 'after' });
    await share.adjust();
    expect(errors).toMatchObject([{ code: 'UNKNOWN_OUTCOME' }]);
    expect([share.room(), share.isHolding]).toEqual([0, true]);
    await share.adjust();
    expect(share.room()).toBe(2);
    expect((await record()).shares).toEqual([{ instanceId: 'me', count: 2, wants: 0 }]);
  });

  test('gives way to a later call under its id, until it has counted up to that', async () => {
    const { make, stored, record, moment, want } = await withLimit({ concurrency: 3 });
    const ask = { key: 'api', instanceId: 'me', seq: 2, count: 1, wants: 0, starts: 0 };
    await stored.takeShare(ask);
    const share = make();
    share.learn(await record(), moment());
    share.want(want(3));
    await share.adjust();
    expect([share.room(), share.isHolding]).toEqual([0, true]);
    for (let calls = 0; calls < 2; calls += 1) await share.adjust();
    expect(share.room()).toBe(3);
  });

  test('of a limit that is gone gives no room, and asks for nothing any more', async () => {
    const { make, stored, ledger, record, moment, want } = await withLimit({ concurrency: 3 });
    const share = make();
    share.learn(await record(), moment());
    share.want(want(1));
    ledger.takeShare = async () => ({ outcome: 'missing', count: 0, starts: 0, limit: null });
    await share.adjust();
    expect([share.room(), share.isStale]).toEqual([0, true]);
    ledger.takeShare = (params) => stored.takeShare(params);
    await share.adjust();
    expect((await record()).shares).toEqual([]);
  });

  test('keeps what its jobs stand on while there is no bound, for there may be one again', async () => {
    const rate = { limit: 100, perMs: 1_000, burst: 10 };
    const { make, stored, ledger, record, moment, want, now } = await withLimit({ concurrency: 6 });
    const share = make();
    const adjust = async (): Promise<unknown> => {
      share.learn(await record(), moment());
      await share.adjust();
      return (await record()).shares.map(({ count }) => count);
    };
    share.want(want(5));
    expect(await adjust()).toEqual([5]);
    share.use(3)(3);
    share.want(want(0));
    await stored.setLimit({ key: 'api', rate, now: now() });
    expect(await adjust()).toEqual([3]);
    share.use(4)(4);
    ledger.plan('takeShare', { fail: 'before' });
    for (let ended = 0; ended < 5; ended += 1) share.free();
    expect(await adjust()).toEqual([3]);
    expect(await adjust()).toEqual([2]);
    await stored.setLimit({ key: 'api', concurrency: 6, now: now() });
    const ask = { key: 'api', instanceId: 'other', seq: 1, count: 6, wants: 0, starts: 0 };
    expect(await stored.takeShare(ask)).toMatchObject({ outcome: 'taken', count: 4 });
    await stored.setLimit({ key: 'api', rate, now: now() });
    for (let ended = 0; ended < 2; ended += 1) share.free();
    expect(await adjust()).toEqual([4, 0]);
    expect(share.isHolding).toBe(false);
  });

  test('asks for no more starts while a claim may bring some back', async () => {
    const rate = { limit: 1, perMs: 3_600_000, burst: 2 };
    const { make, record, moment, want } = await withLimit({ rate });
    const share = make();
    share.learn(await record(), moment());
    share.want(want(2));
    await share.adjust();
    expect(share.room()).toBe(1);
    const answered = share.use(1);
    await share.adjust();
    answered(0);
    expect(share.room()).toBe(1);
    share.use(1)(1);
    await share.adjust();
    expect(share.room()).toBe(1);
  });

  test('takes back no starts of a claim that are older than those it has now', async () => {
    const rate = { limit: 1, perMs: 3_600_000, burst: 2 };
    const { make, record, moment, want } = await withLimit({ rate });
    const share = make();
    share.learn(await record(), moment());
    share.want(want(2));
    const asked = share.adjust();
    const answered = share.use(1);
    await asked;
    answered(0);
    expect(share.room()).toBe(1);
  });

  test('asks for fewer starts at once when some of the last were not used', async () => {
    const rate = { limit: 100, perMs: 1_000, burst: 100 };
    const { make, clock, ledger, record, moment, want } = await withLimit({ rate });
    const share = make();
    const asked: number[] = [];
    const takeShare = ledger.takeShare.bind(ledger);
    ledger.takeShare = (params) => {
      asked.push(params.starts);
      return takeShare(params);
    };
    for (const used of [1, 2, 4, 3, 0]) {
      share.learn(await record(), moment());
      share.want(want(50));
      await share.adjust();
      share.use(used)(used);
      await clock.advance(1_500);
    }
    share.learn(await record(), moment());
    share.want(want(50));
    await share.adjust();
    expect(asked.filter((starts) => starts > 0)).toEqual([1, 2, 4, 8, 16, 8]);
  });
});
