import { type ClientSession, ObjectId } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { ConnectionError, UnknownOutcomeError } from '../foundation/errors.ts';
import type { Job } from '../job/job.ts';
import type { LedgerHint } from '../ledger/ledger-repository.ts';
import { InMemoryLedgerRepository } from '../ledger/memory/in-memory-ledger-repository.ts';
import { type CarriedOutCall, type FaultyCall, type FaultyVerb, seededFaults } from './faults.ts';
import { type FaultyLedgerOptions, FaultyLedgerRepository } from './faulty-ledger-repository.ts';
import { makeJob } from './job-factory.ts';
import { MANUAL_CLOCK_START, ManualClock } from './manual-clock.ts';
import { SeededRandom } from './seeded-random.ts';

const now = MANUAL_CLOCK_START;
const instanceId = 'instance';

function setUp(options: Partial<FaultyLedgerOptions> = {}) {
  const clock = new ManualClock();
  const ledger = new InMemoryLedgerRepository({ clock });
  // In memory there are no transactions to take part in.
  ledger.completeInSession = async () => true;
  const faulty = new FaultyLedgerRepository(ledger, { clock, ...options });
  return { clock, ledger, faulty };
}

function makeJobs(count: number): Job[] {
  return Array.from({ length: count }, () => makeJob({ nextRunAt: now }));
}

function claimParams(claimToken: string, limit = 10) {
  const demand = [{ name: makeJob().name, limit }];
  return { demand, instanceId, claimToken, now, suspects: false, widening: 1 };
}

async function claimSome(faulty: FaultyLedgerRepository, count: number): Promise<readonly Job[]> {
  await faulty.enqueue({ jobs: makeJobs(count) });
  return (await faulty.claim(claimParams('token'))).jobs;
}

function toComplete(job: Job) {
  return { verb: 'complete', jobId: job._id, claimToken: 'token', fence: job.fence } as const;
}

