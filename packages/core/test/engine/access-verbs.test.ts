import { ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import {
  AccessDeniedError,
  type AccessQuestion,
  InMemoryLedgerRepository,
  Monque,
  type MonqueManagement,
} from '../../src/index.ts';
import { LEDGER_VERBS, type LedgerVerb } from '../../src/ledger/verbs/verb-table.ts';
import { FaultyLedgerRepository } from '../../src/testing/faulty-ledger-repository.ts';
import { ManualClock, makeJob } from '../../src/testing/index.ts';

const NAME = 'mail';

/** Verbs that concern jobs of all names, whatever they are given. */
const OF_ALL_NAMES: readonly LedgerVerb[] = [
  ...(['expireGates', 'prune', 'rescue', 'recover', 'sweepOrders', 'sweepFlows'] as const),
  ...(['readClaim', 'readClaims', 'countClaims', 'findClaimants'] as const),
  ...(['openLease', 'renewLease', 'readLeases', 'declareDead', 'endLease', 'removeLease'] as const),
  ...(['openFlow', 'closeFlow', 'readFlow', 'readFlows', 'releaseWaiting'] as const),
  ...(['setLimit', 'readLimits', 'takeShare', 'freeShares', 'backOff'] as const),
  ...(['readPaused', 'addThroughput'] as const),
];

/** A ledger with one job, which says what it was asked and what was carried out. */
async function setUp(answer: boolean) {
  const clock = new ManualClock();
  const asked: AccessQuestion[] = [];
  const may = (question: AccessQuestion): boolean => {
    asked.push(question);
    return answer;
  };
  const ledger = new InMemoryLedgerRepository({ clock, access: { may } });
  const job = makeJob({ name: NAME });
  await ledger.enqueue({ jobs: [job] });
  const now = new Date(clock.now());
  /** What the verbs ask about, whichever is called. */
  const params = {
    ...{ jobId: job._id, name: NAME, names: [NAME], now, limit: 1 },
    ...{ jobs: [makeJob({ name: NAME })], demand: [{ name: NAME, limit: 1 }] },
    ...{ settlements: [{ jobId: job._id }], settlement: { jobId: job._id } },
    ...{ filter: { names: [NAME] }, record: { name: 'a' }, stagesBefore: [], seen: {} },
  };
  const call = (verb: LedgerVerb): Promise<unknown> =>
    (ledger.as('ann')[verb] as (params: unknown) => Promise<unknown>)(params);
  return { asked, call };
}

describe('the hook `may`', () => {
  test.each(LEDGER_VERBS.filter((verb) => verb !== 'readTime'))(
    'refuses %s, asked with the name that it concerns, or without one',
    async (verb) => {
      const { asked, call } = await setUp(false);
      await expect(call(verb)).rejects.toThrow(AccessDeniedError);
      const name = OF_ALL_NAMES.includes(verb) ? {} : { name: NAME };
      expect(asked).toEqual([{ actor: 'ann', verb, ...name }]);
    },
  );

  test('is not asked for the time alone', async () => {
    const { asked, call } = await setUp(false);
    expect(await call('readTime')).toBeInstanceOf(Date);
    expect(asked).toEqual([]);
  });
});

type Calls = Readonly<
  Record<Exclude<keyof MonqueManagement, 'can'>, (acting: MonqueManagement) => Promise<unknown>>
>;

const id = new ObjectId();

/** One call of each verb that people have. */
const CALLS: Calls = {
  enqueue: (acting) => acting.enqueue(NAME, 1, { group: 'acme' }),
  now: (acting) => acting.now(NAME),
  enqueueMany: async (acting) => {
    const [result] = await acting.enqueueMany([{ name: NAME, options: { order: 'a' } }]);
    if (result?.status === 'failed') throw result.error;
  },
  enqueueFlow: (acting) => acting.enqueueFlow({ jobs: { a: { name: NAME } } }),
  getFlow: (acting) => acting.getFlow(id),
  getFlows: (acting) => acting.getFlows(),
  cancelFlow: (acting) => acting.cancelFlow(id),
  redriveFlow: (acting) => acting.redriveFlow(id),
  schedule: (acting) => acting.schedule('@daily', NAME),
  unschedule: (acting) => acting.unschedule(NAME),
  getSchedules: (acting) => acting.getSchedules(),
  openGate: (acting) => acting.openGate(id, 'a', { evidence: 1 }),
  getJob: (acting) => acting.getJob(id),
  getJobs: (acting) => acting.getJobs({ order: 'a' }),
  getJobsWithCursor: (acting) => acting.getJobsWithCursor({ group: 'acme' }),
  getHistory: (acting) => acting.getHistory(id),
  setMetadata: (acting) => acting.setMetadata(id, { a: 1 }),
  cancelJob: (acting) => acting.cancelJob(id),
  retryJob: (acting) => acting.retryJob(id),
  rescheduleJob: (acting) => acting.rescheduleJob(id, new Date(0)),
  deleteJob: (acting) => acting.deleteJob(id),
  cancelJobs: (acting) => acting.cancelJobs({ flow: id }),
  retryJobs: (acting) => acting.retryJobs({}),
  redriveDeadLetter: (acting) => acting.redriveDeadLetter(id),
  redriveDeadLetters: (acting) => acting.redriveDeadLetters({ deadLettersOf: NAME }),
  deleteJobs: (acting) => acting.deleteJobs({}),
  getQueueStats: (acting) => acting.getQueueStats(),
  countJobs: (acting) => acting.countJobs({}),
  getThroughput: (acting) => acting.getThroughput(),
  getBacklog: (acting) => acting.getBacklog(),
  pause: (acting) => acting.pause(NAME),
  resume: (acting) => acting.resume(NAME),
  setLimit: (acting) => acting.setLimit('api', { concurrency: 1 }),
  setGroup: (acting) => acting.setGroup(NAME, 'acme', { paused: true }),
  groups: (acting) => acting.groups(NAME),
  limits: (acting) => acting.limits(),
  orders: (acting) => acting.orders(NAME),
  waitFor: (acting) => acting.waitFor(id),
  explain: (acting) => acting.explain(id),
  explainMany: (acting) => acting.explainMany({}),
  inspect: (acting) => acting.inspect(),
  audit: (acting) => acting.audit(),
};

describe('an actor who may do nothing', () => {
  /** A scheduler whose ledger counts what an actor has carried out. */
  function refusing() {
    const clock = new ManualClock();
    const ledger = new InMemoryLedgerRepository({ clock });
    const faulty = new FaultyLedgerRepository(ledger, { clock });
    const access = { may: () => false };
    const monque = new Monque(faulty, { clock, access, throughputHistory: 3_600_000 });
    const writes = (): number =>
      LEDGER_VERBS.reduce((sum, verb) => sum + faulty.calls(verb), 0) -
      faulty.calls('readTime') -
      faulty.calls('getJob');
    return { acting: monque.as('ann'), writes };
  }

  test.each(Object.entries(CALLS))('is refused %s, and nothing is done', async (_verb, call) => {
    const { acting, writes } = refusing();
    await expect(call(acting)).rejects.toThrow(AccessDeniedError);
    expect(writes()).toBe(0);
  });

  test('is told so when asked', async () => {
    expect(await refusing().acting.can('setGroup', NAME)).toBe(false);
  });

  test('has every verb but those of the process itself', () => {
    const { acting } = refusing();
    const verbs = Object.keys(CALLS) as (keyof MonqueManagement)[];
    for (const verb of verbs) expect(acting[verb], verb).toBeTypeOf('function');
    for (const own of ['transaction', 'inbox', 'outbox', 'worker', 'start']) {
      expect(acting).not.toHaveProperty(own);
    }
  });
});
