// How flows leave with their jobs: what a step costs, and what becomes of a flow when a step breaks off.
import { type Collection, type Document, ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import { endToken, tokenOf } from '../../src/job/flow-tokens.ts';
import type { Job } from '../../src/job/job.ts';
import type { FlowRecord } from '../../src/ledger/ledger-repository.ts';
import { describeWithOwnMongo } from '../setup/mongodb.ts';
import { nameOf, namesOf } from './command-log.ts';
import { explain } from './explain.ts';
import { ownMongoFixture } from './fixture.ts';
import { at, idsOf, jobsIn, makeJobs, put } from './jobs.ts';

const MANY = 300;
const A_PAGE = 1_000;
const ENDED = { endedAt: at(0), outcome: 'completed' } as const;

/** A flow that was stored before the times of these tests. */
function makeFlow(changes: Partial<FlowRecord> = {}): FlowRecord {
  const flowId = new ObjectId();
  return { ...{ flowId, state: 'stored', createdAt: at(0), size: 2, version: 0 }, ...changes };
}

/** Its jobs, which are finished: the parent of so many children, and these. */
function jobsOf({ flowId }: FlowRecord, children = 1): readonly [Job, ...Job[]] {
  const finished = { status: 'completed', finishedAt: at(0), flow: flowId } as const;
  const [token, end] = [tokenOf(flowId, 'fail', 0), endToken(flowId)];
  const [parent] = makeJobs(1, { ...finished, feeds: [token, end] }) as [Job];
  return [parent, ...makeJobs(children, { ...finished, feeds: [end], waitsFor: [token] })];
}

describeWithOwnMongo('flows that leave', (binary) => {
  const mongo = ownMongoFixture(binary);

  test('cost a few commands, however many they are', async () => {
    const flows = Array.from({ length: MANY }, (_, index) => makeFlow({ uniqueKey: `${index}` }));
    for (const flow of flows) await open(flow);
    const jobs = flows.map((flow) => jobsOf(flow));
    await put(mongo.db, jobs.flat());
    // Who has the parents that are to leave; the children; and whether a job of the flows is left.
    expect(await costOfStep()).toEqual(['find', 'find', 'delete', 'aggregate']);
    expect(await jobsIn(mongo.db).countDocuments()).toBe(MANY);
    expect(await flowsIn().countDocuments()).toBe(3 * MANY);
    // Of the flows without a job the records too; and keys, ends and records in one go.
    expect(await costOfStep()).toEqual([
      ...['find', 'find', 'delete', 'aggregate', 'find', 'delete'],
    ]);
    expect(await flowsIn().countDocuments()).toBe(0);
  });

  test('leave those that have a job, and of which there are many', async () => {
    const flows = Array.from({ length: 3 }, () => makeFlow(ENDED));
    for (const flow of flows) await open(flow);
    const all = flows.map((flow) => jobsOf(flow, 600));
    const parents = all.map(([parent]) => parent);
    // What is pending stays.
    const left = all.flatMap(([, ...children]) =>
      children.map(({ finishedAt: _, ...job }): Job => ({ ...job, status: 'pending' })),
    );
    await put(mongo.db, [...parents, ...left]);
    await prune();
    expect(idsOf(await jobsIn(mongo.db).find().toArray())).toEqual(idsOf([...parents, ...left]));
    await sweep();
    expect(await recordsLeft()).toEqual(idsOf(flows.map(({ flowId }) => ({ _id: flowId }))));
  });

  test('are asked for jobs by one key each, however many jobs they have', async () => {
    const flows = [makeFlow(ENDED), makeFlow(ENDED)] as const;
    for (const flow of flows) await open(flow);
    await put(
      mongo.db,
      flows.flatMap((flow) => jobsOf(flow, 500)),
    );
    const commands = await mongo.log.during(sweep);
    const look = commands.find((command) => nameOf(command) === 'aggregate') as Document;
    const { keys, documents, indexes } = await explain(mongo.db, look);
    expect({ documents, indexes }).toEqual({ documents: 0, indexes: ['monque_flow'] });
    expect(keys).toBeLessThanOrEqual(4);
    expect(await recordsLeft()).toHaveLength(2);
  });

  test('are asked for in several commands where their jobs have very many tokens', async () => {
    const flow = makeFlow();
    await open(flow);
    const tokens = (from: number) =>
      Array.from({ length: 6_000 }, (_, index) => tokenOf(flow.flowId, 'fail', from + index));
    const [first, ...children] = jobsOf(flow);
    const [second] = makeJobs(1, { ...first, _id: new ObjectId(), feeds: tokens(6_000) });
    const parents = [{ ...first, feeds: tokens(0) }, second as Job];
    await put(mongo.db, [...parents, ...children]);
    // Two at whom they have as parents.
    expect(await costOfStep()).toEqual(['find', 'find', 'find', 'delete', 'aggregate']);
    expect(idsOf(await jobsIn(mongo.db).find().toArray())).toEqual(idsOf(parents.slice(0, 1)));
  });

  test('cost no write where there is no record of them', async () => {
    const flow = new ObjectId();
    await put(mongo.db, makeJobs(1, { status: 'completed', finishedAt: at(0), flow }));
    expect(await costOfStep()).toEqual(['find', 'delete', 'aggregate', 'find']);
    expect(await jobsIn(mongo.db).countDocuments()).toBe(0);
  });

  test('are forgotten by a look at the ends of flows when a step broke off after their jobs left', async () => {
    const flow = makeFlow({ uniqueKey: 'key', ...ENDED });
    await open(flow);
    const { flowId } = flow;
    await put(mongo.db, makeJobs(1, { status: 'completed', finishedAt: at(0), flow: flowId }));
    mongo.server.proxy.dropRequest({
      command: 'delete',
      when: ({ body }) => body.delete === 'jobs.flows',
    });
    await expect(prune()).rejects.toMatchObject({ code: 'UNKNOWN_OUTCOME' });
    expect(await jobsIn(mongo.db).countDocuments()).toBe(0);
    expect(await recordsLeft()).toHaveLength(1);
    await mongo.ledger.sweepFlows({ limit: 200, createdBefore: new Date(), waitingOnly: true });
    expect(await recordsLeft()).toHaveLength(1);
    await sweep();
    expect(await flowsIn().countDocuments()).toBe(0);
  });

  test('are forgotten only when they have ended, and no job of them is there', async () => {
    const storing = makeFlow({ state: 'storing', createdAt: new Date(Date.now() + 600_000) });
    const kept = [storing, makeFlow(ENDED), makeFlow()] as const;
    const left = [makeFlow(ENDED), makeFlow({ ...ENDED, state: 'abandoned' })];
    for (const flow of [...kept, ...left]) await open(flow);
    await put(mongo.db, makeJobs(1, { flow: kept[1].flowId }));
    await mongo.ledger.sweepFlows({ limit: 200, createdBefore: at(0) });
    expect(await recordsLeft()).toHaveLength(5);
    await sweep();
    expect(await recordsLeft()).toEqual(idsOf(kept.map(({ flowId }) => ({ _id: flowId }))));
  });

  test('are looked for a page at a time, and from the begin again behind the last', async () => {
    const records = Array.from({ length: A_PAGE + 1 }, () => makeFlow(ENDED));
    await flowsIn().insertMany(records.map(({ flowId, ...rest }) => ({ _id: flowId, ...rest })));
    await sweep();
    expect(await recordsLeft()).toHaveLength(1);
    await sweep();
    expect(await recordsLeft()).toHaveLength(0);
    await open(makeFlow(ENDED));
    await sweep();
    expect(await recordsLeft()).toHaveLength(0);
  });

  async function open(flow: FlowRecord): Promise<void> {
    await mongo.ledger.openFlow({ flow, createdBefore: at(0) });
  }

  function prune() {
    return mongo.ledger.prune({
      finishedBefore: { completed: at(1), failed: at(1), cancelled: at(1) },
      createdBefore: new Date(Date.now() + 60_000),
      ...{ limit: 5_000, archive: false, now: at(1) },
    });
  }

  /** The commands of one step of pruning. */
  async function costOfStep(): Promise<string[]> {
    return namesOf(await mongo.log.during(prune));
  }

  /** Ids carry whole seconds. */
  function sweep() {
    return mongo.ledger.sweepFlows({ limit: 200, createdBefore: new Date(Date.now() + 60_000) });
  }

  function flowsIn(): Collection<Document> {
    return mongo.db.collection('jobs.flows');
  }

  async function recordsLeft(): Promise<string[]> {
    const records = await flowsIn()
      .find({ _id: { $type: 'objectId' } })
      .toArray();
    return idsOf(records as unknown as Job[]);
  }
});
