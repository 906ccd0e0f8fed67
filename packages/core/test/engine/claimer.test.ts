import { describe, expect, test } from 'vitest';
import { ConnectionError, MonqueError } from '../../src/foundation/errors.ts';
import type { FaultyLedgerRepository } from '../../src/testing/faulty-ledger-repository.ts';
import { deferred, makeOne, payloads } from './kit.ts';

describe('claiming', () => {
  test('of no-op jobs goes far ahead of the slots, of slow jobs not at all', async () => {
    const { monque, faulty, clock } = makeOne({ defaultConcurrency: 5 });
    monque.worker('noop', () => undefined);
    await monque.enqueueMany(Array.from({ length: 1_000 }, () => ({ name: 'noop' })));
    await monque.start();
    await clock.settle();
    expect(faulty.calls('claim')).toBeLessThan(12);
    await monque.stop();
  });

  test('ahead of slots is given back when the handlers turn slow', async () => {
    const { monque, clock, ledger } = makeOne({ defaultConcurrency: 1 });
    const gate = deferred();
    let slow = false;
    monque.worker('work', () => (slow ? gate.promise : undefined));
    await monque.start();
    await monque.enqueueMany(Array.from({ length: 100 }, () => ({ name: 'work' })));
    await clock.settle();
    slow = true;
    await monque.enqueueMany(Array.from({ length: 100 }, () => ({ name: 'work' })));
    await clock.settle();
    const [lease] = await ledger.readLeases();
    const claims = () => ledger.readClaims({ instanceId: String(lease?.instanceId), limit: 1_000 });
    expect((await claims()).length).toBeGreaterThan(50);
    await clock.advance(2_100);
    expect(await claims()).toHaveLength(1);
    gate.resolve();
    slow = false;
    await clock.advance(1_000);
    expect(await claims()).toHaveLength(0);
    await monque.stop();
  });

  test("one name's backlog does not keep another's due job waiting", async () => {
    const { monque, clock, events } = makeOne({ defaultConcurrency: 1 });
    const gate = deferred();
    monque.worker('bulk', () => gate.promise);
    monque.worker('urgent', () => undefined);
    await monque.enqueueMany(
      Array.from({ length: 5_000 }, () => ({ name: 'bulk', options: { priority: -100 } })),
    );
    await monque.enqueue('urgent', 1, { priority: 100 });
    await monque.start();
    await clock.settle();
    expect(payloads(events, 'job:complete').map(({ job }) => job.name)).toEqual(['urgent']);
    gate.resolve();
    await monque.stop();
  });

  test('one name at its limit does not block the others', async () => {
    const { monque, clock, events } = makeOne({ defaultConcurrency: 1 });
    const gate = deferred();
    monque.worker('full', () => gate.promise);
    monque.worker('free', () => undefined);
    await monque.start();
    await monque.enqueueMany([{ name: 'full' }, { name: 'full' }, { name: 'full' }]);
    await clock.settle();
    await monque.enqueue('free');
    await clock.settle();
    expect(payloads(events, 'job:complete').map(({ job }) => job.name)).toEqual(['free']);
    gate.resolve();
    await monque.stop();
  });

  test('of more than 200 names takes them in turn', async () => {
    const { monque, clock, events } = makeOne();
    const names = Array.from({ length: 450 }, (_, index) => `name-${index}`);
    for (const name of names) monque.worker(name, () => undefined);
    await monque.enqueueMany(names.map((name) => ({ name })));
    await monque.start();
    await clock.advance(10_000);
    expect(payloads(events, 'job:complete')).toHaveLength(450);
    await monque.stop();
  });

  test('of more than 200 names finds the job of the last one on its hint', async () => {
    const { monque, clock, events } = makeOne();
    const names = Array.from({ length: 450 }, (_, index) => `name-${index}`);
    for (const name of names) monque.worker(name, () => undefined);
    await monque.start();
    await clock.advance(5_000);
    for (const name of ['name-0', 'name-250', 'name-449']) await monque.enqueue(name);
    await clock.settle();
    expect(payloads(events, 'job:complete')).toHaveLength(3);
    await monque.stop();
  });

  test('keeps no more jobs waiting in this process than it must, however many names there are', async () => {
    const { monque, clock, ledger } = makeOne({ defaultConcurrency: 1 });
    const gate = deferred();
    let slow = false;
    const names = Array.from({ length: 40 }, (_, index) => `name-${index}`);
    for (const name of names) monque.worker(name, () => (slow ? gate.promise : undefined));
    await monque.start();
    await monque.enqueueMany(
      Array.from({ length: 4_000 }, (_, index) => ({ name: `name-${index % 40}` })),
    );
    await clock.settle();
    slow = true;
    await monque.enqueueMany(
      Array.from({ length: 8_000 }, (_, index) => ({ name: `name-${index % 40}` })),
    );
    await clock.settle();
    const [lease] = await ledger.readLeases();
    const instanceId = String(lease?.instanceId);
    const claims = await ledger.readClaims({ instanceId, limit: 20_000 });
    expect(claims.length).toBeLessThanOrEqual(3_040);
    slow = false;
    gate.resolve();
    await clock.advance(2_000);
    await monque.stop();
  });

  test('shares a batch among names that want more than fits', async () => {
    const { monque, clock, events } = makeOne({ defaultConcurrency: 1_000 });
    for (const name of ['a', 'b', 'c']) monque.worker(name, () => undefined);
    await monque.enqueueMany(
      Array.from({ length: 3_000 }, (_, index) => ({ name: ['a', 'b', 'c'][index % 3] ?? 'a' })),
    );
    await monque.start();
    await clock.settle();
    expect(payloads(events, 'job:complete')).toHaveLength(3_000);
    await monque.stop();
  });

  test('waits while the settler is full, and goes on when there is room', async () => {
    const { monque, clock, faulty, events } = makeOne({ defaultConcurrency: 1_000 });
    monque.worker('noop', () => undefined);
    await monque.enqueueMany(Array.from({ length: 15_000 }, () => ({ name: 'noop' })));
    faulty.plan('settle', { fail: 'before' }, 8);
    await monque.start();
    await clock.settle();
    const started = payloads(events, 'job:start').length;
    expect(started).toBeGreaterThanOrEqual(10_000);
    expect(started).toBeLessThan(15_000);
    await clock.advance(60_000);
    expect(payloads(events, 'job:complete')).toHaveLength(15_000);
    await monque.stop();
  });

  test('widens its look when rivals win too often, and narrows it again', async () => {
    const { monque, clock, ledger, faulty } = makeOne({ defaultConcurrency: 2 });
    const widenings: number[] = [];
    const claim = ledger.claim.bind(ledger);
    ledger.claim = async (params) => {
      if (params.suspects) return claim(params);
      widenings.push(params.widening);
      const result = await claim(params);
      return { ...result, attempted: widenings.length < 6 ? 10_000 : result.attempted };
    };
    monque.worker('noop', () => undefined, { concurrency: 1 });
    await monque.enqueueMany(Array.from({ length: 1_500 }, () => ({ name: 'noop' })));
    faulty.plan('claim', {}, 1);
    await monque.start();
    await clock.advance(5_000);
    expect(widenings.slice(0, 5)).toEqual([1, 4, 16, 16, 16]);
    expect(widenings.at(-1)).toBeLessThan(16);
    await monque.stop();
  });

  test('looks at the front again when the queue was worked off, whatever rivals won', async () => {
    const { monque, clock, ledger } = makeOne({ defaultConcurrency: 2 });
    const widenings: number[] = [];
    const claim = ledger.claim.bind(ledger);
    ledger.claim = async (params) => {
      if (params.suspects) return claim(params);
      widenings.push(params.widening);
      return { ...(await claim(params)), attempted: 10_000 };
    };
    monque.worker('noop', () => undefined);
    await monque.enqueueMany(Array.from({ length: 20 }, () => ({ name: 'noop' })));
    await monque.start();
    await clock.advance(5_000);
    expect(Math.max(...widenings)).toBeGreaterThan(1);
    await monque.enqueue('noop');
    await clock.advance(1_000);
    expect(widenings.at(-1)).toBe(1);
    await monque.stop();
  });
});

