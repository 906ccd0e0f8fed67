import { ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { inWords } from '../../src/diagnosis/explanation.ts';
import { type Explanation, InvalidArgumentError, type Job, Monque } from '../../src/index.ts';
import { InMemoryLedgerRepository } from '../../src/ledger/memory/in-memory-ledger-repository.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { deferred, makeOne, makeWorld, type TestInstance, type TestWorld } from './kit.ts';
import { NAME, openInstance, type SituationWorld } from './situation-world.ts';
import { SITUATIONS } from './situations.ts';

/** Lets in what another tool would have written into a database. */
class OpenLedger extends InMemoryLedgerRepository {
  async putForeign(job: Job): Promise<void> {
    await this.verbs.enqueue({ jobs: [job] });
  }
}

function setUp(): SituationWorld & { readonly clock: ManualClock } {
  const clock = new ManualClock();
  const ledger = new OpenLedger({ clock });
  return {
    clock,
    ledger,
    monque: new Monque(ledger, { clock }),
    putForeign: (job) => ledger.putForeign(job),
    at: (ms) => new Date(clock.now() + ms),
  };
}

describe('explain finds, in memory,', () => {
  for (const { name, arrange, reason, others, details } of SITUATIONS) {
    test(`${name}: ${[reason, ...(others ?? [])].join(', ')}`, async () => {
      const world = setUp();
      const jobId = await arrange(world);
      const explanation = await world.monque.explain(jobId);
      expect(explanation).toMatchObject({ jobId, reason });
      if (others) expect(explanation.others.map((other) => other.reason)).toEqual(others);
      if (details) expect(explanation.details).toMatchObject(details);
      expect(explanation.message).toMatch(/^[A-Z].*[^.]$/s);
      expect(explanation.message).not.toContain('secret');
    });
  }

  test('in each situation the state of the job', async () => {
    const states = new Set<string>();
    for (const { arrange } of SITUATIONS) {
      const world = setUp();
      const jobId = await arrange(world);
      const { state } = await world.monque.explain(jobId);
      const job = await world.monque.getJob(jobId);
      expect(state).toBe(job?.status ?? 'missing');
      states.add(state);
    }
    expect(states.size).toBeGreaterThan(6);
  });
});

describe('explain says in words', () => {
  async function messageOf(name: string): Promise<string> {
    const situation = SITUATIONS.find((candidate) => candidate.name === name);
    if (situation === undefined) throw new Error(`Expected a situation named ${name}`);
    const world = setUp();
    return (await world.monque.explain(await situation.arrange(world))).message;
  }

  test('when a job is due, and why not sooner', async () => {
    expect(await messageOf('a job that failed and waits for its retry')).toMatch(
      /^After 1 failed run it is due at [\dT:.-]+Z, in 10 minutes: Boom$/,
    );
    expect(await messageOf('a job for a later time')).toContain('in 10 minutes');
  });

  test('how a job ended', async () => {
    expect(await messageOf('a job that failed for good')).toMatch(
      /^It failed for good at [\dT:.-]+Z after 1 failed run: Boom$/,
    );
    expect(await messageOf('a job that completed')).toMatch(/^It completed at [\dT:.-]+Z$/);
  });

  test('where a job runs, and when the lease of that instance ends', async () => {
    const message = await messageOf('a job that runs in a live instance');
    expect(message).toMatch(/ in instance instance-a \(host-a, pid 42\), whose lease ends in 29 s/);
  });

  test('when the jobs of a dead instance are given back', async () => {
    expect(await messageOf('a job of a dead instance')).toMatch(/within about 9 seconds$/);
    const silent = await messageOf('a job of an instance that does not renew its lease');
    expect(silent).toContain('has been silent since its lease ended 10 seconds ago');
  });

  test('spans of time in the unit that fits', () => {
    const spans = [-5, 0, 1_999, 2_000, 119_999, 120_000, 7_200_000, 172_800_000];
    expect(spans.map(inWords)).toEqual([
      ...['0 ms', '0 ms', '1999 ms', '2 seconds', '120 seconds', '2 minutes', '2 hours', '2 days'],
    ]);
  });
});

describe('explain, where nobody gives jobs back,', () => {
  test('says so, of a dead instance and of another tool', async () => {
    for (const name of [
      'a job of a dead instance',
      'a job that a tool without a lease has locked',
    ]) {
      const world = setUp();
      const situation = SITUATIONS.find((candidate) => candidate.name === name);
      const jobId = await situation?.arrange(world);
      for (const { instanceId, counter } of await world.ledger.readLeases()) {
        await world.ledger.declareDead({ instanceId, counter });
      }
      await openInstance(world, { recoverStaleJobs: false }, 'instance-z');
      const { message, details } = await world.monque.explain(String(jobId));
      expect(message).toContain('no live instance gives jobs back');
      expect(details).not.toHaveProperty('givenBackWithinMs');
      expect(details).not.toHaveProperty('givenBackAt');
    }
  });
});

describe('explain, in the process that runs the job,', () => {
  test('knows whether its handler runs, however short a time', async () => {
    const { monque, clock } = makeOne();
    const gate = deferred();
    monque.worker(NAME, () => gate.promise);
    await monque.start();
    const job = await monque.enqueue(NAME);
    await clock.settle();
    expect(await explained(monque, clock, job)).toMatchObject({ reason: 'running' });
    gate.resolve();
    await clock.settle();
    expect(await explained(monque, clock, job)).toMatchObject({ reason: 'completed' });
    await monque.stop();
  });

  test('knows that the end of its run is not recorded yet', async () => {
    const { monque, clock, faulty } = makeOne();
    monque.worker(NAME, () => 1);
    await monque.start();
    faulty.plan('settle', { fail: 'before' }, 3);
    const job = await monque.enqueue(NAME);
    await clock.settle();
    expect(await explained(monque, clock, job)).toMatchObject({ reason: 'ending' });
    await clock.advance(5_000);
    await monque.stop();
  });

  test('knows that it was claimed ahead and waits for a slot', async () => {
    const { monque, clock } = makeOne();
    const gate = deferred();
    let slow = false;
    monque.worker(NAME, () => (slow ? gate.promise : undefined), { concurrency: 1 });
    await monque.start();
    await monque.enqueueMany(Array.from({ length: 50 }, () => ({ name: NAME })));
    await clock.settle();
    slow = true;
    const entries = await monque.enqueueMany(Array.from({ length: 50 }, () => ({ name: NAME })));
    await clock.settle();
    const reasons = new Set<string>();
    for (const entry of entries) {
      if ('job' in entry) reasons.add((await explained(monque, clock, entry.job)).reason);
    }
    expect(reasons).toContain('starting');
    expect(reasons).toContain('running');
    gate.resolve();
    await monque.stop();
  });

  test('knows the batch that it gathers in: its jobs, its size, and until when', async () => {
    const { monque, clock } = makeOne();
    const gate = deferred();
    monque.worker(NAME, { batch: () => gate.promise, size: 3, wait: 60_000 }, { concurrency: 9 });
    await monque.start();
    const first = await monque.enqueue(NAME);
    await clock.advance(10_000);
    expect(await explained(monque, clock, first)).toMatchObject({
      ...{ state: 'processing', reason: 'gathering', others: [] },
      details: { jobs: 1, size: 3, inMs: expect.closeTo(50_000, -4), startsAt: expect.any(Date) },
      message: expect.stringMatching(
        /^It is in a batch that gathers in instance .+, it alone so far; that starts with 3 jobs, or with those it has at [\dT:.-]+Z, in \d+ seconds, when there is a slot$/,
      ),
    });
    const second = await monque.enqueue(NAME);
    await clock.advance(1_000);
    const { message, details } = await explained(monque, clock, second);
    expect(message).toContain(', 2 jobs so far, it among them;');
    expect(details).toMatchObject({ jobs: 2, size: 3, inMs: expect.closeTo(49_000, -4) });
    const { reasons } = await monque.explainMany({ name: NAME });
    expect(reasons).toMatchObject([{ reason: 'gathering', count: 2 }]);
    await monque.enqueue(NAME);
    await clock.advance(1_000);
    expect(await explained(monque, clock, second)).toMatchObject({ reason: 'running' });
    gate.resolve();
    await monque.stop();
  });

  test('knows that it never heard of a claim whose answer was lost', async () => {
    const { monque, clock, ledger } = makeOne();
    await monque.start();
    const job = await monque.enqueue(NAME);
    const [lease] = await ledger.readLeases();
    const claim = { instanceId: lease?.instanceId ?? '', claimToken: 'lost', suspects: false };
    const demand = [{ name: NAME, limit: 1 }];
    await ledger.claim({ ...claim, demand, now: new Date(clock.now()), widening: 1 });
    expect(await explained(monque, clock, job)).toMatchObject({ reason: 'strayClaim' });
    await monque.stop();
  });

  test('knows of a worker that was added since the lease was renewed last', async () => {
    const { monque, clock } = makeOne();
    await monque.start();
    await monque.pause(NAME);
    const job = await monque.enqueue(NAME);
    const before = await explained(monque, clock, job);
    expect([before.reason, ...before.others.map(({ reason }) => reason)]).toEqual([
      ...['paused', 'noWorker'],
    ]);
    monque.worker(NAME, () => undefined);
    expect((await explained(monque, clock, job)).others).toEqual([]);
    await monque.stop();
  });
});

describe('explain, in another process,', () => {
  test('goes by what the instance said with its last renewal', async () => {
    const world = makeWorld();
    const worker = world.makeInstance({ leaseDuration: 3_000 });
    const asking = world.makeInstance();
    const gate = deferred();
    worker.monque.worker(NAME, () => gate.promise, { concurrency: 1 });
    await worker.monque.start();
    await worker.monque.enqueue(NAME);
    const second = await asking.monque.enqueue(NAME);
    await world.clock.advance(1_500);
    expect(await explained(asking.monque, world.clock, second)).toMatchObject({
      reason: 'atLimit',
      details: { instances: [{ running: 1, concurrency: 1, pid: process.pid }] },
    });
    worker.network.down = true;
    await world.clock.advance(10_000);
    expect((await explained(asking.monque, world.clock, second)).reason).toBe('noInstance');
    worker.network.down = false;
    gate.resolve();
    await world.clock.advance(10_000);
    await worker.monque.stop();
  });
});

describe('explain, when something is wrong with the question or the ledger,', () => {
  test('refuses what is no id', async () => {
    const { monque } = makeOne();
    await expect(monque.explain('nonsense')).rejects.toBeInstanceOf(InvalidArgumentError);
  });

  test('says that the ledger does not answer', async () => {
    const one = makeOne();
    await one.monque.initialize();
    one.network.down = true;
    const explanation = await one.monque.explain(new ObjectId());
    expect(explanation).toMatchObject({ state: 'unknown', reason: 'unreachable', others: [] });
    expect(explanation.message).toContain('the ledger does not answer');
  });

  test('reports any other error as it is', async () => {
    const { monque, faulty }: TestWorld & TestInstance = makeOne();
    faulty.plan('getJob', { onArrival: () => Promise.reject(new Error('bug')) });
    await expect(monque.explain(new ObjectId())).rejects.toThrow('bug');
  });
});

/** Calls of a scheduler in memory take a turn of its clock. */
async function explained(monque: Monque, clock: ManualClock, job: Job): Promise<Explanation> {
  const explanation = monque.explain(job._id);
  await clock.settle();
  return explanation;
}
