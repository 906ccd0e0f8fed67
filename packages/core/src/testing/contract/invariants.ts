/**
 * Rules: a write that breaks one is refused alone and changes nothing, however many callers try at once; what only
 * reports lets it pass; and a job that breaks one is repaired while it is as it was seen.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { InvariantViolationError } from '../../foundation/errors.ts';
import type { Job } from '../../job/job.ts';
import type { InvariantRule } from '../../ledger/rules/known-rules.ts';
import type { InvariantViolation } from '../../ledger/rules/rules.ts';
import { assertSameJob, type ContractTests, only, present, type Subject } from './subject.ts';

const MANY = 50;

/** A rule of a user's: new data is not bad, and no run ends with a bad result. */
const NOT_BAD: InvariantRule = {
  name: 'not-bad',
  check: ({ job }) => (job.data === 'bad' || job.result === 'bad' ? 'it is bad' : undefined),
};

export const invariantTests: ContractTests = {
  'a new job that a rule refuses is not stored, and the others of its batch are': async (
    subject,
  ) => {
    const violations = withRules(subject, [NOT_BAD]);
    const jobs = ['good', 'bad', 'fine'].map((data) => subject.newJob({ data }));
    const answers = await subject.enqueue(...jobs);
    assert.deepEqual(
      answers.map(({ outcome }) => outcome),
      ['enqueued', 'refused', 'enqueued'],
    );
    const stored = await Promise.all(jobs.map(({ _id }) => subject.ledger.getJob({ jobId: _id })));
    assert.deepEqual(
      stored.map((job) => job?.data),
      ['good', undefined, 'fine'],
    );
    const [, refused] = answers;
    assert.ok(refused?.outcome === 'refused' && refused.error instanceof InvariantViolationError);
    assert.equal(refused.error.rule, 'not-bad');
    assert.deepEqual(violations(), ['not-bad enqueue refused']);
  },

  'of many concurrent new jobs that a rule refuses none is stored': async (subject) => {
    withRules(subject, [NOT_BAD]);
    const jobs = Array.from({ length: MANY }, () => subject.newJob({ data: 'bad' }));
    const answers = await Promise.all(jobs.map((job) => subject.enqueue(job)));
    assert.ok(answers.every((answer) => only(answer).outcome === 'refused'));
    const stored = await Promise.all(jobs.map(({ _id }) => subject.ledger.getJob({ jobId: _id })));
    assert.ok(stored.every((job) => job === null));
  },

  'the end of a run that a rule refuses leaves the claim, and another end is taken': async (
    subject,
  ) => {
    const violations = withRules(subject, [NOT_BAD]);
    const job = await subject.putClaimed();
    const refused = await Promise.all(
      Array.from({ length: MANY }, () => subject.settle('complete', job, { result: 'bad' })),
    );
    assert.ok(refused.every((answer) => answer === 'refused'));
    assertSameJob(await subject.read(job), job);
    assert.equal(violations().length, MANY);
    const other = await subject.putClaimed({ name: 'other' }, { name: 'other' });
    const settlements = [
      subject.settlement('complete', job, { result: 'bad' }),
      subject.settlement('complete', other, { result: 'good' }),
    ];
    const { answers } = await subject.ledger.settle({ settlements, now: subject.at(1000) });
    assert.deepEqual(answers, ['refused', 'settled']);
    assert.equal(await subject.settle('complete', job, { result: 'good' }), 'settled');
    assert.equal((await subject.read(job)).result, 'good');
  },

  'a manual change that a rule refuses throws and changes nothing': async (subject) => {
    withRules(subject, [
      NOT_BAD,
      { name: 'keep', check: ({ verb }) => (verb === 'remove' ? 'it is kept' : undefined) },
    ]);
    const job = await subject.putOne();
    const now = subject.at(5);
    const calls = Array.from({ length: MANY }, () =>
      subject.ledger.amend({ jobId: job._id, changes: { data: 'bad' }, now }),
    );
    for (const { status } of await Promise.allSettled(calls)) assert.equal(status, 'rejected');
    await assert.rejects(subject.ledger.remove({ jobId: job._id, now }), InvariantViolationError);
    assertSameJob(await subject.read(job), job);
    const { outcome } = await subject.ledger.amend({ jobId: job._id, changes: { data: 1 }, now });
    assert.equal(outcome, 'amended');
  },

  'a rule that reports lets the write pass and reports it, and one that is off does neither':
    async (subject) => {
      const violations = withRules(subject, [NOT_BAD], 'report');
      const job = await subject.putOne({ data: 'bad' });
      assert.equal((await subject.read(job)).data, 'bad');
      assert.deepEqual(violations(), ['not-bad enqueue passed']);
      subject.ledger.useInvariants({ rules: [NOT_BAD], modes: { 'not-bad': 'off' } });
      await subject.putOne({ data: 'bad' });
      assert.equal(violations().length, 1);
    },

  'a value beyond the bound of its size is refused by each verb that brings one': async (
    subject,
  ) => {
    const job = await subject.putOne({ name: 'waits' });
    const claimed = await subject.putClaimed();
    subject.ledger.useInvariants({ modes: { payloadSize: 'enforce' }, maxPayloadBytes: 100 });
    const large = 'x'.repeat(100);
    const { ledger } = subject;
    const [jobId, now] = [job._id, subject.at(5)];
    assert.equal(only(await subject.enqueue(subject.newJob({ data: large }))).outcome, 'refused');
    assert.equal(await subject.settle('complete', claimed, { result: large }), 'refused');
    await assert.rejects(
      ledger.amend({ jobId, changes: { data: large }, now }),
      violates('payloadSize'),
    );
    await assert.rejects(
      ledger.setMetadata({ jobId, changes: { gone: null, large }, now }),
      violates('payloadSize'),
    );
    const record = { name: 'gate', at: now, evidence: large };
    await assert.rejects(ledger.openGate({ jobId, record, now }), violates('payloadSize'));
    assertSameJob(await subject.read(job), job);
    assertSameJob(await subject.read(claimed), claimed);
    assert.equal(await subject.settle('complete', claimed, { result: 'small' }), 'settled');
  },

  'a gate is not opened without evidence, however many try': async (subject) => {
    const violations = withRules(subject, []);
    const job = await subject.putOne();
    const open = (evidence: unknown): Promise<unknown> => {
      const record = { name: 'gate', at: subject.at(1), evidence };
      return subject.ledger.openGate({ jobId: job._id, record, now: subject.at(1) });
    };
    const tries = await Promise.allSettled(Array.from({ length: MANY }, () => open(undefined)));
    for (const { status } of tries) assert.equal(status, 'rejected');
    assertSameJob(await subject.read(job), job);
    assert.deepEqual(violations()[0], 'gateEvidence openGate refused');
    await open('paid');
    assert.equal((await subject.read(job)).gates?.length, 1);
  },

  'a stage out of order, or behind a closed gate, is refused to all who try, and reported': async (
    subject,
  ) => {
    const violations = withRules(subject, []);
    const job = await subject.putClaimed();
    const record = (stagesBefore: string[], gatesBefore: string[]): Promise<unknown> =>
      subject.ledger.checkpoint({
        jobId: job._id,
        claimToken: present(job.claimToken),
        record: { name: 'parse', at: subject.at(1) },
        ...{ stagesBefore, gatesBefore, now: subject.at(1) },
      });
    await Promise.all(Array.from({ length: MANY }, () => record(['download'], [])));
    await record([], ['closed']);
    assertSameJob(await subject.read(job), job);
    const rules = violations();
    assert.equal(rules.filter((text) => text === 'stageOrder checkpoint refused').length, MANY);
    assert.equal(rules.at(-1), 'gateEvidence checkpoint refused');
    await record([], []);
    assert.deepEqual(
      (await subject.read(job)).stages?.map(({ name }) => name),
      ['parse'],
    );
  },

  'the end of the last stage of a job with other stages is refused and reported': async (
    subject,
  ) => {
    const violations = withRules(subject, []);
    const job = await subject.putClaimed();
    const stagesBefore = ['download'];
    assert.equal(await subject.settle('complete', job, { stagesBefore }), 'refused');
    assertSameJob(await subject.read(job), job);
    assert.deepEqual(violations(), ['stageOrder complete refused']);
  },

  'a failure that is not counted as the ledger counts is refused to all who try': async (
    subject,
  ) => {
    const violations = withRules(subject, []);
    const job = await subject.putClaimed();
    const answers = await Promise.all(
      Array.from({ length: MANY }, () => subject.settle('fail', job, { lastFailCount: 5 })),
    );
    assert.ok(answers.every((answer) => answer === 'refused'));
    assert.equal(await subject.settle('retry', job, { lastFailCount: 0 }), 'refused');
    assert.equal(await subject.settle('retry', job, { lastFailCount: -1 }), 'refused');
    assertSameJob(await subject.read(job), job);
    assert.equal(violations().filter((text) => text.startsWith('retryCount ')).length, MANY + 2);
    assert.equal(await subject.settle('retry', job), 'settled');
    assert.equal((await subject.read(job)).failCount, 1);
  },

  'a change of state that the table does not have is refused to all who try': async (subject) => {
    const job = await subject.putOne();
    const redrive = { jobId: job._id, now: subject.at(1), nextRunAt: subject.at(1) };
    const answers = await Promise.all(
      Array.from({ length: MANY }, () => subject.ledger.redrive(redrive)),
    );
    assert.ok(answers.every(({ outcome }) => outcome === 'refused'));
    assertSameJob(await subject.read(job), job);
  },

  'a finished job holds no unique key, however many take it at once': async (subject) => {
    const job = await subject.putClaimed({ uniqueKey: 'k', uniqueLock: 'key:k' });
    await subject.settle('complete', job);
    assert.deepEqual(subject.ledger.inspectJob(await subject.read(job)), []);
    const twins = Array.from({ length: MANY }, () => subject.newJob({ uniqueLock: 'key:k' }));
    const answers = await Promise.all(twins.map((twin) => subject.enqueue(twin)));
    const stored = answers.filter((answer) => only(answer).outcome === 'enqueued');
    assert.equal(stored.length, 1);
  },

  'a job is repaired while it is as it was seen, with its rule in the history': async (subject) => {
    const job = await subject.putOne({ priority: 3 });
    const { status, fence, updatedAt } = job;
    const changes = { set: { failCount: 2 }, clear: ['data'] } as const;
    const params = { jobId: job._id, changes, rule: 'retryCount', now: subject.at(7) };
    const { outcome, job: shown } = await subject.ledger.repair({
      ...params,
      seen: { status, fence, updatedAt },
    });
    assert.equal(outcome, 'repaired');
    const after = await subject.read(job);
    assertSameJob(present(shown), after);
    assert.equal(after.failCount, 2);
    assert.equal(after.data, undefined);
    assert.equal(after.priority, 3);
    assert.deepEqual(after.updatedAt, subject.at(7));
    assert.deepEqual(after.history, [{ verb: 'repair', at: subject.at(7), reason: 'retryCount' }]);
  },

  'a job that went on since it was seen is not repaired, nor one that does not exist': async (
    subject,
  ) => {
    const { status, fence, updatedAt, _id: jobId } = await subject.putOne();
    const claimed = await subject.claimOnly();
    const params = { changes: { set: { failCount: 2 } }, rule: 'retryCount', now: subject.at(7) };
    const seen = { status, fence, updatedAt };
    const { outcome, job } = await subject.ledger.repair({ ...params, seen, jobId });
    assert.equal(outcome, 'changed');
    assertSameJob(present(job), claimed);
    assertSameJob(await subject.read(claimed), claimed);
    const { _id: missing } = subject.newJob();
    const answer = await subject.ledger.repair({ ...params, seen, jobId: missing });
    assert.deepEqual(answer, { outcome: 'missing', job: null });
  },

  'of many who repair a job at once one does': async (subject) => {
    const {
      status,
      fence,
      updatedAt,
      _id: jobId,
    } = await subject.putOne({
      createdAt: subject.at(-9),
      updatedAt: subject.at(-9),
    });
    const seen = { status, fence, updatedAt };
    const changes = { set: { failCount: 2 } };
    const params = { jobId, seen, changes, rule: 'retryCount', now: subject.at(7) };
    const answers = await Promise.all(
      Array.from({ length: MANY }, () => subject.ledger.repair(params)),
    );
    assert.equal(answers.filter(({ outcome }) => outcome === 'repaired').length, 1);
    assert.equal((await readHistoryOf(subject, jobId)).length, 1);
  },
};

/** Gives the ledger rules, and gives what was broken, as words. */
function withRules(
  subject: Subject,
  rules: readonly InvariantRule[],
  mode: 'enforce' | 'report' = 'enforce',
): () => readonly string[] {
  const violations: InvariantViolation[] = [];
  subject.ledger.onViolation((violation) => violations.push(violation));
  const modes = Object.fromEntries(rules.map(({ name }) => [name, mode]));
  subject.ledger.useInvariants({ rules, modes });
  return () =>
    violations.map(
      ({ error, isRefused }) => `${error.rule} ${error.verb} ${isRefused ? 'refused' : 'passed'}`,
    );
}

function violates(rule: string): (error: unknown) => boolean {
  return (error) => error instanceof InvariantViolationError && error.rule === rule;
}

async function readHistoryOf(
  subject: Subject,
  jobId: Job['_id'],
): Promise<NonNullable<Job['history']>> {
  return present((await subject.ledger.getJob({ jobId }))?.history);
}
