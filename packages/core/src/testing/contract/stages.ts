/**
 * Stages: recorded once, in their order, under the claim they ran under.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { Job, StageRecord } from '../../job/job.ts';
import type { CheckpointParams, CheckpointResult } from '../../ledger/ledger-repository.ts';
import { nextRunFields, putClaimedSeries } from './series-jobs.ts';
import { assertSameJob, type ContractTests, type Subject } from './subject.ts';

const MANY = 50;

export const stageTests: ContractTests = {
  'a finished stage is recorded, and the claim stands as it was': async (subject) => {
    const job = await subject.putClaimed();
    const result = await checkpoint(subject, job, { name: 'first', result: { rows: 3 } });
    assert.deepEqual(result, { outcome: 'recorded', isCancelRequested: false, openGates: [] });
    const record = { name: 'first', at: subject.at(100), result: { rows: 3 } };
    assertSameJob(await subject.read(job), {
      ...job,
      stages: [record],
      updatedAt: subject.at(200),
    });
  },

  'stages are recorded one behind the other, and the last with the end of the run': async (
    subject,
  ) => {
    const job = await subject.putClaimed();
    await checkpoint(subject, job, { name: 'first' });
    assert.equal(
      (await checkpoint(subject, job, { name: 'second' }, { stagesBefore: ['first'] })).outcome,
      'recorded',
    );
    const answer = await subject.settle('complete', job, {
      stagesBefore: ['first', 'second'],
      gatesBefore: [],
      stageRecords: [record(subject, 'third')],
      result: 'done',
    });
    assert.equal(answer, 'settled');
    const { status, stages, result } = await subject.read(job);
    assert.deepEqual([status, result], ['completed', 'done']);
    assert.deepEqual(namesOf(stages), ['first', 'second', 'third']);
  },

  'a stage out of its order, a repeated one and a skipped one are refused and change nothing':
    async (subject) => {
      const job = await subject.putClaimed();
      await checkpoint(subject, job, { name: 'first' });
      await checkpoint(subject, job, { name: 'second' }, { stagesBefore: ['first'] });
      const before = await subject.read(job);
      const claims: readonly (readonly [string, readonly string[]])[] = [
        ['first', []],
        ['second', ['first']],
        ['third', ['first']],
        ['third', ['second', 'first']],
        ['third', ['first', 'other']],
        ['third', ['first', 'second', 'between']],
        ['third', []],
      ];
      for (const [name, stagesBefore] of claims) {
        const changes = { at: subject.at(150) };
        const { outcome } = await checkpoint(subject, job, { name, ...changes }, { stagesBefore });
        assert.equal(outcome, 'refused', `${name} behind ${stagesBefore.join()}`);
        const end = { stagesBefore, gatesBefore: [], stageRecords: [record(subject, name)] };
        assert.equal(await subject.settle('complete', job, end), 'refused');
      }
      assertSameJob(await subject.read(job), before);
    },

  'a stage behind a closed gate is refused and changes nothing': async (subject) => {
    const job = await subject.putClaimed({ gates: [{ name: 'a', at: new Date(0), evidence: 1 }] });
    for (const gatesBefore of [['b'], ['a', 'b'], ['b', 'a']]) {
      const { outcome, openGates } = await checkpoint(
        subject,
        job,
        { name: 'first' },
        { gatesBefore },
      );
      assert.deepEqual([outcome, openGates], ['refused', ['a']]);
      const end = { stagesBefore: [], gatesBefore };
      assert.equal(await subject.settle('complete', job, end), 'refused');
    }
    assertSameJob(await subject.read(job), job);
    assert.equal(
      (await checkpoint(subject, job, { name: 'first' }, { gatesBefore: ['a'] })).outcome,
      'recorded',
    );
  },

  'the same record sent again is recorded once': async (subject) => {
    const job = await subject.putClaimed();
    const first = await checkpoint(subject, job, { name: 'first', result: 1 });
    const before = await subject.read(job);
    assert.deepEqual(await checkpoint(subject, job, { name: 'first', result: 1 }), first);
    assertSameJob(await subject.read(job), before);
  },

  'of many concurrent records of one stage a single one stands': async (subject) => {
    const job = await subject.putClaimed();
    const calls = Array.from({ length: MANY }, (_, index) =>
      checkpoint(subject, job, { name: 'first', at: subject.at(index), result: index }),
    );
    const outcomes = (await Promise.all(calls)).map(({ outcome }) => outcome);
    assert.deepEqual(
      outcomes.filter((outcome) => outcome !== 'refused'),
      ['recorded'],
    );
    const { stages } = await subject.read(job);
    assert.deepEqual(
      stages?.map(({ result }) => result),
      [outcomes.indexOf('recorded')],
    );
  },

  'of many concurrent stages only the one whose turn it is stands': async (subject) => {
    const job = await subject.putClaimed();
    await checkpoint(subject, job, { name: 'first' });
    const calls = Array.from({ length: MANY }, (_, index) =>
      index === MANY / 2
        ? checkpoint(subject, job, { name: 'second' }, { stagesBefore: ['first'] })
        : checkpoint(
            subject,
            job,
            { name: `stage ${index}` },
            { stagesBefore: [`stage ${index - 1}`] },
          ),
    );
    const outcomes = (await Promise.all(calls)).map(({ outcome }) => outcome);
    assert.equal(outcomes.indexOf('recorded'), MANY / 2);
    assert.equal(outcomes.filter((outcome) => outcome === 'refused').length, MANY - 1);
    assert.deepEqual(namesOf((await subject.read(job)).stages), ['first', 'second']);
  },

  'a claim that was taken away records nothing': async (subject) => {
    const job = await subject.putClaimed();
    await subject.rescue();
    const before = await subject.read(job);
    assert.equal((await checkpoint(subject, job, { name: 'first' })).outcome, 'lost');
    assertSameJob(await subject.read(job), before);
    const missing = { ...job, _id: subject.newJob()._id };
    assert.equal((await checkpoint(subject, missing, { name: 'first' })).outcome, 'lost');
  },

  'a record answers with a request to cancel and of the open gates': async (subject) => {
    const job = await subject.putClaimed();
    const gate = { name: 'a', at: subject.at(50), evidence: true };
    await subject.ledger.openGate({ jobId: job._id, record: gate, now: subject.at(50) });
    await subject.cancel(job);
    const result = await checkpoint(subject, job, { name: 'first' });
    assert.deepEqual(result, { outcome: 'recorded', isCancelRequested: true, openGates: ['a'] });
    const refused = await checkpoint(subject, job, { name: 'third' }, { stagesBefore: ['second'] });
    assert.deepEqual(refused, { outcome: 'refused', isCancelRequested: true, openGates: ['a'] });
  },

  'a failure, a rescue, a release, a snooze and a redrive keep what is recorded': async (
    subject,
  ) => {
    const job = await subject.putClaimed();
    await checkpoint(subject, job, { name: 'first' });
    const { stages } = await subject.read(job);
    const due = { nextRunAt: subject.at(0) };
    for (const verb of ['retry', 'release', 'snooze'] as const) {
      const claimed = verb === 'retry' ? job : await subject.claimOnly();
      assert.equal(await subject.settle(verb, claimed, due), 'settled');
    }
    await subject.claimOnly();
    await subject.rescue();
    assert.equal(await subject.settle('discard', await subject.claimOnly()), 'settled');
    await subject.ledger.redrive({ jobId: job._id, nextRunAt: subject.at(0), now: subject.at(9) });
    const { stages: kept } = await subject.claimOnly();
    assert.deepEqual(kept, stages);
  },

  'the next run of a series begins with its first stage': async (subject) => {
    const job = await putClaimedSeries(subject);
    await checkpoint(subject, job, { name: 'first' });
    const gate = { name: 'a', at: subject.at(50), evidence: true };
    await subject.ledger.openGate({ jobId: job._id, record: gate, now: subject.at(50) });
    const end = { stagesBefore: ['first'], gatesBefore: ['a'], ...nextRunFields(subject) };
    assert.equal(await subject.settle('repeat', job, end), 'settled');
    const { stages, gates } = await subject.read(job);
    assert.deepEqual([stages, gates], [undefined, undefined]);
  },

  'a name is a value, whatever characters it has': async (subject) => {
    const job = await subject.putClaimed();
    const names = ['$first', 'a.b', '0', 'Prüfung ✓'];
    for (const [index, name] of names.entries()) {
      const { outcome } = await checkpoint(
        subject,
        job,
        { name },
        { stagesBefore: names.slice(0, index) },
      );
      assert.equal(outcome, 'recorded', name);
    }
    assert.deepEqual(namesOf((await subject.read(job)).stages), names);
  },

  'what a stage left behind comes back with its types, and is shared with nobody': async (
    subject,
  ) => {
    const job = await subject.putClaimed();
    const result = { of: 9n, at: new Date(7), bytes: Buffer.from('abc'), list: [1] };
    await checkpoint(subject, job, { name: 'first', result });
    result.list.push(2);
    const expected = { ...result, list: [1] };
    const shown = await resultsOf(subject, job);
    assert.deepEqual(shown, [expected]);
    for (const record of shown) Object.assign(record as object, { changed: true });
    assert.deepEqual(await resultsOf(subject, job), [expected]);
  },
};

async function resultsOf(subject: Subject, job: Job): Promise<unknown[] | undefined> {
  return (await subject.read(job)).stages?.map(({ result }) => result);
}

/** Records a stage as finished at time 100; sent at time 200. */
function checkpoint(
  subject: Subject,
  { _id: jobId, claimToken = 'none' }: Job,
  stage: Partial<StageRecord> & Pick<StageRecord, 'name'>,
  before: Partial<Pick<CheckpointParams, 'stagesBefore' | 'gatesBefore'>> = {},
): Promise<CheckpointResult> {
  return subject.ledger.checkpoint({
    ...{ jobId, claimToken, stagesBefore: [], gatesBefore: [], ...before },
    record: { ...record(subject, stage.name), ...stage },
    now: subject.at(200),
  });
}

function record(subject: Subject, name: string): StageRecord {
  return { name, at: subject.at(100) };
}

function namesOf(stages: readonly StageRecord[] = []): readonly string[] {
  return stages.map(({ name }) => name);
}
