import { describe, expect, test } from 'vitest';
import type { Job } from '../../src/index.ts';
import { deferred, makeWorld, payloads } from './kit.ts';

const LEASE = 3_000;
/** Lease, margin of a sixth, and two rounds of three tenths, with room for the calls themselves. */
const RESCUED_AFTER = 6_000;

/** One instance that holds a job whose handler never ends, and one that may rescue it. */
async function makePair(options: { rescueLimit?: number } = {}) {
  const world = makeWorld();
  const holder = world.makeInstance({ leaseDuration: LEASE, ...options });
  const other = world.makeInstance({ leaseDuration: LEASE, ...options });
  const held = deferred();
  holder.monque.worker('work', () => held.promise);
  await holder.monque.start();
  const job = await holder.monque.enqueue('work');
  await world.clock.settle();
  const runs: Job[] = [];
  other.monque.worker('work', (rescued) => {
    runs.push(rescued);
  });
  await other.monque.start();
  return { ...world, holder, other, held, job, runs };
}

/** The instance goes silent, as a process does that was killed. */
function kill({ holder }: Awaited<ReturnType<typeof makePair>>): void {
  holder.network.down = true;
}

describe('the jobs of an instance', () => {
  test('stay its own as long as it renews its lease, however long they run', async () => {
    const pair = await makePair();
    await pair.clock.advance(600_000);
    expect(pair.runs).toHaveLength(0);
    pair.held.resolve();
    await pair.clock.settle();
    expect(payloads(pair.holder.events, 'job:complete')).toHaveLength(1);
    await Promise.all([pair.holder.monque.stop(), pair.other.monque.stop()]);
    expect(pair.clock.pendingTimers).toBe(0);
  });

  test('run elsewhere soon after it died, with a higher fence', async () => {
    const pair = await makePair();
    kill(pair);
    await pair.clock.advance(RESCUED_AFTER);
    expect(pair.runs).toMatchObject([{ fence: 2, rescueCount: 1 }]);
    expect(await pair.other.monque.getJob(pair.job._id)).toMatchObject({ status: 'completed' });
  });

  test('a dead instance cannot complete a rescued job', async () => {
    const pair = await makePair();
    kill(pair);
    await pair.clock.advance(RESCUED_AFTER);
    const before = await pair.ledger.getJob({ jobId: pair.job._id });
    const [claimed] = payloads(pair.holder.events, 'job:start');
    const { answers } = await pair.ledger.settle({
      settlements: [
        {
          verb: 'complete',
          jobId: pair.job._id,
          claimToken: String(claimed?.job.claimToken),
          fence: 1,
        },
      ],
      now: new Date(pair.clock.now()),
    });
    expect(answers).toEqual(['unknown']);
    expect(await pair.ledger.getJob({ jobId: pair.job._id })).toEqual(before);
  });

  test('a run that was paused beyond its lease learns that it lost the job', async () => {
    const pair = await makePair();
    pair.holder.faulty.plan('renewLease', { delayBeforeMs: 8_000 }, 20);
    await pair.clock.advance(RESCUED_AFTER);
    expect(pair.runs).toHaveLength(1);
    pair.held.resolve();
    await pair.clock.advance(10_000);
    expect(payloads(pair.holder.events, 'job:lost')).toMatchObject([
      { job: { _id: pair.job._id } },
    ]);
    expect(payloads(pair.holder.events, 'job:complete')).toHaveLength(0);
  });

  test('that never started are given back by a rescue too', async () => {
    const world = makeWorld();
    const holder = world.makeInstance({ leaseDuration: LEASE });
    const other = world.makeInstance({ leaseDuration: LEASE });
    await holder.monque.enqueue('work');
    holder.monque.worker('work', () => undefined);
    holder.faulty.plan('claim', { fail: 'after' });
    holder.faulty.plan('readClaim', { fail: 'before' }, 10_000);
    holder.faulty.plan('readClaims', { fail: 'before' }, 10_000);
    await holder.monque.start();
    await world.clock.settle();
    holder.faulty.plan('renewLease', { fail: 'before' }, 10_000);
    other.monque.worker('work', () => undefined);
    await other.monque.start();
    await world.clock.advance(RESCUED_AFTER);
    expect(payloads(other.events, 'job:complete')).toHaveLength(1);
  });
});