describe('a claim whose answer was lost', () => {
  test('is read by its token, not sent again, and its jobs run once', async () => {
    const { monque, clock, faulty, events } = makeOne();
    monque.worker('work', () => undefined);
    await monque.enqueueMany(Array.from({ length: 5 }, () => ({ name: 'work' })));
    faulty.plan('claim', { fail: 'after' });
    faulty.plan('readClaim', { fail: 'before' }, 2);
    await monque.start();
    await clock.advance(5_000);
    expect(payloads(events, 'job:complete')).toHaveLength(5);
    expect(payloads(events, 'job:start').every(({ job }) => job.fence === 1)).toBe(true);
    expect(faulty.calls('readClaim')).toBe(3);
    expect(monque.metrics().counters.claimCandidates).toMatchObject([{ value: 5 }]);
    await monque.stop();
  });

  test('is given up when the lease was lost meanwhile; others run its jobs', async () => {
    const { monque, clock, faulty, ledger, events } = makeOne({ leaseDuration: 3_000 });
    monque.worker('work', () => undefined);
    await monque.enqueue('work');
    faulty.plan('claim', { fail: 'after' });
    faulty.plan('readClaim', { fail: 'before' }, 20);
    faulty.plan('readClaims', { fail: 'before' }, 20);
    await monque.start();
    const [lease] = await ledger.readLeases();
    await clock.advance(500);
    await ledger.declareDead({ instanceId: String(lease?.instanceId), counter: 0 });
    await clock.advance(60_000);
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    expect(payloads(events, 'job:start')[0]?.job).toMatchObject({ fence: 2, rescueCount: 1 });
    await monque.stop();
  });

  test('that arrives after the lease went to a new id is given back, not run', async () => {
    const { monque, clock, faulty, ledger, events } = makeOne({
      leaseDuration: 3_000,
      recoverStaleJobs: false,
    });
    monque.worker('work', () => undefined);
    await monque.enqueue('work');
    faulty.plan('claim', { delayAfterMs: 2_500 });
    await monque.start();
    const [lease] = await ledger.readLeases();
    await ledger.declareDead({ instanceId: String(lease?.instanceId), counter: 0 });
    await clock.advance(2_400);
    expect(payloads(events, 'job:start')).toHaveLength(0);
    await clock.advance(5_000);
    expect(payloads(events, 'job:start')[0]?.job).toMatchObject({ fence: 2 });
    expect(payloads(events, 'job:start')[0]?.job.rescueCount).toBeUndefined();
    await monque.stop();
  });

  test('that is refused after it won is read by its token, and keeps its permits until then', async () => {
    const { monque, clock, faulty, events } = makeOne();
    await monque.setLimit('api', { concurrency: 2 });
    const running: string[] = [];
    const gate = deferred();
    monque.worker(
      'work',
      ({ _id }) => {
        running.push(String(_id));
        return gate.promise;
      },
      { concurrency: 5, limits: ['api'] },
    );
    await monque.enqueueMany(Array.from({ length: 5 }, () => ({ name: 'work' })));
    refuseOnce(faulty);
    faulty.plan('readClaim', { fail: 'before' }, 3);
    await monque.start();
    await clock.advance(100);
    const claimed = () => monque.getJobs({ name: 'work', status: 'processing' });
    expect(await claimed()).toHaveLength(2);
    expect(running).toHaveLength(0);
    await clock.advance(10_000);
    expect(await claimed()).toHaveLength(2);
    expect(running).toHaveLength(2);
    gate.resolve();
    await clock.advance(10_000);
    expect(payloads(events, 'job:complete').map(({ job }) => job.fence)).toEqual([1, 1, 1, 1, 1]);
    expect(payloads(events, 'job:error').map(({ error }) => error.message)).toContain('No entry');
    await monque.stop();
  });

  test('that is refused makes the scheduler unhealthy, also while nobody says what it won', async () => {
    const { monque, clock, faulty, events } = makeOne();
    monque.worker('work', () => undefined);
    await monque.enqueue('work');
    refuseOnce(faulty);
    const readClaim = faulty.readClaim.bind(faulty);
    faulty.readClaim = () => Promise.reject(new MonqueError('LEDGER_REFUSED', 'No read'));
    await monque.start();
    await clock.advance(1_000);
    expect(monque.isHealthy()).toBe(false);
    faulty.readClaim = readClaim;
    await clock.advance(5_000);
    expect(monque.isHealthy()).toBe(true);
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    await monque.stop();
  });

  test('that was not sent is not read', async () => {
    const { monque, clock, faulty, events } = makeOne();
    monque.worker('work', () => undefined);
    await monque.enqueue('work');
    const claim = faulty.claim.bind(faulty);
    faulty.claim = async () => {
      faulty.claim = claim;
      throw new ConnectionError('It is closed');
    };
    await monque.start();
    await clock.advance(5_000);
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    expect(faulty.calls('readClaim')).toBe(0);
    await monque.stop();
  });

  test('that fails for another reason is reported, and the next claim comes later', async () => {
    const { monque, clock, faulty, events } = makeOne();
    monque.worker('work', () => undefined);
    await monque.enqueue('work');
    const refuse = () => Promise.reject(new Error('no'));
    faulty.plan('claim', { onArrival: refuse }, 3);
    await monque.start();
    await clock.advance(5_000);
    expect(payloads(events, 'job:error').map(({ error }) => error.message)).toContain('no');
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    await monque.stop();
  });
});

/** Refuses the next claim that wins something, after it did. */
function refuseOnce(faulty: FaultyLedgerRepository): void {
  const claim = faulty.claim.bind(faulty);
  faulty.claim = async (params) => {
    const result = await claim(params);
    if (result.jobs.length === 0) return result;
    faulty.claim = claim;
    throw new MonqueError('LEDGER_REFUSED', 'No entry');
  };
}
