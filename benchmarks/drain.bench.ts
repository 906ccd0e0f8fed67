/**
 * How fast a full queue is drained: the scheduler against the loop that most MongoDB job queues are, one
 * `findOneAndUpdate` a claim and one update a settle, with the same write concern, in the same run.
 *
 * @module
 */
import { type Job, Monque } from '@monque/core';
import { type Db, MongoClient } from 'mongodb';
import { expect, inject, test } from 'vitest';

const JOBS = Number(process.env.BENCHMARK_JOBS ?? 20_000);
const LOOP_JOBS = Math.min(JOBS, 4_000);
const CONCURRENCY = 50;
const ROUNDS = 3;
const LEAST_RATIO = 8;

test(`drains ${JOBS} no-op jobs at concurrency ${CONCURRENCY} at least ${LEAST_RATIO} times as fast as the loop`, async () => {
  const client = await new MongoClient(inject('mongoUri')).connect();
  const rates = { monque: [] as number[], loop: [] as number[] };
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      rates.monque.push(await withDb(client, drainWithMonque));
      rates.loop.push(await withDb(client, drainWithLoop));
    }
  } finally {
    await client.close();
  }
  const [monque, loop] = [median(rates.monque), median(rates.loop)];
  console.log(
    `monque ${rates.monque.map(Math.round).join(', ')} jobs/s (median ${Math.round(monque)}); ` +
      `loop ${rates.loop.map(Math.round).join(', ')} jobs/s (median ${Math.round(loop)}); ` +
      `ratio ${(monque / loop).toFixed(1)}`,
  );
  expect(monque / loop).toBeGreaterThanOrEqual(LEAST_RATIO);
});

async function withDb(client: MongoClient, drain: (db: Db) => Promise<number>): Promise<number> {
  const db = client.db('monque_benchmark');
  await db.dropDatabase();
  const rate = await drain(db);
  await db.dropDatabase();
  return rate;
}

/** Jobs a second, from the start to the last recorded completion. */
async function drainWithMonque(db: Db): Promise<number> {
  const monque = new Monque(db);
  await monque.enqueueMany(
    Array.from({ length: JOBS }, (_, index) => ({ name: 'noop', data: { index } })),
  );
  const drained = new Promise<void>((resolve) => {
    let completed = 0;
    monque.on('job:complete', () => {
      completed += 1;
      if (completed === JOBS) resolve();
    });
  });
  monque.worker('noop', async () => undefined, { concurrency: CONCURRENCY });
  const startedMs = performance.now();
  await monque.start();
  await drained;
  const rate = (JOBS / (performance.now() - startedMs)) * 1000;
  await monque.stop();
  const jobs = db.collection<Job>('monque_jobs');
  expect(await jobs.countDocuments({ status: 'completed', fence: 1 })).toBe(JOBS);
  return rate;
}

/** Jobs a second of 50 loops at once. */
async function drainWithLoop(db: Db): Promise<number> {
  const jobs = db.collection('loop_jobs', { writeConcern: { w: 'majority' } });
  await jobs.createIndex({ status: 1, nextRunAt: 1 });
  const nextRunAt = new Date();
  await jobs.insertMany(
    Array.from({ length: LOOP_JOBS }, (_, index) => ({
      name: 'noop',
      status: 'pending',
      nextRunAt,
      data: { index },
    })),
  );
  const drainOne = async (): Promise<boolean> => {
    const now = new Date();
    const job = await jobs.findOneAndUpdate(
      { status: 'pending', nextRunAt: { $lte: now } },
      { $set: { status: 'processing', lockedAt: now } },
      { sort: { nextRunAt: 1 } },
    );
    if (job === null) return false;
    const update = { $set: { status: 'completed', updatedAt: new Date() } };
    await jobs.updateOne({ _id: job._id, status: 'processing' }, update);
    return true;
  };
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      while (await drainOne());
    }),
  );
  const rate = (LOOP_JOBS / (performance.now() - startedMs)) * 1000;
  expect(await jobs.countDocuments({ status: 'completed' })).toBe(LOOP_JOBS);
  return rate;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Number(sorted[Math.floor(sorted.length / 2)]);
}
