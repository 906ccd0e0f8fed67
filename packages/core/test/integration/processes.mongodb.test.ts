import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Collection, Db } from 'mongodb';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { type Job, MongoLedgerRepository, Monque } from '../../src/index.ts';
import { ENTRY, ensureBuilt } from '../package/built.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';
import { volume } from '../setup/volume.ts';

const JOBS = volume(1_000, 300);

const SCRIPT = join(import.meta.dirname, 'worker-process.mjs');

describeWithMongo('three processes on one queue', () => {
  let db: Db;
  let jobs: Collection<Job>;
  const children: ChildProcess[] = [];

  beforeAll(ensureBuilt, 180_000);

  beforeEach(async () => {
    db = await getTestDb('processes');
    jobs = db.collection<Job>('monque_jobs');
    return async () => {
      for (const child of children.splice(0)) {
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      }
      await cleanupTestDb(db);
    };
  });

  afterAll(closeMongoDb);

  async function startProcess(options: Record<string, unknown>): Promise<ChildProcess> {
    const args = [ENTRY, inject('mongoUri'), db.databaseName, JSON.stringify(options)];
    const child = fork(SCRIPT, args);
    children.push(child);
    await until('the process is ready', () => once(child, 'message').then(() => true));
    return child;
  }

  async function stopProcess(child: ChildProcess): Promise<void> {
    const exited = once(child, 'exit');
    child.send('stop');
    await exited;
  }

  test('run many jobs, each handler once', async () => {
    const processes = await Promise.all([1, 2, 3].map(() => startProcess({ handlerMs: 0 })));
    const producer = new Monque(db);
    await producer.enqueueMany(Array.from({ length: JOBS }, () => ({ name: 'count' })));
    await until(
      'all jobs are completed',
      async () => (await jobs.countDocuments({ status: 'completed' })) === JOBS,
      20_000,
    );
    await Promise.all(processes.map(stopProcess));
    expect(await db.collection('runs').countDocuments()).toBe(JOBS);
    expect(await db.collection('runs').distinct('jobId')).toHaveLength(JOBS);
    expect(await db.collection('monque_jobs.instances').countDocuments()).toBe(0);
  });

  test('after SIGKILL of one, run all its jobs elsewhere within 8 seconds, and no late settle changes them', async () => {
    const options = { handlerMs: 400, leaseDuration: 3_000, defaultConcurrency: 20 };
    const [victim] = await Promise.all([1, 2, 3].map(() => startProcess(options)));
    const producer = new Monque(db);
    await producer.enqueueMany(Array.from({ length: 300 }, () => ({ name: 'count' })));
    const runs = db.collection<{ jobId: Job['_id']; pid: number }>('runs');
    const victimPid = Number(victim?.pid);
    await until(
      'the victim runs jobs',
      async () => (await runs.countDocuments({ pid: victimPid })) >= 20,
    );
    const [sample] = await runs.find({ pid: victimPid }).sort({ _id: -1 }).limit(1).toArray();
    const instanceId = (await jobs.findOne({ _id: sample?.jobId as Job['_id'] }))?.claimedBy;
    victim?.kill('SIGKILL');
    const killedAt = performance.now();
    const held = await jobs.find({ status: 'processing', claimedBy: String(instanceId) }).toArray();
    expect(held.length).toBeGreaterThan(0);
    const heldIds = held.map(({ _id }) => _id);
    await until(
      'the jobs of the victim ran elsewhere',
      async () =>
        (await jobs.countDocuments({ _id: { $in: heldIds }, status: 'completed' })) === held.length,
      20_000,
    );
    expect(performance.now() - killedAt).toBeLessThan(8_000);

    const before = await jobs.find({ _id: { $in: heldIds } }).toArray();
    const { answers } = await new MongoLedgerRepository(db).settle({
      settlements: held.map(({ _id, claimToken, fence }) => {
        return { verb: 'complete', jobId: _id, claimToken: String(claimToken), fence } as const;
      }),
      now: new Date(),
    });
    expect(answers).not.toContain('settled');
    expect(await jobs.find({ _id: { $in: heldIds } }).toArray()).toEqual(before);
    await until(
      'all jobs are completed',
      async () => (await jobs.countDocuments({ status: 'completed' })) === 300,
    );
  });
});
