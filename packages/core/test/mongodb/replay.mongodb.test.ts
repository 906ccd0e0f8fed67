// What the engine really asked of a ledger in memory, through crashes and lost answers, asked of MongoDB again.

import type { Db, MongoClient } from 'mongodb';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  ConnectionError,
  type Job,
  type LedgerRepository,
  Monque,
  UnknownOutcomeError,
} from '../../src/index.ts';
import { InMemoryLedgerRepository } from '../../src/ledger/memory/in-memory-ledger-repository.ts';
import type { RescueParams } from '../../src/ledger/verbs/upkeep.ts';
import {
  FaultyLedgerRepository,
  ManualClock,
  SeededRandom,
  seededFaults,
} from '../../src/testing/index.ts';
import { failCommand } from '../faults/fail-point.ts';
import { describeWithOwnMongo } from '../setup/mongodb.ts';
import { volume } from '../setup/volume.ts';
import { openLedger } from './jobs.ts';
import { APP_NAME, freshDb, type OwnServer, startOwnServer } from './own-server.ts';

const VERBS = [
  'enqueue',
  'claim',
  'readClaim',
  'settle',
  'cancel',
  'remove',
  'openLease',
  'renewLease',
  'declareDead',
  'endLease',
  'removeLease',
  'findClaimants',
  'readClaims',
  'rescue',
] as const;

type Verb = (typeof VERBS)[number];
type Ledger = Record<Verb, (params: unknown) => Promise<unknown>>;

interface RecordedCall {
  readonly verb: Verb;
  readonly params: unknown;
  answer: unknown;
}

/** Runs three schedulers with faults in virtual time and notes each call in the order it was carried out. */
async function record(seed: number): Promise<{ calls: RecordedCall[]; ledger: LedgerRepository }> {
  const clock = new ManualClock();
  const random = new SeededRandom(seed);
  const ledger = new InMemoryLedgerRepository({ clock });
  const calls = noteCalls(ledger);
  const rates = { failBefore: 0.05, failAfter: 0.08, failPartial: 0.05, delayMs: 40 };
  const machines = Array.from({ length: 3 }, (_, index) => {
    const network = { down: false };
    const lossy = seededFaults(random, rates);
    const faults: typeof lossy = (call) => (call.verb === 'readTime' ? {} : lossy(call));
    const chooseFault: typeof faults = (call) => (network.down ? { fail: 'before' } : faults(call));
    const monque = new Monque(new FaultyLedgerRepository(ledger, { clock, chooseFault }), {
      clock,
      random: new SeededRandom(seed * 10 + index),
      leaseDuration: 1_000,
      maxRetries: 3,
      baseRetryInterval: 100,
      shutdownTimeout: 0,
      logger: false,
    });
    monque.worker('work', async ({ data }) => {
      await new Promise<void>((resolve) => clock.setTimer(resolve, random.fraction() * 300));
      if (random.fraction() < 0.2) throw new Error(`no to ${data}`);
    });
    return { monque, network };
  });
  const [victim, ...others] = machines;
  const starts = machines.map(({ monque }) => monque.start().catch(() => undefined));
  await clock.advance(500);
  const enqueued = Array.from({ length: 40 }, async (_, index) => {
    const options = {
      priority: index % 3,
      ...(index % 4 === 0 && { uniqueKey: `key-${index % 8}` }),
    };
    const machine = others[index % 2];
    if (machine === undefined) throw new Error('Expected three machines');
    const { _id } = await machine.monque.enqueue('work', index, options);
    if (index % 9 === 0) await victim?.monque.cancelJob(_id).catch(() => undefined);
    if (index % 11 === 0) await victim?.monque.deleteJob(_id).catch(() => undefined);
  });
  await clock.advance(600);
  if (victim) victim.network.down = true;
  await clock.advance(30_000);
  await Promise.all([...starts, ...enqueued]);
  const stops = machines.map(({ monque }) => monque.stop());
  await clock.advance(60_000);
  await Promise.all(stops);
  return { calls, ledger };
}

/** A ledger in memory carries a call out at once, so the calls stand in the order of what they did. */
function noteCalls(ledger: InMemoryLedgerRepository): RecordedCall[] {
  const calls: RecordedCall[] = [];
  const verbs: Ledger = Reflect.get(ledger, 'verbs');
  for (const verb of VERBS) {
    const perform = verbs[verb];
    verbs[verb] = async (params) => {
      const call: RecordedCall = { verb, params, answer: undefined };
      calls.push(call);
      call.answer = await perform(params);
      return call.answer;
    };
  }
  return calls;
}

