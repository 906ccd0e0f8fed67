/**
 * A process of an earlier version, which knows of no orders, groups and flows, beside one of this version. What it sends
 * is written down here as it was, so that no change of this version changes it.
 */
import type { Collection, Document, Filter } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { Monque } from '../../src/index.ts';
import { mongoFixture } from './fixture.ts';
import { jobsIn } from './jobs.ts';

const mongo = mongoFixture('upgrade');

/** It runs no job of a higher version. */
const KNOWN_VERSION = 1;
/** A minute there. */
const LEFT_TO_OTHERS_MS = 150;
/** Its clock is ahead of the server's, so that it is early rather than late. */
const AHEAD_MS = 2_000;
const OLD = 'old-instance';

/** The claims of the earlier version, and what it does with a job that it cannot run. */
class EarlierProcess {
  readonly ran: Document[] = [];
  readonly setAside: Document[] = [];
  readonly #jobs: Collection<Document>;
  #tokens = 0;

  constructor(jobs: Collection<Document>) {
    this.#jobs = jobs;
  }

  /** Claims up to so many due jobs of these names. */
  async claim(names: readonly string[], limit: number): Promise<Document[]> {
    const now = new Date();
    const free = { status: 'pending', nextRunAt: { $lte: new Date(now.getTime() + AHEAD_MS) } };
    const due: Filter<Document> = {
      ...{ ...free, name: { $in: names }, _id: { $type: 'objectId' } },
      rescueCount: { $not: { $gte: 3 } },
    };
    const found = await this.#jobs
      .find(due, { projection: { _id: 1, name: 1 }, limit })
      .sort({ priority: 1, nextRunAt: 1, _id: 1 })
      .toArray();
    this.#tokens += 1;
    const claimToken = `old-${this.#tokens}`;
    const claimed = { claimToken, claimedBy: OLD, lockedAt: now, startedAt: now, updatedAt: now };
    await this.#jobs.updateMany(
      { _id: { $in: found.map(({ _id }) => _id) }, ...free, rescueCount: due.rescueCount },
      { $set: { status: 'processing', ...claimed }, $inc: { fence: 1 }, $unset: { startLock: '' } },
    );
    return this.#jobs.find({ status: 'processing', claimedBy: OLD, claimToken }).toArray();
  }

  /** Runs what it knows, and gives back what it does not. */
  async end(claimed: readonly Document[]): Promise<void> {
    for (const job of claimed) {
      const isKnown = job.documentVersion <= KNOWN_VERSION;
      (isKnown ? this.ran : this.setAside).push(job);
      const now = new Date();
      const set = isKnown
        ? { status: 'completed', finishedAt: now }
        : { status: 'pending', nextRunAt: new Date(now.getTime() + LEFT_TO_OTHERS_MS) };
      await this.#jobs.updateOne(
        { _id: job._id, status: 'processing', claimToken: job.claimToken, fence: job.fence },
        {
          $set: { ...set, updatedAt: now },
          $unset: { claimToken: '', claimedBy: '', lockedAt: '', cancelRequestedAt: '' },
        },
      );
    }
  }
}

async function setUp() {
  const jobs = jobsIn(mongo.db) as unknown as Collection<Document>;
  // As it writes it, without the newest version that it knows.
  await mongo.db.collection<Document>(`${jobs.collectionName}.instances`).insertOne({
    ...{ _id: OLD as never, counter: 0, status: 'live', leaseDurationMs: 600_000 },
  });
  const monque = new Monque(mongo.db, {
    collectionName: jobs.collectionName,
    logger: false,
    pollInterval: 200,
  });
  return { jobs, monque, earlier: new EarlierProcess(jobs) };
}

const NAMES = ['ordered', 'grouped', 'step', 'plain'];

describe('beside a process of an earlier version', () => {
  test('no job runs there that has an order, a group or a flow, and all run here as they are to', async () => {
    const { jobs, monque, earlier } = await setUp();
    const orders = new Map<string, number[]>();
    const groups = { now: new Map<string, number>(), most: 0 };
    const steps: string[] = [];
    monque.worker<{ key: string; place: number }>(
      'ordered',
      ({ data: { key, place } }) => {
        orders.set(key, [...(orders.get(key) ?? []), place]);
      },
      { order: {}, concurrency: 10 },
    );
    monque.worker<string>(
      'grouped',
      async ({ data: group }) => {
        const running = (groups.now.get(group) ?? 0) + 1;
        groups.now.set(group, running);
        groups.most = Math.max(groups.most, running);
        await new Promise(setImmediate);
        groups.now.set(group, running - 1);
      },
      { groups: { concurrency: 1 }, concurrency: 10 },
    );
    monque.worker('step', ({ ref = '' }) => {
      steps.push(ref);
    });
    for (let place = 0; place < 4; place += 1) {
      for (const key of ['a', 'b']) {
        await monque.enqueue('ordered', { key, place }, { order: key });
        await monque.enqueue('grouped', key, { group: key });
        await monque.enqueue('plain', place);
      }
    }
    await monque.enqueueFlow({
      jobs: {
        one: { name: 'step' },
        two: { name: 'step', after: ['one'] },
        three: { name: 'step', after: ['two'] },
      },
    });
    // Nothing else is there yet, so it gets all that is due; the children of the flow are not.
    await earlier.end(await earlier.claim(NAMES, 100));
    expect(earlier.setAside).toHaveLength(8 + 8 + 1);
    await monque.start();
    const isOver = async () => (await jobs.countDocuments({ status: { $ne: 'completed' } })) === 0;
    // A few times more, between the claims of the other.
    for (let round = 0; round < 20; round += 1) await earlier.end(await earlier.claim(NAMES, 3));
    await expect.poll(isOver, { timeout: 60_000, interval: 50 }).toBe(true);
    await monque.stop();
    expect(new Set(earlier.ran.map(({ name }) => name))).toEqual(new Set(['plain']));
    expect(orders).toEqual(
      new Map([
        ['a', [0, 1, 2, 3]],
        ['b', [0, 1, 2, 3]],
      ]),
    );
    expect(groups.most).toBe(1);
    expect(steps).toEqual(['one', 'two', 'three']);
  });
});
