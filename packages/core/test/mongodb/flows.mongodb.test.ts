// Flows as MongoDB has them: what ten thousand children, or parents, cost in commands and keys, and transactions.
import { type Collection, type Document, ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { type FlowGraph, type Job, Monque } from '../../src/index.ts';
import { endToken } from '../../src/job/flow-tokens.ts';
import type { FlowRecord, ReleaseWaitingResult } from '../../src/ledger/ledger-repository.ts';
import { volume } from '../setup/volume.ts';
import { namesOf } from './command-log.ts';
import { explain } from './explain.ts';
import { mongoFixture } from './fixture.ts';
import { at, jobsIn } from './jobs.ts';

const THOUSANDS = volume(10, 3);
const MANY = 1_000 * THOUSANDS;
const NAME = 'step';

const mongo = mongoFixture('flows');

/** A scheduler over the ledger of the fixture, which is not started. */
function scheduler(): Monque {
  return new Monque(mongo.ledger);
}

/** Flows, and beside them those that have not ended. */
function flowsIn(): Collection<{ _id: string; version: number }> {
  return mongo.db.collection(`${jobsIn(mongo.db).collectionName}.flows`);
}

function counted(commands: readonly Document[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of namesOf(commands)) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** One job, then many, then one. */
function hourglass(many: number): FlowGraph {
  const refs = Array.from({ length: many }, (_, index) => `part${index}`);
  const parts = refs.map((ref) => [ref, { name: NAME, after: ['root'] }]);
  return {
    jobs: { root: { name: NAME }, ...Object.fromEntries(parts), end: { name: NAME, after: refs } },
  };
}

async function statusesOf(flow: Job['flow']): Promise<Record<string, number>> {
  const rows = await jobsIn(mongo.db)
    .aggregate([{ $match: { flow } }, { $group: { _id: '$status', count: { $sum: 1 } } }])
    .toArray();
  return Object.fromEntries(rows.map(({ _id, count }) => [_id, count]));
}

/** Claims a thousand jobs, completes them, and says what they feed. */
async function completeSome(): Promise<readonly string[]> {
  const now = new Date(Date.now() + 60_000);
  const claim = { instanceId: 'me', claimToken: `token ${Math.random()}`, now };
  const { jobs } = await mongo.ledger.claim({
    demand: [{ name: NAME, limit: 1_000 }],
    ...{ ...claim, suspects: false, widening: 1 },
  });
  const settlements = jobs.map(({ _id: jobId, fence }) => ({
    ...{ verb: 'complete' as const, jobId, claimToken: claim.claimToken, fence },
  }));
  await mongo.ledger.settle({ settlements, now });
  return [...new Set(jobs.flatMap(({ feeds = [] }) => feeds))];
}

async function release(tokens: readonly string[]): Promise<number> {
  let released = 0;
  let places: ReleaseWaitingResult['again'] = tokens.map((token) => ({ token }));
  while (places.length > 0) {
    const step = await mongo.ledger.releaseWaiting({
      tokens: places,
      now: new Date(),
      limit: 1_000,
    });
    released += step.released;
    places = step.again;
  }
  return released;
}

describe('a fan-out and a fan-in of thousands', () => {
  test('take a few commands to store, to release and to look at', async () => {
    const monque = scheduler();
    await monque.initialize();
    const flow: { id?: Job['flow'] } = {};
    const storing = await mongo.log.during(async () => {
      flow.id = (await monque.enqueueFlow(hourglass(MANY))).id;
    });
    // The record; a thousand jobs at a time, and the two that are more; the word that all are there; and who waits for that alone.
    expect(counted(storing)).toEqual({ insert: THOUSANDS + 2, update: 2, find: 2 });
    expect(await statusesOf(flow.id)).toEqual({ pending: 1, blocked: MANY + 1 });

    const ofRoot = await completeSome();
    expect(ofRoot).toHaveLength(2);
    const fanOut = await mongo.log.during(async () => {
      expect(await release(ofRoot)).toBe(MANY);
    });
    // For each thousand a look and a write; and one more look for each call, at who holds the token, and at the flow.
    // And one at whether the flow has ended.
    expect(counted(fanOut)).toEqual({ find: 4 * THOUSANDS + 4, update: THOUSANDS });
    expect(await statusesOf(flow.id)).toEqual({ completed: 1, pending: MANY, blocked: 1 });

    let ofParts: readonly string[] = [];
    for (let done = 1_000; done < MANY; done += 1_000) {
      ofParts = await completeSome();
      expect(ofParts).toHaveLength(2);
    }
    const looks = await mongo.log.during(async () => {
      expect(await release(ofParts)).toBe(0);
    });
    // That some parent failed is asked for first, and last whether a job of the flow is unfinished.
    const [ofFailed, ofEnd] = await Promise.all(
      [looks[0], looks.at(-1)].map((look) => explain(mongo.db, look as Document)),
    );
    expect(ofFailed).toMatchObject({ keys: 2, documents: 0 });
    expect(ofEnd).toMatchObject({ keys: 1, documents: 1, indexes: ['monque_feeds'] });
    await completeSome();
    const fanIn = await mongo.log.during(async () => {
      expect(await release(ofParts)).toBe(1);
    });
    expect(counted(fanIn)).toEqual({ find: 5, update: 1 });
    expect(await statusesOf(flow.id)).toEqual({ completed: MANY + 1, pending: 1 });

    const ofEndOfAll = await completeSome();
    const ending = await mongo.log.during(async () => {
      expect(await release(ofEndOfAll)).toBe(0);
    });
    // Twice whether one is unfinished, the record in between; whether one failed or was cancelled; the end, and that it is
    // in no list of flows that have not ended.
    expect(counted(ending)).toEqual({ find: 5, update: 1, delete: 1 });
    const keys = await Promise.all(
      ending
        .filter((command) => command.find === jobsIn(mongo.db).collectionName)
        .map(async (look) => (await explain(mongo.db, look)).keys),
    );
    expect(Math.max(...keys)).toBeLessThanOrEqual(3);
    expect(await monque.getFlow(flow.id as ObjectId)).toMatchObject({ endedAt: expect.any(Date) });
    expect(await flowsIn().countDocuments()).toBe(1);
  }, 300_000);
});

describe('a flow in a transaction', () => {
  const GRAPH: FlowGraph = {
    jobs: { a: { name: NAME }, b: { name: NAME, after: ['a'] }, c: { name: NAME, after: ['b'] } },
  };

  test('is there when that is committed, with those without parents pending', async () => {
    const monque = scheduler();
    const stored = await mongo.client.withSession((session) =>
      session.withTransaction(() => monque.enqueueFlow(GRAPH, { session, uniqueKey: 'once' })),
    );
    const flow = await monque.getFlow(stored.id);
    expect(flow).toMatchObject({ state: 'running', size: 3, counts: { pending: 1, blocked: 2 } });
    const again = await mongo.client.withSession((session) =>
      session.withTransaction(() => monque.enqueueFlow(GRAPH, { session, uniqueKey: 'once' })),
    );
    expect(again).toMatchObject({ id: stored.id, status: 'existing' });
    expect(await jobsIn(mongo.db).countDocuments({ flow: stored.id })).toBe(3);
  });

  test('takes the key of one that is finished', async () => {
    const monque = scheduler();
    const store = () =>
      mongo.client.withSession((session) =>
        session.withTransaction(() => monque.enqueueFlow(GRAPH, { session, uniqueKey: 'again' })),
      );
    const first = await store();
    await jobsIn(mongo.db).updateMany({ flow: first.id }, { $set: { status: 'completed' } });
    const second = await store();
    expect(second.status).toBe('enqueued');
    expect(await store()).toMatchObject({ id: second.id, status: 'existing' });
  });

  test('is not there when that is aborted', async () => {
    const monque = scheduler();
    const ids: unknown[] = [];
    const aborted = mongo.client.withSession((session) =>
      session.withTransaction(async () => {
        ids.push((await monque.enqueueFlow(GRAPH, { session })).id);
        throw new Error('not after all');
      }),
    );
    await expect(aborted).rejects.toThrow('not after all');
    expect(await jobsIn(mongo.db).countDocuments()).toBe(0);
    expect(await monque.getFlow(ids[0] as string)).toBeNull();
  });
});

describe('a transaction that finds the key of a flow taken', () => {
  const GRAPH: FlowGraph = { jobs: { a: { name: NAME }, b: { name: NAME, after: ['a'] } } };

  /** What each try found; `meanwhile` happens after the snapshot of the first. */
  async function triesOf(uniqueKey: string, meanwhile: () => Promise<unknown>): Promise<string[]> {
    const monque = scheduler();
    const tries: string[] = [];
    await mongo.client.withSession((session) =>
      session.withTransaction(async () => {
        await jobsIn(mongo.db).findOne({}, { session });
        if (tries.push('begun') === 1) await meanwhile();
        tries.push((await monque.enqueueFlow(GRAPH, { session, uniqueKey })).status);
      }),
    );
    return tries;
  }

  test('tries again when that flow was finished since it began', async () => {
    const { id: flow } = await scheduler().enqueueFlow(GRAPH, { uniqueKey: 'finished' });
    const finish = { $set: { status: 'completed' } } as const;
    const tries = await triesOf('finished', () => jobsIn(mongo.db).updateMany({ flow }, finish));
    expect(tries).toEqual(['begun', 'begun', 'enqueued']);
  });

  test('tries again when that flow was given up since it began', async () => {
    const { flowId } = await openedFlow('given up');
    const abandon = () => mongo.ledger.closeFlow({ flowId, state: 'abandoned' });
    expect(await triesOf('given up', abandon)).toEqual(['begun', 'begun', 'enqueued']);
  });

  test('shows nothing of that, whatever the flow is doing', async () => {
    const flow = await openedFlow('shown');
    const nothing = async () => undefined;
    expect(await triesOf('shown', nothing)).toEqual(['begun', 'existing']);
    expect((await mongo.ledger.readFlow({ flowId: flow.flowId }))?.flow).toEqual(flow);

    const { id, jobs } = await scheduler().enqueueFlow(GRAPH, { uniqueKey: 'waiting' });
    expect(await triesOf('waiting', nothing)).toEqual(['begun', 'existing']);
    const last = await mongo.ledger.getJob({ jobId: jobs.b?._id as ObjectId });
    expect(Object.keys(last ?? {})).not.toContain('keptFor');
    await jobsIn(mongo.db).updateMany({ flow: id }, { $set: { status: 'processing' } });
    expect(await triesOf('waiting', nothing)).toEqual(['begun', 'existing']);
  });

  test('writes nothing in a session without a transaction', async () => {
    const flow = await openedFlow('plain session');
    const opened = await mongo.client.withSession((session) =>
      scheduler().enqueueFlow(GRAPH, { session, uniqueKey: 'plain session' }),
    );
    expect(opened).toMatchObject({ id: flow.flowId, status: 'existing' });
    const stored = await flowsIn().findOne({ _id: flow.flowId as never });
    expect(Object.keys(stored ?? {})).not.toContain('keptFor');
  });

  /** One that is being stored. */
  async function openedFlow(uniqueKey: string): Promise<FlowRecord> {
    const flow = { flowId: new ObjectId(), state: 'storing', createdAt: new Date() } as const;
    const record: FlowRecord = { ...flow, size: 1, version: 0, uniqueKey };
    await mongo.ledger.openFlow({ flow: record, createdBefore: at(0) });
    return record;
  }
});

test('jobs without a flow have no key in the indexes of flows', async () => {
  const monque = scheduler();
  await monque.enqueueMany(Array.from({ length: 50 }, () => ({ name: NAME })));
  const { keysPerIndex } = await mongo.db.command({ validate: jobsIn(mongo.db).collectionName });
  const ofFlows = ['monque_feeds', 'monque_waiting', 'monque_flow'];
  expect(ofFlows.map((name) => keysPerIndex[name])).toEqual([0, 0, 0]);
});

test('a page of flows reads its flows alone within the index of ids, and no key of a flow', async () => {
  for (let index = 0; index < 20; index += 1) {
    const flow = {
      flowId: new ObjectId(),
      state: 'stored',
      createdAt: at(0),
      size: 1,
      uniqueKey: `key ${index}`,
    } as const;
    await mongo.ledger.openFlow({ flow, createdBefore: at(0) });
  }
  const [first] = await mongo.ledger.readFlows({ limit: 1 });
  const [look] = await mongo.log.during(() =>
    mongo.ledger.readFlows({ limit: 5, ...(first && { after: first.flowId }) }),
  );
  const { keys, documents, indexes } = await explain(mongo.db, look as Document);
  expect({ keys, documents, indexes }).toEqual({ keys: 5, documents: 5, indexes: ['_id_'] });
});

test('a sweep where no job waits and every flow has ended is three reads, of no key and no document', async () => {
  await mongo.ledger.enqueue({ jobs: [] });
  await flowsIn().deleteMany({});
  const ended = { flowId: new ObjectId(), state: 'stored', createdAt: at(0), size: 0 } as const;
  await mongo.ledger.openFlow({ flow: { ...ended, version: 0 }, createdBefore: at(0) });
  await release([endToken(ended.flowId)]);
  const looks = await mongo.log.during(() =>
    mongo.ledger.sweepFlows({ limit: 200, createdBefore: at(0) }),
  );
  const read = await Promise.all(looks.map((look) => explain(mongo.db, look)));
  expect(read.map(({ keys, documents, indexes }) => [keys, documents, indexes])).toEqual([
    [0, 0, ['monque_waiting']],
    [0, 0, ['_id_']],
    // Of the records those that are older.
    [0, 0, ['_id_']],
  ]);
});

test('a flow that has ended leaves the list of the open ones with the next sweep when that was not written', async () => {
  await flowsIn().deleteMany({});
  const flow = { flowId: new ObjectId(), state: 'stored', createdAt: at(0), size: 0 } as const;
  await mongo.ledger.openFlow({ flow: { ...flow, version: 0 }, createdBefore: at(0) });
  // As a process leaves it that died after the end was recorded.
  const token = endToken(flow.flowId);
  await release([token]);
  await flowsIn().insertOne({ _id: token, version: 0 });
  const sweep = () => mongo.ledger.sweepFlows({ limit: 200, createdBefore: at(0) });
  expect(await sweep()).toEqual({ tokens: [token] });
  const again = { tokens: [{ token }], now: new Date(), limit: 10 };
  expect((await mongo.ledger.releaseWaiting(again)).ended).toBeUndefined();
  expect(await sweep()).toEqual({ tokens: [] });
});

test('a flow in the list of the open ones of which there is no record leaves it with the next sweep', async () => {
  await flowsIn().deleteMany({});
  // As two processes leave it of which one opens a flow again that the other forgets.
  const token = endToken(new ObjectId());
  await flowsIn().insertOne({ _id: token, version: 2 });
  const sweep = () => mongo.ledger.sweepFlows({ limit: 200, createdBefore: at(0) });
  expect(await sweep()).toEqual({ tokens: [token] });
  expect(await release([token])).toBe(0);
  expect(await sweep()).toEqual({ tokens: [] });
});