/** Answers in a form that two ledgers share: without order where none is promised. */
function comparable(verb: Verb, answer: unknown): unknown {
  if (verb === 'readClaims' || verb === 'findClaimants') {
    return (answer as unknown[]).map((item) => JSON.stringify(item)).sort();
  }
  if (verb === 'enqueue') {
    // A resend is answered with the job as it was sent, or as it stands now.
    const { answers } = answer as { answers: { outcome: string; job: Job }[] };
    return answers.map(({ outcome, job }) => `${outcome} ${job._id.toHexString()}`);
  }
  return JSON.parse(JSON.stringify(answer ?? null, (key, value) => (key === 'data' ? 0 : value)));
}

function idsOfJobs(calls: readonly RecordedCall[]): Job['_id'][] {
  return calls.flatMap(({ verb, params }) =>
    verb === 'enqueue' ? (params as { jobs: Job[] }).jobs.map(({ _id }) => _id) : [],
  );
}

describeWithOwnMongo('what the engine asked of a ledger in memory', (binary) => {
  let server: OwnServer;
  let client: MongoClient;
  let through: Db;
  let db: Db;

  beforeAll(async () => {
    server = await startOwnServer(binary);
    client = server.connect();
  });

  beforeEach(() => {
    const [first, second] = freshDb(client, server.direct);
    if (!first || !second) throw new Error('Expected two handles');
    [through, db] = [first, second];
  });

  afterEach(async () => {
    server.proxy.clear();
    await db.dropDatabase();
  });

  afterAll(() => server?.stop());

  async function expectSameJobs(
    memory: LedgerRepository,
    mongo: LedgerRepository,
    ids: Job['_id'][],
  ) {
    for (const jobId of ids) {
      const [one, other] = [await memory.getJob({ jobId }), await mongo.getJob({ jobId })];
      expect(comparable('cancel', other)).toEqual(comparable('cancel', one));
    }
  }

  /** Which claims a rescue takes first that may not take all is left to each ledger; in these runs none is cut. */
  test.each(volume([2, 13, 22], [2]))(
    'is answered by MongoDB in the same words (seed %i)',
    async (seed) => {
      const { calls, ledger } = await record(seed);
      const mongo = openLedger(through);
      expect(calls.filter(({ verb }) => verb === 'claim').length).toBeGreaterThan(5);
      const rescues = calls.filter(({ verb }) => verb === 'rescue');
      expect(rescues.filter(({ params }) => (params as RescueParams).limit === 1)).toEqual([]);
      for (const { verb, params, answer } of calls) {
        // A deadline was recorded in virtual time; a busy machine may take longer.
        const own = await (mongo as unknown as Ledger)[verb]({
          ...Object(params),
          deadlineMs: 10_000,
        });
        expect(comparable(verb, own), `${verb} ${JSON.stringify(params)}`).toEqual(
          comparable(verb, answer),
        );
      }
      await expectSameJobs(ledger, mongo, idsOfJobs(calls));
    },
  );

  test.each(volume([11, 12], [11]))(
    'ends in the same jobs when requests and replies are lost on the way (seed %i)',
    async (seed) => {
      const { calls, ledger } = await record(seed);
      const mongo = openLedger(through);
      await mongo.open();
      const random = new SeededRandom(seed);
      let unknown = 0;
      for (const { verb, params } of calls) {
        const command = verb === 'enqueue' ? 'insert' : 'update';
        const drawn = random.fraction();
        if (drawn < 0.1) server.proxy.dropReply({ command });
        else if (drawn < 0.2) server.proxy.dropRequest({ command });
        else if (drawn < 0.3) {
          const writeConcernError = { code: 64, errmsg: 'waiting for replication timed out' };
          await failCommand(server.direct, {
            failCommands: [command],
            appName: APP_NAME,
            ...(drawn < 0.25 ? { writeConcernError } : { errorCode: 11602 }),
          });
        }
        unknown += await askUntilAnswered(mongo, { verb, params });
        server.proxy.clear();
      }
      expect(unknown).toBeGreaterThan(10);
      await expectSameJobs(ledger, mongo, idsOfJobs(calls));
    },
  );
});

/** Asks as the engine does: again with the same words; but a claim is looked for by its token first. */
async function askUntilAnswered(
  mongo: LedgerRepository,
  { verb, params }: Pick<RecordedCall, 'verb' | 'params'>,
): Promise<number> {
  for (let unknown = 0; ; unknown += 1) {
    try {
      await (mongo as unknown as Ledger)[verb](params);
      return unknown;
    } catch (error) {
      if (!(error instanceof UnknownOutcomeError || error instanceof ConnectionError)) throw error;
      const claimed = verb === 'claim' ? await readBack(mongo, params) : [];
      if (claimed.length > 0) return unknown + 1;
    }
  }
}

async function readBack(mongo: LedgerRepository, params: unknown): Promise<readonly Job[]> {
  for (;;) {
    try {
      return await mongo.readClaim(params as Parameters<LedgerRepository['readClaim']>[0]);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
    }
  }
}