/** One call of every verb. */
function callsOf(faulty: FaultyLedgerRepository): Record<FaultyVerb, () => Promise<unknown>> {
  const jobId = new ObjectId();
  const settlement = { verb: 'complete', jobId, claimToken: 'other', fence: 1 } as const;
  const session = {} as ClientSession;
  return {
    readTime: () => faulty.readTime(),
    enqueue: () => faulty.enqueue({ jobs: makeJobs(1) }),
    claim: () => faulty.claim(claimParams('other')),
    readClaim: () => faulty.readClaim({ instanceId, claimToken: 'other' }),
    openFlow: () => {
      const flow = { flowId: jobId, state: 'storing', createdAt: now, size: 1 } as const;
      return faulty.openFlow({ flow, createdBefore: now });
    },
    closeFlow: () => faulty.closeFlow({ flowId: jobId, state: 'stored' }),
    readFlow: () => faulty.readFlow({ flowId: jobId }),
    readFlows: () => faulty.readFlows({ limit: 1 }),
    releaseWaiting: () => faulty.releaseWaiting({ tokens: [], now, limit: 1 }),
    sweepFlows: () => faulty.sweepFlows({ limit: 1, createdBefore: now }),
    settle: () => faulty.settle({ settlements: [], now }),
    cancel: () => faulty.cancel({ jobId, now }),
    remove: () => faulty.remove({ jobId }),
    redrive: () => faulty.redrive({ jobId, now, nextRunAt: now }),
    amend: () => faulty.amend({ jobId, changes: {}, now }),
    replan: () => faulty.replan({ jobId, series: { repeatInterval: '* * * * *' }, now }),
    endSeries: () => faulty.endSeries({ jobId, now }),
    findSeries: () => faulty.findSeries({ limit: 1 }),
    setMetadata: () => faulty.setMetadata({ jobId, changes: {}, now }),
    repair: () => {
      const seen = { status: 'pending', fence: 0, updatedAt: now } as const;
      return faulty.repair({ jobId, seen, changes: {}, rule: 'status', now });
    },
    readHistory: () => faulty.readHistory({ jobId, limit: 1 }),
    note: () => faulty.note({ jobId, claimToken: 'other', now }),
    checkpoint: () =>
      faulty.checkpoint({
        jobId,
        claimToken: 'other',
        record: { name: 'a', at: now },
        stagesBefore: [],
        gatesBefore: [],
        now,
      }),
    openGate: () => faulty.openGate({ jobId, record: { name: 'a', at: now, evidence: 1 }, now }),
    expireGates: () => faulty.expireGates({ now, limit: 1 }),
    completeInSession: () => faulty.completeInSession({ settlement, now, session }),
    findJobs: () =>
      faulty.findJobs({ filter: {}, orderBy: '_id', direction: 'ascending', limit: 1 }),
    readStats: () => faulty.readStats({ now }),
    setLimit: () => faulty.setLimit({ key: 'a', now }),
    readLimits: () => faulty.readLimits(),
    takeShare: () =>
      faulty.takeShare({ key: 'a', instanceId, seq: 1, count: 1, wants: 0, starts: 0 }),
    freeShares: () => faulty.freeShares({ instanceId }),
    backOff: () => faulty.backOff({ key: 'a', until: now }),
    claimOrders: () =>
      faulty.claimOrders({
        demand: [],
        ...{ instanceId, claimToken: 'other', now, suspects: false },
      }),
    readOrders: () => faulty.readOrders({ name: 'a', halted: false, limit: 1 }),
    findAhead: () => faulty.findAhead({ name: 'a', lane: 'b' }),
    sweepOrders: () => faulty.sweepOrders({ usedBefore: now, limit: 1 }),
    claimGroups: () =>
      faulty.claimGroups({
        demand: [],
        ...{ instanceId, claimToken: 'other', now, suspects: false },
      }),
    setGroup: () => faulty.setGroup({ name: 'a', concurrency: 1, now }),
    readGroups: () => faulty.readGroups({ name: 'a', limit: 1, now }),
    setPaused: () => faulty.setPaused({ name: 'a', paused: true, now }),
    readPaused: () => faulty.readPaused(),
    recover: () => faulty.recover({ staleBefore: now, now, limit: 1 }),
    prune: () =>
      faulty.prune({ finishedBefore: {}, createdBefore: now, limit: 1, archive: false, now }),
    getJob: () => faulty.getJob({ jobId }),
    nextDue: () => faulty.nextDue({ names: [], after: now, until: now }),
    openLease: () => faulty.openLease({ instanceId, leaseDurationMs: 1_000 }),
    renewLease: () => faulty.renewLease({ instanceId }),
    readLeases: () => faulty.readLeases(),
    declareDead: () => faulty.declareDead({ instanceId, counter: 1 }),
    endLease: () => faulty.endLease({ instanceId }),
    removeLease: () => faulty.removeLease({ instanceId }),
    findClaimants: () => faulty.findClaimants({ except: [] }),
    readClaims: () => faulty.readClaims({ instanceId, limit: 1 }),
    countClaims: () => faulty.countClaims({ limit: 1 }),
    countJobs: () => faulty.countJobs({ filter: {}, limit: 1 }),
    addThroughput: () => faulty.addThroughput({ rows: [], keptMs: 1 }),
    readThroughput: () =>
      faulty.readThroughput({ from: now, before: now, stepMs: 60_000, limit: 1 }),
    countDue: () => faulty.countDue({ now, mostNames: 1, mostJobs: 1 }),
    rescue: () => faulty.rescue({ deadInstanceId: instanceId, rescueLimit: 1, now, limit: 1 }),
    hint: async () => {
      const hints: LedgerHint[] = [];
      const watch = await faulty.watch((hint) => hints.push(hint));
      await faulty.enqueue({ jobs: makeJobs(1) });
      await watch.close();
      if (hints.length === 0) throw new ConnectionError('No hint came');
    },
  };
}

const READS = new Set<string>([
  'readHistory',
  'readTime',
  'readClaim',
  'getJob',
  'nextDue',
  'readLeases',
  'findClaimants',
  'readClaims',
  'countClaims',
  'countDue',
  'countJobs',
  'readThroughput',
  'findSeries',
  'findJobs',
  'readStats',
  'readPaused',
  'readLimits',
  'readOrders',
  'findAhead',
  'readGroups',
  'readFlow',
  'readFlows',
  'hint',
]);
const VERBS = Object.keys(callsOf(setUp().faulty)) as FaultyVerb[];

