/** Rules of a ledger as a scheduler and its users meet them. */
import { type ClientSession, ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import {
  InMemoryLedgerRepository,
  InvalidArgumentError,
  type InvariantRule,
  InvariantViolationError,
  Monque,
  stage,
} from '../../src/index.ts';
import { ManualClock, makeJob } from '../../src/testing/index.ts';
import type { InvariantOptions } from '../../src/types-api.ts';
import { makeOne, payloads, recordEvents } from './kit.ts';

const HAS_ORDER: InvariantRule = {
  name: 'has-order',
  check: ({ verb, job }) => {
    if (verb !== 'enqueue' || job.name !== 'ship') return undefined;
    const { orderId } = Object(job.data);
    if (typeof orderId === 'string') return undefined;
    return { message: 'it names its order', values: { orderId }, advice: 'give data.orderId' };
  },
};

function makeRuled(invariants: InvariantOptions) {
  const clock = new ManualClock();
  const monque = Monque.inMemory({ clock, invariants });
  return { clock, monque, events: recordEvents(monque) };
}

describe('a rule of a user’s', () => {
  test('refuses an enqueue with an error that names the rule, the job, the values and what to do', async () => {
    const { monque, events } = makeRuled({ rules: [HAS_ORDER] });
    const error = await monque.enqueue('ship', { orderId: 7 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvariantViolationError);
    expect(error).toMatchObject({
      code: 'INVARIANT_VIOLATION',
      rule: 'has-order',
      verb: 'enqueue',
      jobName: 'ship',
      values: { orderId: 7 },
      advice: 'give data.orderId',
    });
    expect((error as Error).message).toMatch(
      /^The rule 'has-order' does not hold for enqueue of job [0-9a-f]{24}: it names its order; give data.orderId$/,
    );
    expect(payloads(events, 'invariant:violated')).toEqual([{ error, isRefused: true }]);
    expect(await monque.getJobs()).toEqual([]);
    await monque.enqueue('ship', { orderId: 'a' });
    expect(monque.metrics().counters.violations).toEqual([
      { labels: { rule: 'has-order' }, value: 1 },
    ]);
    const [measured] = monque.metrics().histograms.ruleMs;
    expect(measured).toMatchObject({ labels: { rule: 'has-order' }, count: 2 });
  });

  test('that is lifted lets the runs end whose ends it refused', async () => {
    const noEnds: InvariantRule = {
      name: 'no-ends',
      check: ({ verb }) => (verb === 'complete' ? 'it may not end' : undefined),
    };
    const { monque, clock, events } = makeRuled({ rules: [noEnds] });
    const runs: string[] = [];
    monque.worker('work', (job) => {
      runs.push(job._id.toHexString());
      return 'done';
    });
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.advance(60_000);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'processing' });
    expect(payloads(events, 'job:complete')).toEqual([]);
    monque.reconfigure({ invariants: {} });
    await clock.settle();
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', result: 'done' });
    expect(payloads(events, 'job:complete')).toHaveLength(1);
    expect(runs).toHaveLength(1);
    await monque.stop();
  });

  test('refuses one job of many and stores the others', async () => {
    const { monque } = makeRuled({ rules: [HAS_ORDER] });
    const results = await monque.enqueueMany([
      { name: 'ship' },
      { name: 'other' },
      { name: 'ship', data: { orderId: 'a' } },
    ]);
    expect(results.map(({ status }) => status)).toEqual(['failed', 'enqueued', 'enqueued']);
  });

  test('that only reports lets the job in and reports it', async () => {
    const { monque, events } = makeRuled({ rules: [HAS_ORDER], modes: { 'has-order': 'report' } });
    await monque.enqueue('ship');
    expect(payloads(events, 'invariant:violated')).toMatchObject([{ isRefused: false }]);
    expect(await monque.getJobs()).toHaveLength(1);
  });

  test('that throws counts as broken, with what it threw', async () => {
    const check = () => {
      throw new Error('bug');
    };
    const { monque } = makeRuled({ rules: [{ name: 'broken', check }] });
    await expect(monque.enqueue('any')).rejects.toMatchObject({
      rule: 'broken',
      message: expect.stringContaining('the rule itself failed: bug'),
      values: { error: new Error('bug') },
    });
  });

  test.each([
    ['a promise', async () => undefined],
    ['a promise that is rejected', () => Promise.reject(new Error('late'))],
    ['a truth', () => false],
    ['a breach without a text', () => ({ values: {} })],
    ['values that are none', () => ({ message: 'bad', values: 7 })],
    ['an advice that is no text', () => ({ message: 'bad', advice: Symbol('do') })],
  ])('that answers %s counts as broken, with what is expected of it', async (_, check) => {
    const { monque } = makeRuled({ rules: [{ name: 'broken', check: check as never }] });
    await expect(monque.enqueue('any')).rejects.toMatchObject({
      code: 'INVARIANT_VIOLATION',
      message: expect.stringContaining('the rule itself failed: Expected `check()` to be nothing'),
      advice: 'repair the rule',
    });
  });

  test('that answers null finds nothing, as code without types says it', async () => {
    const { monque } = makeRuled({ rules: [{ name: 'fine', check: () => null as never }] });
    await monque.enqueue('any');
    expect(await monque.audit()).toMatchObject({ audited: 1, violations: {} });
  });

  test('says no more of a write than its breach: neither its rule nor its job', async () => {
    const breach = { message: 'bad', rule: 'locks', verb: 'cancel', jobId: 7 };
    const { monque } = makeRuled({ rules: [{ name: 'own', check: () => breach }] });
    await expect(monque.enqueue('any')).rejects.toMatchObject({
      rule: 'own',
      verb: 'enqueue',
      jobId: expect.any(ObjectId),
    });
  });

  test.each(['constructor', 'toString', '__proto__'])('named %s is enforced', async (name) => {
    const { monque } = makeRuled({ rules: [{ name, check: () => 'bad' }] });
    await expect(monque.enqueue('any')).rejects.toMatchObject({ rule: name });
  });

  test('that refuses a result has the run recorded without it, since the work is done', async () => {
    const noSecrets: InvariantRule = {
      name: 'no-secrets',
      check: ({ job }) => (job.result === 'secret' ? 'a result is no secret' : undefined),
    };
    const { monque, clock, events } = makeRuled({ rules: [noSecrets] });
    monque.worker('work', () => 'secret');
    monque.worker('fine', () => 'fine');
    await monque.start();
    const [{ _id }, fine] = [await monque.enqueue('work'), await monque.enqueue('fine')];
    await clock.advance(1_000);
    const job = await monque.getJob(_id);
    expect(job).toMatchObject({ status: 'completed', failCount: 0 });
    expect(job?.result).toBeUndefined();
    expect(await monque.getJob(fine._id)).toMatchObject({ status: 'completed', result: 'fine' });
    expect(payloads(events, 'invariant:violated')[0]).toMatchObject({ isRefused: true });
    await monque.stop();
  });

  test('that refuses the record of a stage fails the run', async () => {
    const small: InvariantRule = {
      name: 'small-stages',
      check: ({ verb, job }) =>
        verb === 'checkpoint' && job.stages?.some(({ result }) => result === 'large')
          ? 'a stage leaves little behind'
          : undefined,
    };
    const { monque, clock } = makeRuled({ rules: [small] });
    let last = 0;
    const stages = [stage('a', () => 'large'), stage('b', () => (last += 1))];
    monque.worker('work', { stages }, { maxRetries: 1 });
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.advance(1_000);
    const job = await monque.getJob(_id);
    expect(job).toMatchObject({ status: 'failed' });
    expect(job?.failReason).toContain("The rule 'small-stages'");
    expect(last).toBe(0);
    await monque.stop();
  });

  test('sees what each manual verb would write', async () => {
    const seen: string[] = [];
    const check: InvariantRule['check'] = ({ verb, job }) => {
      seen.push(`${verb} ${Object.keys(job).filter((field) => field !== '_id')}`);
      return undefined;
    };
    const { monque } = makeRuled({ rules: [{ name: 'watch', check }] });
    const { _id } = await monque.enqueue('work');
    seen.length = 0;
    await monque.setMetadata(_id, { a: 1 });
    await monque.rescheduleJob(_id, new Date(0));
    await monque.cancelJob(_id);
    await monque.retryJob(_id);
    await monque.deleteJob(_id);
    expect(seen).toEqual([
      'setMetadata metadata',
      'amend nextRunAt',
      'cancel ',
      'redrive ',
      'remove ',
    ]);
    seen.length = 0;
    await monque.schedule('* * * * *', 'series', 1);
    await monque.schedule('* * * * *', 'series', 2);
    expect(seen.at(-1)).toMatch(/^replan .*data/);
  });
});

