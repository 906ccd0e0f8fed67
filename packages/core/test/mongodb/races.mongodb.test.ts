// What others do between the commands of one verb on flows, orders and groups, and what the server refuses.
import { type Document, ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import { systemRandom } from '../../src/foundation/random.ts';
import type { Job } from '../../src/index.ts';
import { endToken } from '../../src/job/flow-tokens.ts';
import { groupFields, laneOf, laneOfGroup, orderFields } from '../../src/job/lanes.ts';
import type {
  ClaimResult,
  FlowRecord,
  OpenFlowParams,
} from '../../src/ledger/ledger-repository.ts';
import type { MongoLedgerRepository } from '../../src/ledger/mongodb/mongo-ledger-repository.ts';
import { failCommand } from '../faults/fail-point.ts';
import { describeWithOwnMongo } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';
import { ownMongoFixture } from './fixture.ts';
import { at, JOB_NAME, jobsIn, makeJobs, openLedger, settlement } from './jobs.ts';
import { APP_NAME, between } from './own-server.ts';

describeWithOwnMongo('between the commands of one verb', (binary) => {
  const mongo = ownMongoFixture(binary);
  const lanes = () => mongo.db.collection<{ _id: string }>('jobs.lanes');
  const flows = () => mongo.db.collection<{ _id: string; flow?: ObjectId }>('jobs.flows');

  const withKey = (): OpenFlowParams => {
    const common = { state: 'storing', createdAt: at(0), size: 1, uniqueKey: 'k' } as const;
    const flow: FlowRecord = { flowId: new ObjectId(), ...common };
    return { flow, createdBefore: at(-1_000) };
  };
  const finished = async (): Promise<ObjectId> => {
    const { flow, ...rest } = withKey();
    await mongo.ledger.openFlow({ flow: { ...flow, state: 'stored' }, ...rest });
    return flow.flowId;
  };
  const holderOfKey = async () => (await flows().findOne({ _id: 'key:k' }))?.flow;
  /** Lets the server refuse what is written to a collection without this field. */
  const demand = (collection: string, field: string): Promise<Document> =>
    mongo.db.command({ collMod: collection, validator: { [field]: { $exists: true } } });

  test('the key of a flow may be given up, and is taken then', async () => {
    await finished();
    const params = withKey();
    const opened = mongo.ledger.openFlow(params);
    // After the record came, and after the key was refused.
    const giveUp = () => flows().deleteOne({ _id: 'key:k' });
    await Promise.all([between(mongo.server, 'insert', [async () => {}, giveUp]), opened]);
    expect((await opened).outcome).toBe('opened');
    expect(await holderOfKey()).toEqual(params.flow.flowId);
  });

  test('the key of a finished flow may be taken by another, which has it then', async () => {
    await finished();
    const rival = withKey();
    const opened = mongo.ledger.openFlow(withKey());
    // After the key, its flow, and the jobs of that were read.
    const take = () => mongo.rival.openFlow(rival);
    const idle = async (): Promise<void> => {};
    await Promise.all([between(mongo.server, 'find', [idle, idle, take]), opened]);
    expect(await opened).toMatchObject({
      ...{ outcome: 'existing', flow: { flowId: rival.flow.flowId } },
    });
    expect(await holderOfKey()).toEqual(rival.flow.flowId);
    expect(await flows().countDocuments({ state: 'storing' } as Document)).toBe(1);
  });

  test('the server may refuse a flow, or its key, and that is reported', async () => {
    await finished();
    await demand('jobs.flows', 'never');
    await expect(mongo.ledger.openFlow(withKey())).rejects.toMatchObject({
      code: 'LEDGER_REFUSED',
    });
    await flows().deleteOne({ _id: 'key:k' });
    await demand('jobs.flows', 'size');
    await expect(mongo.ledger.openFlow(withKey())).rejects.toMatchObject({
      code: 'LEDGER_REFUSED',
    });
    expect(await holderOfKey()).toBeUndefined();
  });

  interface Kind {
    readonly fields: (key: string) => Partial<Job>;
    readonly lane: (key: string) => string;
    readonly claim: (ledger: MongoLedgerRepository, deadlineMs?: number) => Promise<ClaimResult>;
  }

  const params = (deadlineMs?: number) => ({
    ...{ instanceId: 'me', claimToken: systemRandom.token(), now: at(1_000), suspects: false },
    ...(deadlineMs !== undefined && { deadlineMs }),
  });

  const orders: Kind = {
    fields: orderFields,
    lane: laneOf,
    claim: (ledger, deadlineMs) => {
      const wanted = [{ name: JOB_NAME, limit: 10, halts: false }];
      return ledger.claimOrders({ demand: wanted, ...params(deadlineMs) });
    },
  };

  const groups: Kind = {
    fields: (key) => groupFields(key, 0),
    lane: laneOfGroup,
    claim: (ledger, deadlineMs) =>
      ledger.claimGroups({ demand: [{ name: JOB_NAME, limit: 10 }], ...params(deadlineMs) }),
  };

  const put = async ({ fields }: Kind, ...keys: readonly string[]): Promise<void> => {
    const one = { name: JOB_NAME, now: at(0), concurrency: 1 };
    await mongo.ledger.setGroup(one);
    const jobs = makeJobs(keys.length).map((job, index) => ({
      ...job,
      ...fields(keys[index] as string),
    }));
    await mongo.ledger.enqueue({ jobs });
  };

  const KINDS: [string, Kind][] = [
    ['orders', orders],
    ['groups', groups],
  ];

  test.each(KINDS)(
    'a claim for %s that was given up while it searched claims nothing later',
    async (_, kind) => {
      await put(kind, 'a');
      const held = mongo.server.proxy.holdReply({ command: 'aggregate' });
      const late = kind.claim(mongo.ledger, 100);
      late.catch(() => undefined);
      await held.entered();
      await expect(late).rejects.toMatchObject({ code: 'UNKNOWN_OUTCOME' });
      held.release();
      const id = `${JOB_NAME.length}/${JOB_NAME}/${kind.lane('a')}`;
      await until('its lane to be named', () => lanes().findOne({ _id: id }));
      // A reply that comes later shows that the one before was dealt with.
      await mongo.ledger.readLeases();
      expect(await jobsIn(mongo.db).distinct('status')).toEqual(['pending']);
      expect((await kind.claim(mongo.ledger)).jobs).toHaveLength(1);
    },
  );

  test.each(KINDS)('of %s those are claimed that nobody changed meanwhile', async (_, kind) => {
    await put(kind, 'a', 'b', 'a', 'b');
    const { jobs } = await kind.claim(mongo.ledger);
    const settlements = jobs.map((job) => settlement('complete', job));
    await mongo.ledger.settle({ settlements, now: at(1_000) });
    const _id = `${JOB_NAME.length}/${JOB_NAME}/${kind.lane('a')}`;
    const claimed = kind.claim(mongo.ledger);
    const change = () => lanes().updateOne({ _id }, { $set: { token: 'of another' } });
    await Promise.all([between(mongo.server, 'find', [change]), claimed]);
    const keys = (await claimed).jobs.map(({ order, group }) => order ?? group);
    expect(keys).toEqual(['b']);
  });

  test.each(KINDS)(
    'the server may refuse a lane of %s, and nothing of it starts',
    async (_, kind) => {
      await put(kind, 'a');
      await demand('jobs.lanes', 'never');
      await expect(kind.claim(mongo.ledger)).rejects.toMatchObject({ code: 'LEDGER_REFUSED' });
      expect(await jobsIn(mongo.db).distinct('status')).toEqual(['pending']);
    },
  );

  test('a suspect that was named and not claimed is claimed as a suspect alone', async () => {
    await put(groups);
    const [job] = makeJobs(1) as [Job];
    const suspect = { ...job, ...groupFields('crashed', 0), rescueCount: 2 };
    await jobsIn(mongo.db).insertOne(suspect, { ignoreUndefined: true });
    const [plain] = makeJobs(1) as [Job];
    await mongo.ledger.enqueue({ jobs: [{ ...plain, ...groupFields('crashed', 0) }] });
    const _id = `${JOB_NAME.length}/${JOB_NAME}/${laneOfGroup('crashed')}`;
    const held = [{ job: suspect._id, fence: 1 }];
    await lanes().insertOne({ _id, held, token: 'of who crashed', usedAt: at(0) } as never);
    expect((await groups.claim(mongo.ledger)).jobs).toEqual([]);
    const alone = { demand: [{ name: JOB_NAME, limit: 1 }], ...params(), suspects: true };
    const { jobs } = await mongo.ledger.claimGroups(alone);
    expect(jobs.map((one) => one._id)).toEqual([suspect._id]);
  });

  test('who may not list collections goes without the check of their kinds', async () => {
    const { direct } = mongo.server;
    const listing = { failCommands: ['listCollections'], appName: APP_NAME };
    await failCommand(direct, { ...listing, errorCode: 13 });
    await openLedger(mongo.through).open();
    await failCommand(direct, { ...listing, errorCode: 2 });
    await expect(openLedger(mongo.through).open()).rejects.toMatchObject({
      code: 'LEDGER_REFUSED',
    });
  });

  test('what the server refuses while failed jobs are counted is reported', async () => {
    const data = { failCommands: ['find'], appName: APP_NAME, errorCode: 50 };
    const failPoint = await failCommand(mongo.server.direct, data);
    const most = { mostNames: 1, mostJobs: 1, mostFailed: 1 };
    const counted = mongo.ledger.countDue({ now: at(0), names: [JOB_NAME], ...most });
    await expect(counted).rejects.toMatchObject({ cause: { code: 50 } });
    await failPoint.off();
  });

  test('a try to open a flow that comes late takes nothing away from one that was stored meanwhile', async () => {
    const common = { state: 'storing', createdAt: at(0), size: 1 } as const;
    const holder = { ...common, flowId: new ObjectId() };
    const flow = { ...holder, flowId: new ObjectId(), uniqueKey: 'late', version: 0 };
    const { ledger, rival, server } = mongo;
    await rival.openFlow({ flow: { ...holder, uniqueKey: 'late' }, createdBefore: at(0) });
    const blocked = { failCommands: ['delete'], appName: APP_NAME };
    const data = { ...blocked, blockConnection: true, blockTimeMS: 300 };
    const failPoint = await failCommand(server.direct, data);
    const late = ledger.openFlow({ flow, createdBefore: at(0) });
    await failPoint.entered(1);
    const again = await rival.openFlow({ flow, createdBefore: at(1) });
    const closed = await rival.closeFlow({ flowId: flow.flowId, state: 'stored' });
    expect([again.outcome, closed.state]).toEqual(['opened', 'stored']);
    expect((await late).outcome).toBe('existing');
    expect((await rival.readFlow({ flowId: flow.flowId }))?.flow.state).toBe('stored');
    const walk = await rival.sweepFlows({ limit: 10, createdBefore: at(0) });
    expect(walk.tokens).toContain(endToken(flow.flowId));
    await failPoint.off();
  });
});