describe('A faulty ledger', () => {
  it.each(VERBS)('hands %s on and counts it', async (verb) => {
    const { faulty } = setUp();
    await expect(callsOf(faulty)[verb]()).resolves.not.toThrow();
    expect(faulty.calls(verb)).toBe(1);
  });

  it.each(VERBS)('fails %s as a real ledger does', async (verb) => {
    const { faulty } = setUp();
    const error = READS.has(verb) ? ConnectionError : UnknownOutcomeError;
    for (const fail of ['before', 'after', 'partial'] as const) {
      faulty.plan(verb, { fail });
      await expect(callsOf(faulty)[verb]()).rejects.toBeInstanceOf(error);
    }
  });

  it('opens and closes the ledger behind it', async () => {
    const { faulty } = setUp();
    await faulty.open();
    await expect(faulty.close()).resolves.toBeUndefined();
  });

  it('loses a request, or carries it out and loses the answer', async () => {
    const { faulty, ledger } = setUp();
    faulty.plan('enqueue', { fail: 'before' });
    await expect(faulty.enqueue({ jobs: makeJobs(2) })).rejects.toThrow(/on purpose/);
    expect(ledger.size).toBe(0);
    faulty.plan('enqueue', { fail: 'after' });
    await expect(faulty.enqueue({ jobs: makeJobs(2) })).rejects.toThrow(/on purpose/);
    expect(ledger.size).toBe(2);
  });

  it('carries a part of a batch out and loses the answer', async () => {
    const { faulty, ledger } = setUp();
    faulty.plan('enqueue', { fail: 'partial' });
    await expect(faulty.enqueue({ jobs: makeJobs(5) })).rejects.toBeInstanceOf(UnknownOutcomeError);
    expect(ledger.size).toBe(3);
    faulty.plan('claim', { fail: 'partial' });
    await expect(faulty.claim(claimParams('token', 2))).rejects.toBeInstanceOf(UnknownOutcomeError);
    const claimed = await ledger.readClaim({ instanceId, claimToken: 'token' });
    expect(claimed).toHaveLength(1);
    await expect(faulty.claim(claimParams('token'))).resolves.toMatchObject({ attempted: 2 });
    faulty.plan('rescue', { fail: 'partial' });
    const rescue = { deadInstanceId: instanceId, rescueLimit: 2, now, limit: 10 };
    await expect(faulty.rescue(rescue)).rejects.toBeInstanceOf(UnknownOutcomeError);
    expect(await faulty.rescue(rescue)).toMatchObject({ pending: 2 });
  });

  it('looks at one job alone when a part of a prune is carried out', async () => {
    const { faulty, ledger } = setUp();
    const jobs = await claimSome(faulty, 3);
    await faulty.settle({ settlements: jobs.map(toComplete), now });
    faulty.plan('prune', { fail: 'partial' });
    const later = new Date(now.getTime() + 60_000);
    const finishedBefore = { completed: later };
    const params = { finishedBefore, createdBefore: later, limit: 10, archive: false, now: later };
    await expect(faulty.prune(params)).rejects.toBeInstanceOf(UnknownOutcomeError);
    expect(ledger.size).toBe(2);
    expect(await faulty.prune(params)).toEqual({ pruned: 2 });
  });

  it('carries a batch out in two parts, with time for others in between', async () => {
    const { faulty, ledger, clock } = setUp();
    faulty.plan('enqueue', { splitMs: 20 });
    const enqueued = faulty.enqueue({ jobs: makeJobs(3) });
    await clock.advance(19);
    expect(ledger.size).toBe(2);
    await clock.advance(1);
    expect((await enqueued).answers).toHaveLength(3);
  });

  it('joins the answers of a settle that was carried out in two parts', async () => {
    const { faulty, clock } = setUp();
    const jobs = await claimSome(faulty, 3);
    faulty.plan('settle', { splitMs: 5 });
    const settled = faulty.settle({ settlements: jobs.map(toComplete), now });
    await clock.advance(5);
    expect(await settled).toEqual({ answers: ['settled', 'settled', 'settled'] });
  });

  it('carries out as a whole what cannot be split', async () => {
    const { faulty } = setUp();
    faulty.plan('claim', { splitMs: 5 });
    expect(await claimSome(faulty, 2)).toHaveLength(2);
  });

  it('delays requests and answers', async () => {
    const { faulty, clock, ledger } = setUp();
    faulty.plan('enqueue', { delayBeforeMs: 10, delayAfterMs: 20 });
    let answered = false;
    const enqueued = faulty.enqueue({ jobs: makeJobs(1) }).then(() => {
      answered = true;
    });
    await clock.advance(9);
    expect(ledger.size).toBe(0);
    await clock.advance(20);
    expect([ledger.size, answered]).toEqual([1, false]);
    await clock.advance(1);
    expect(answered).toBe(true);
    await enqueued;
  });

  it('is as late with an error of the ledger as with an answer, or loses it', async () => {
    const { faulty, clock, ledger } = setUp();
    ledger.settle = async () => {
      throw new ConnectionError('refused');
    };
    faulty.plan('settle', { delayAfterMs: 20 });
    let thrown: unknown;
    const settled = faulty.settle({ settlements: [], now }).catch((error) => {
      thrown = error;
    });
    await clock.advance(19);
    expect(thrown).toBeUndefined();
    await clock.advance(1);
    await settled;
    expect(thrown).toMatchObject({ message: 'refused' });
    faulty.plan('settle', { fail: 'after' });
    await expect(faulty.settle({ settlements: [], now })).rejects.toThrow(UnknownOutcomeError);
  });

  it('lets requests travel on while the clock of the caller stands still', async () => {
    const networkClock = new ManualClock();
    const { faulty, ledger } = setUp({ networkClock });
    faulty.plan('enqueue', { delayBeforeMs: 10 });
    const enqueued = faulty.enqueue({ jobs: makeJobs(1) });
    await networkClock.advance(10);
    await enqueued;
    expect(ledger.size).toBe(1);
  });

  it('calls back when a call arrives and when its answer is there', async () => {
    const { faulty, ledger } = setUp();
    const sizes: number[] = [];
    const note = (): void => {
      sizes.push(ledger.size);
    };
    faulty.plan('enqueue', { onArrival: note, onReply: note }, 2);
    await faulty.enqueue({ jobs: makeJobs(1) });
    await faulty.enqueue({ jobs: makeJobs(1) });
    await faulty.enqueue({ jobs: makeJobs(1) });
    expect(sizes).toEqual([0, 1, 1, 2]);
  });

  it('delays hints, and passes the others on at once', async () => {
    const { faulty, clock } = setUp();
    const kinds: string[] = [];
    const watch = await faulty.watch(({ kind }) => kinds.push(kind));
    await clock.settle();
    expect(kinds).toEqual(['opened']);
    faulty.plan('hint', { delayBeforeMs: 10 });
    await faulty.enqueue({ jobs: makeJobs(1) });
    expect(kinds).toEqual(['opened']);
    await clock.advance(10);
    expect(kinds).toEqual(['opened', 'due']);
    await watch.close();
  });

  it('reports every call as it was carried out, so that the same can be done again', async () => {
    const calls: CarriedOutCall[] = [];
    const { faulty, ledger } = setUp({ onCarriedOut: (call) => calls.push(call) });
    faulty.plan('settle', { fail: 'partial' });
    faulty.plan('cancel', { fail: 'before' });
    const jobs = await claimSome(faulty, 2);
    await faulty.settle({ settlements: jobs.map(toComplete), now }).catch(() => undefined);
    await faulty.cancel({ jobId: new ObjectId(), now }).catch(() => undefined);
    expect(calls.map(({ verb }) => verb)).toEqual(['enqueue', 'claim', 'settle']);
    const other = new InMemoryLedgerRepository();
    for (const { verb, params, answer } of calls) {
      const replay = other[verb as 'enqueue'].bind(other) as (params: unknown) => Promise<unknown>;
      expect(await replay(params)).toEqual(answer);
    }
    expect(other.size).toBe(ledger.size);
  });
});