describe('a ledger', () => {
  test('refuses the end of a run in a transaction that breaks a rule, before anything is sent', async () => {
    const check = () => 'never';
    const ledger = new InMemoryLedgerRepository({ invariants: { rules: [{ name: 'no', check }] } });
    const jobId = new ObjectId();
    const settlement = { verb: 'complete', jobId, claimToken: 'a', fence: 1 } as const;
    const params = { settlement, now: new Date(0), session: {} as ClientSession };
    await expect(ledger.completeInSession(params)).rejects.toThrow(InvariantViolationError);
  });

  test('notifies a listener no more that was taken away', async () => {
    const ledger = new InMemoryLedgerRepository({ invariants: { rules: [HAS_ORDER] } });
    const reported: string[] = [];
    const end = ledger.onViolation(({ error }) => reported.push(error.rule));
    const jobs = [makeJob({ name: 'ship' })];
    await ledger.enqueue({ jobs });
    end();
    await ledger.enqueue({ jobs });
    expect(reported).toEqual(['has-order']);
  });
});

describe('the options of rules', () => {
  const rule = { name: 'mine', check: () => undefined };

  test.each([
    [{ modes: { status: 'report' } }, 'options.invariants.modes.status'],
    [{ modes: { payloadSize: 'on' } }, 'options.invariants.modes.payloadSize'],
    [{ modes: { payloadsize: 'off' } }, 'options.invariants.modes'],
    [{ rules: {} }, 'options.invariants.rules'],
    [{ modes: {}, rules: null }, 'options.invariants.rules'],
    [{ modes: {}, rules: [null] }, 'options.invariants.rules[0]'],
    [{ rules: [{ name: 'mine' }] }, 'options.invariants.rules[0].check'],
    [{ rules: [{ ...rule, name: '' }] }, 'options.invariants.rules[0].name'],
    [{ rules: [rule, rule] }, 'options.invariants.rules[1].name'],
    [{ rules: [{ ...rule, name: 'status' }] }, 'options.invariants.rules[0].name'],
    [{ maxPayloadBytes: 1 }, 'options.invariants.maxPayloadBytes'],
    [{ rule }, 'options.invariants'],
  ])('%o are refused', (invariants, field) => {
    const make = () => Monque.inMemory({ invariants: invariants as unknown as InvariantOptions });
    expect(make).toThrow(InvalidArgumentError);
    expect(make).toThrow(expect.objectContaining({ field }));
  });

  test('belong to the ledger where that was brought', () => {
    const ledger = new InMemoryLedgerRepository({ invariants: { rules: [rule] } });
    expect(() => new Monque(ledger, { invariants: {} })).toThrow(InvalidArgumentError);
    expect(new Monque(ledger)).toBeInstanceOf(Monque);
  });

  test('that are wrong leave a ledger with those it had', async () => {
    const { monque, ledger } = makeOne();
    ledger.useInvariants({ rules: [HAS_ORDER] });
    const wrong = { rules: [rule, rule] };
    expect(() => ledger.useInvariants(wrong)).toThrow(InvalidArgumentError);
    await expect(monque.enqueue('ship')).rejects.toThrow(InvariantViolationError);
  });

  test('can change while a scheduler runs, all of them or none', async () => {
    const { monque } = makeRuled({});
    await monque.start();
    monque.reconfigure({ invariants: { rules: [HAS_ORDER] } });
    await expect(monque.enqueue('ship')).rejects.toThrow(InvariantViolationError);
    const wrong = { rules: [rule, rule] };
    expect(() => monque.reconfigure({ pollInterval: 10, invariants: wrong })).toThrow(
      InvalidArgumentError,
    );
    await expect(monque.enqueue('ship')).rejects.toThrow(InvariantViolationError);
    monque.reconfigure({ invariants: { rules: [HAS_ORDER], modes: { 'has-order': 'off' } } });
    expect(await monque.enqueue('ship')).toMatchObject({ status: 'pending' });
    await monque.stop();
  });

  test('can be explicit about what is enforced anyway', async () => {
    const { monque } = makeRuled({ modes: { status: 'enforce' } });
    expect(await monque.enqueue('work')).toMatchObject({ status: 'pending' });
  });
});