describe('a rescue', () => {
  test('is not made where recoverStaleJobs is false', async () => {
    const world = makeWorld();
    const holder = world.makeInstance({ leaseDuration: LEASE });
    const other = world.makeInstance({ leaseDuration: LEASE, recoverStaleJobs: false });
    holder.monque.worker('work', () => deferred().promise);
    await holder.monque.start();
    const { _id } = await holder.monque.enqueue('work');
    await world.clock.settle();
    holder.network.down = true;
    other.monque.worker('work', () => undefined);
    await other.monque.start();
    await world.clock.advance(60_000);
    expect(await other.monque.getJob(_id)).toMatchObject({ status: 'processing' });
  });

  test('an outage rescues nobody: when the ledger answers again, all go on', async () => {
    const pair = await makePair();
    for (const { network } of [pair.holder, pair.other]) network.down = true;
    await pair.clock.advance(30_000);
    for (const { network } of [pair.holder, pair.other]) network.down = false;
    pair.held.resolve();
    await pair.clock.advance(60_000);
    expect(pair.runs).toHaveLength(0);
    expect(payloads(pair.holder.events, 'job:complete')).toHaveLength(1);
  });

  test('a step of the wall clock kills nobody', async () => {
    const pair = await makePair();
    pair.clock.jumpWall(3_600_000);
    await pair.clock.advance(30_000);
    pair.clock.jumpWall(-7_200_000);
    await pair.clock.advance(30_000);
    expect(pair.runs).toHaveLength(0);
  });

  test('of a claim whose cancellation was asked for ends the job as cancelled', async () => {
    const pair = await makePair();
    kill(pair);
    await pair.other.monque.cancelJob(pair.job._id);
    await pair.clock.advance(RESCUED_AFTER);
    expect(await pair.other.monque.getJob(pair.job._id)).toMatchObject({ status: 'cancelled' });
    expect(pair.runs).toHaveLength(0);
  });

  test('at the limit ends the job as failed, with the reason', async () => {
    const pair = await makePair({ rescueLimit: 1 });
    kill(pair);
    await pair.clock.advance(RESCUED_AFTER);
    expect(await pair.other.monque.getJob(pair.job._id)).toMatchObject({
      status: 'failed',
      rescueCount: 1,
      failReason: 'The instance that ran it died 1 times',
    });
  });

  test('takes the record of a dead instance away once it owns nothing', async () => {
    const pair = await makePair();
    kill(pair);
    await pair.clock.advance(RESCUED_AFTER + LEASE);
    const leases = await pair.ledger.readLeases();
    expect(leases).toHaveLength(1);
    expect(leases[0]?.status).toBe('live');
  });

  test('has nothing to do for an instance that stopped in order', async () => {
    const world = makeWorld();
    const leaver = world.makeInstance({ leaseDuration: LEASE });
    const stayer = world.makeInstance({ leaseDuration: LEASE });
    await leaver.monque.start();
    await stayer.monque.start();
    await world.clock.advance(LEASE);
    await leaver.monque.stop();
    await world.clock.advance(LEASE);
    expect(stayer.faulty.calls('rescue')).toBeLessThanOrEqual(1);
    expect(stayer.faulty.calls('removeLease')).toBe(0);
    await stayer.monque.stop();
  });

  test('finds the ghost claim that a dead instance sent before it knew', async () => {
    const pair = await makePair();
    const [claimed] = payloads(pair.holder.events, 'job:start');
    kill(pair);
    await pair.clock.advance(RESCUED_AFTER + LEASE);
    const ghost = await pair.other.monque.enqueue('ghost');
    await pair.ledger.claim({
      demand: [{ name: 'ghost', limit: 1 }],
      instanceId: String(claimed?.job.claimedBy),
      claimToken: 'ghost-token',
      now: new Date(pair.clock.now()),
      suspects: false,
      widening: 1,
    });
    expect(await pair.other.monque.getJob(ghost._id)).toMatchObject({ status: 'processing' });
    await pair.clock.advance(LEASE);
    expect(await pair.other.monque.getJob(ghost._id)).toMatchObject({ status: 'pending' });
  });

  test('frees more claims than one call covers', async () => {
    const world = makeWorld();
    const { monque } = world.makeInstance({ leaseDuration: LEASE });
    await monque.enqueueMany(Array.from({ length: 2_500 }, () => ({ name: 'work' })));
    await world.ledger.claim({
      demand: [{ name: 'work', limit: 2_500 }],
      instanceId: 'gone',
      claimToken: 'token',
      now: new Date(world.clock.now()),
      suspects: false,
      widening: 1,
    });
    await monque.start();
    await world.clock.settle();
    expect(await world.ledger.readClaims({ instanceId: 'gone', limit: 1 })).toHaveLength(0);
    await monque.stop();
  });

  test('adapts to an instance whose lease is shorter than its own', async () => {
    const world = makeWorld();
    const holder = world.makeInstance({ leaseDuration: 1_000 });
    const other = world.makeInstance({ leaseDuration: 60_000 });
    holder.monque.worker('work', () => deferred().promise);
    await holder.monque.start();
    await holder.monque.enqueue('work');
    await world.clock.settle();
    other.monque.worker('work', () => undefined);
    await other.monque.start();
    holder.network.down = true;
    await world.clock.advance(3_000);
    expect(payloads(other.events, 'job:complete')).toHaveLength(1);
    await other.monque.stop();
  });
});

describe('a poison job', () => {
  test('ends failed without taking its innocent neighbours along', async () => {
    const world = makeWorld();
    const options = { leaseDuration: LEASE, defaultConcurrency: 10 };
    let poisoned = 0;
    const innocentRuns = new Map<string, number>();
    const makeVictim = async () => {
      const victim = world.makeInstance(options);
      let dead = false;
      const die = () => {
        dead = true;
        victim.network.down = true;
      };
      victim.monque.worker('poison', () => {
        poisoned += 1;
        die();
        return deferred().promise;
      });
      victim.monque.worker('innocent', async (job) => {
        const id = job._id.toHexString();
        innocentRuns.set(id, (innocentRuns.get(id) ?? 0) + 1);
        if (dead) await deferred().promise;
      });
      await victim.monque.start();
      return victim;
    };
    const producer = world.makeInstance();
    const poison = await producer.monque.enqueue('poison', 1, { priority: -1 });
    const innocents = await producer.monque.enqueueMany(
      Array.from({ length: 30 }, () => ({ name: 'innocent' })),
    );
    for (let round = 0; round < 8; round += 1) {
      await makeVictim();
      await world.clock.advance(8_000);
    }
    expect(await producer.monque.getJob(poison._id)).toMatchObject({
      status: 'failed',
      rescueCount: 5,
    });
    expect(poisoned).toBe(5);
    for (const innocent of innocents) {
      const { _id } = 'error' in innocent ? poison : innocent.job;
      expect(await producer.monque.getJob(_id)).toMatchObject({ status: 'completed' });
    }
  });
});