describe('Seeded faults', () => {
  const rates = { failBefore: 0.2, failAfter: 0.2, failPartial: 0.2, delayMs: 10 };
  const call: FaultyCall = { verb: 'claim', params: {} };

  it('are the same for the same seed', () => {
    const [one, other] = [
      seededFaults(new SeededRandom(7), rates),
      seededFaults(new SeededRandom(7), rates),
    ];
    for (let count = 0; count < 100; count += 1) expect(one(call)).toEqual(other(call));
  });

  it('befall calls as often as was asked for', () => {
    const choose = seededFaults(new SeededRandom(1), rates);
    const counts = new Map<string, number>();
    for (let count = 0; count < 1_000; count += 1) {
      const { fail = 'none', delayBeforeMs = -1, delayAfterMs = -1 } = choose(call);
      counts.set(fail, (counts.get(fail) ?? 0) + 1);
      for (const delayMs of [delayBeforeMs, delayAfterMs]) {
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThan(10);
      }
    }
    for (const fail of ['before', 'after', 'partial']) {
      expect(counts.get(fail)).toBeGreaterThan(150);
      expect(counts.get(fail)).toBeLessThan(250);
    }
  });

  it('are none when none is asked for', () => {
    expect(seededFaults(new SeededRandom(1), {})(call)).toEqual({
      delayBeforeMs: 0,
      delayAfterMs: 0,
    });
  });
});
