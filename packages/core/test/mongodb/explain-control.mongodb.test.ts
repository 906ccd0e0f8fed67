// Explains the commands of control, lists and pruning as the ledger sends them.
import type { Document } from 'mongodb';
import { expect, test } from 'vitest';
import type { Job } from '../../src/job/job.ts';
import type { FindJobsParams } from '../../src/ledger/ledger-repository.ts';
import { describeWithMongo } from '../setup/mongodb.ts';
import { nameOf } from './command-log.ts';
import { type Explained, explain } from './explain.ts';
import { mongoFixture } from './fixture.ts';
import {
  at,
  JOB_NAME,
  jobsIn,
  makeClaimed,
  makeForeign,
  makeJobs,
  makeSeries,
  put,
  TOKEN,
} from './jobs.ts';

describeWithMongo('the plans of control, lists and pruning', () => {
  const mongo = mongoFixture('plans', { listingIndexes: true });

  test('what other tools left is found among the claims, and past those of instances', async () => {
    await put(mongo.db, [...makeForeign(20), ...makeClaimed(500), ...makeJobs(500)]);
    const plan = await planOf('find', () =>
      mongo.ledger.recover({ staleBefore: at(-1), now: at(1), limit: 10 }),
    );
    expect(plan.indexes).toEqual(['monque_claims']);
    expect(plan).toMatchObject({ rejected: 0, documents: 20 });
    expect(plan.keys).toBeLessThanOrEqual(21);
  });

  test('a recovery writes to the jobs it read by their ids', async () => {
    await put(mongo.db, [...makeForeign(20), ...makeJobs(500)]);
    const plan = await planOf('update', () =>
      mongo.ledger.recover({ staleBefore: at(0), now: at(1), limit: 10 }),
    );
    expect(plan.indexes).toEqual(['_id_']);
    expect(plan).toMatchObject({ rejected: 0, documents: 10 });
  });

  test('a step of the walk through old jobs reads as many as it looks at, from where it was', async () => {
    const jobs = makeJobs(300, { status: 'completed', finishedAt: at(0) });
    await put(mongo.db, jobs);
    const [after] = jobs.slice(99).map(({ _id }) => _id);
    if (!after) throw new Error('Expected jobs');
    const step = { createdBefore: at(86_400_000), limit: 50, archive: false, now: at(1) };
    const walk = () =>
      mongo.ledger.prune({ ...step, after, finishedBefore: { completed: at(-1) } });
    const look = await planOf('find', walk);
    expect(look.indexes).toEqual(['_id_']);
    expect(look.stages).not.toContain('SORT');
    expect(look).toMatchObject({ rejected: 0, keys: 50, documents: 50 });
  });

  test('a prune deletes and copies by ids', async () => {
    await put(mongo.db, makeJobs(300, { status: 'completed', finishedAt: at(0) }));
    const step = { createdBefore: at(86_400_000), limit: 50, now: at(1) };
    const finishedBefore = { completed: at(1) };
    const commands = await mongo.log.during(() =>
      mongo.ledger.prune({ ...step, finishedBefore, archive: true }),
    );
    const remove = commands.find((command) => nameOf(command) === 'delete');
    const plan = await explain(mongo.db, remove as Document);
    expect(plan).toMatchObject({ indexes: ['_id_'], rejected: 0 });
    expect(commands.find((command) => nameOf(command) === 'aggregate')?.hint).toBe('_id_');
  });

  test('series are found by their locks, past all other keys', async () => {
    const keyed = makeJobs(300).map((job, index) => ({ ...job, uniqueLock: `key:${index}` }));
    const series = Array.from({ length: 20 }, (_, index) => makeSeries(`${index}`));
    const others = Array.from({ length: 20 }, (_, index) => makeSeries('x', { name: `n${index}` }));
    await put(mongo.db, [...keyed, ...makeJobs(300), ...series, ...others]);
    for (const [params, documents] of [
      [{}, 40],
      [{ name: JOB_NAME }, 20],
      [{ key: '7' }, 1],
      [{ name: JOB_NAME, key: '7' }, 1],
    ] as const) {
      const plan = await planOf('find', () => mongo.ledger.findSeries({ ...params, limit: 100 }));
      expect(plan.indexes).toEqual(['monque_lock']);
      expect(plan.documents).toBe(documents);
      expect(plan.keys).toBeLessThanOrEqual(40 + 2 * 22);
    }
  });

  test('the paused names are read without a job', async () => {
    await put(mongo.db, makeJobs(300));
    for (const name of ['a', 'b']) await mongo.ledger.setPaused({ name, paused: true, now: at(0) });
    const plan = await planOf('find', () => mongo.ledger.readPaused());
    expect(plan).toMatchObject({ indexes: ['_id_'], documents: 2 });
    expect(plan.keys).toBeLessThanOrEqual(3);
  });

  test('a verb on one job takes it by its id, whatever other indexes there are', async () => {
    const [job] = makeJobs(1) as [Job];
    const [claimed] = makeClaimed(1) as [Job];
    await put(mongo.db, [job, claimed, ...makeJobs(200), ...makeClaimed(200)]);
    const { _id: jobId } = job;
    const now = at(1);
    const verbs: (() => Promise<unknown>)[] = [
      () => mongo.ledger.amend({ jobId, changes: { priority: 1 }, now }),
      () => mongo.ledger.note({ jobId: claimed._id, claimToken: TOKEN, progress: 1, now }),
      () => mongo.ledger.replan({ jobId, series: {}, now }),
      () => mongo.ledger.cancel({ jobId, now }),
      () => mongo.ledger.redrive({ jobId, now, nextRunAt: now }),
      () => mongo.ledger.remove({ jobId }),
    ];
    for (const verb of verbs) {
      const commands = await mongo.log.during(verb);
      expect(commands.length).toBeGreaterThan(0);
      for (const command of commands) {
        const { indexes, documents, stages } = await explain(mongo.db, command);
        expect(stages).not.toContain('COLLSCAN');
        if (nameOf(command) !== 'find') expect(indexes).toEqual(['_id_']);
        expect(documents).toBeLessThanOrEqual(1);
      }
    }
  });

  test('a list by due time reads a page and no more, with the indexes that are made for it', async () => {
    const jobs = makeJobs(500).map((job, index) => ({
      ...job,
      nextRunAt: at(index),
      status: (['pending', 'completed', 'failed'] as const)[index % 3] ?? 'pending',
      name: `name-${index % 4}`,
    }));
    await put(mongo.db, jobs);
    const place = jobs[250];
    if (!place) throw new Error('Expected jobs');
    const after = { at: place.nextRunAt, jobId: place._id };
    const filters: FindJobsParams['filter'][] = [
      {},
      { statuses: ['failed'] },
      { names: ['name-1', 'name-2'] },
      { names: ['name-1'], statuses: ['pending', 'failed'] },
    ];
    for (const filter of filters) {
      for (const direction of ['ascending', 'descending'] as const) {
        const list = { filter, direction, orderBy: 'nextRunAt', limit: 10 } as const;
        const first = await planOf('find', () => mongo.ledger.findJobs(list));
        const next = await planOf('find', () => mongo.ledger.findJobs({ ...list, after }));
        for (const { indexes, stages, keys, documents } of [first, next]) {
          expect(indexes).toEqual([filter.names ? 'monque_list_by_name' : 'monque_list']);
          expect(stages).not.toContain('SORT');
          expect(documents).toBeLessThanOrEqual(11);
          expect(keys).toBeLessThanOrEqual(10 + 2 * 10);
        }
      }
    }
  });

  test('a list by id reads a page and no more', async () => {
    const jobs = makeJobs(300);
    await put(mongo.db, jobs);
    const jobId = jobs[100]?._id;
    if (!jobId) throw new Error('Expected jobs');
    const list = { filter: {}, orderBy: '_id', limit: 10, after: { jobId } } as const;
    for (const direction of ['ascending', 'descending'] as const) {
      const plan = await planOf('find', () => mongo.ledger.findJobs({ ...list, direction }));
      expect(plan.indexes).toEqual(['_id_']);
      expect(plan.stages).not.toContain('SORT');
      expect(plan.keys).toBeLessThanOrEqual(12);
    }
  });

  test('a list of ids reads those jobs and no others, whatever else it might go by', async () => {
    const jobs = makeJobs(300);
    await put(mongo.db, jobs);
    const jobIds = jobs.slice(100, 120).map(({ _id }) => _id);
    const list = { filter: { jobIds }, orderBy: '_id', direction: 'ascending', limit: 20 } as const;
    const plan = await planOf('find', () => mongo.ledger.findJobs(list));
    expect(plan.indexes).toEqual(['_id_']);
    expect(plan.stages).not.toContain('SORT');
    expect(plan.documents).toBe(20);
    expect(plan.keys).toBeLessThanOrEqual(2 * 20 + 1);
  });

  test('overdue gates are found by their times, past jobs in all other states', async () => {
    const waiting = { status: 'blocked', blockedBy: 'a', blockedAt: at(0) } as const;
    await put(mongo.db, [
      ...makeJobs(20, { ...waiting, blockedUntil: at(5) }),
      ...makeJobs(200, { ...waiting, blockedUntil: at(500) }),
      ...makeJobs(200, waiting),
      ...makeJobs(200),
    ]);
    const expire = () => mongo.ledger.expireGates({ now: at(9), limit: 100 });
    const plan = await planOf('find', expire);
    expect(plan.indexes).toEqual(['monque_gates']);
    // Explained when the overdue ones have failed: of the others none is looked at.
    expect(await jobsIn(mongo.db).countDocuments({ status: 'failed' })).toBe(20);
    expect(plan).toMatchObject({ rejected: 0, documents: 0 });
    expect(plan.stages).not.toContain('SORT');
    expect(plan.keys).toBeLessThanOrEqual(1);
  });

  /** The plan of the first command of this name. */
  async function planOf(name: string, work: () => Promise<unknown>): Promise<Explained> {
    const commands = await mongo.log.during(work);
    const [first] = commands.filter((command) => nameOf(command) === name);
    if (!first) throw new Error(`Expected a ${name}`);
    return explain(mongo.db, first);
  }
});
