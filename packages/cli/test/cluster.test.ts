import { gate, type Job, Monque, stage } from '@monque/core';
import type { Db } from 'mongodb';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { uriOf } from '../../core/test/package/mongo-uri.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';
import { until } from '../../core/test/setup/until.ts';
import { runner } from './setup/io.ts';

const NO_ID = '665f1f77bcf86cd799439011';

describeWithMongo('the commands on the cluster', () => {
  let db: Db;
  let monque: Monque;
  let monqueCli: ReturnType<typeof runner>;

  beforeEach(async () => {
    db = await getTestDb('cli_cluster');
    monque = new Monque(db);
    monqueCli = runner(uriOf(db.databaseName));
    return async () => {
      await monque.stop();
      await cleanupTestDb(db);
    };
  });

  afterAll(closeMongoDb);

  test('status says that all is well, or what is not, with an exit code', async () => {
    monque.worker('email', () => undefined);
    await monque.start();
    const well = await monqueCli('status');
    expect(well).toMatchObject({
      ...{ code: 0, err: '' },
      out: 'well  1 live instance, 0 running jobs, 0 due jobs\n',
    });
    await monque.enqueue('emial');
    const bad = await monqueCli('status');
    expect(bad.code).toBe(1);
    expect(bad.out).toMatch(/^problems .*1 due job\n! 'emial' has 1 due job, and no live instance/);
    const { records, code } = await monqueCli('status', '--json');
    expect(code).toBe(1);
    expect(records).toMatchObject([
      { isWell: false, instances: 1, due: 1, dueIsCut: false, problems: [{ kind: 'noWorker' }] },
    ]);
  });

  test('status reports names that are late, paused or without anybody, and mixed versions', async () => {
    const kinds = async (...options: string[]): Promise<string[]> => {
      const { records } = await monqueCli('status', '--json', ...options);
      return records[0].problems.map(({ kind }: { kind: string }) => kind);
    };
    await monque.enqueue('email');
    expect(await kinds()).toEqual(['noInstance']);
    await monque.pause('email');
    expect(await kinds()).toEqual(['noInstance', 'pausedDue']);
    await monque.resume('email');
    const others = new Monque(db, { defaultConcurrency: 1 });
    let end = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      end = resolve;
    });
    others.worker('email', () => held);
    await others.start();
    await monque.enqueueMany(Array.from({ length: 3 }, () => ({ name: 'email' })));
    expect(await kinds()).toEqual([]);
    expect(await kinds('--max-queue-lag', '1ms')).toEqual(['queueLag']);
    const info = { ...(await firstInfo()), version: '0.0.1' };
    const lease = { counter: 1, status: 'live', leaseDurationMs: 60_000 };
    const instances = db.collection<{ _id: string }>('monque_jobs.instances');
    await instances.insertOne({ _id: 'older', ...lease, info } as never);
    expect(await kinds()).toEqual(['mixedVersions']);
    const well = await monqueCli('status');
    expect(well).toMatchObject({
      code: 0,
      out: expect.stringContaining('- Instances of different'),
    });
    // An instance that does not name all of its workers may have one for any name.
    await monque.enqueue('unknown');
    const silent = { info: { ...info, unnamedWorkers: 2 } };
    await instances.updateOne({ _id: 'older' }, { $set: silent } as never);
    expect(await kinds()).toEqual(['mixedVersions']);
    await others.pause('email');
    end();
    await others.stop();
  });

  async function firstInfo(): Promise<object> {
    const [lease] = await db.collection('monque_jobs.instances').find().toArray();
    return lease?.info;
  }

  test('status reports dead instances that hold jobs', async () => {
    const { _id } = await monque.enqueue('email');
    const claim = { status: 'processing', claimedBy: 'lost', claimToken: 'x', fence: 1 };
    await db.collection('monque_jobs').updateOne({ _id }, { $set: claim });
    const { records } = await monqueCli('status', '--json');
    expect(records[0].problems).toMatchObject([
      { kind: 'deadInstance', message: 'Instance lost is not on record and holds 1 job' },
    ]);
  });

  test('names shows what waits for each, and pauses and resumes one', async () => {
    monque.worker('email', () => undefined);
    expect((await monqueCli('names', 'pause', 'email')).err).toMatch(/^'email' is paused; /);
    // It knows of the pause from its start.
    await monque.start();
    await monque.enqueue('email');
    const shown = await monqueCli('names');
    expect(shown.out).toMatch(/^NAME +STATE +WORKERS +DUE +LAG\nemail +paused +1 +1/);
    const { records } = await monqueCli('names', 'list', '--json');
    expect(records).toMatchObject([{ name: 'email', isPaused: true, due: 1, instances: 1 }]);
    expect((await monqueCli('names', 'resume', 'email')).err).toMatch(/^'email' goes on; /);
    await until('the job to run', async () => (await monque.getJobs())[0]?.status === 'completed');
    expect((await monqueCli('names')).out).toMatch(/email +open/);
    const wrong = await monqueCli('names', 'pause', '');
    expect(wrong).toMatchObject({ code: 2, out: '' });
  });

  test('names says when there are none, and when there are more than it shows', async () => {
    expect((await monqueCli('names')).err).toBe('No name has jobs, a worker or a pause.\n');
    const names = Array.from({ length: 201 }, (_, index) => ({ name: `name-${index}` }));
    await monque.enqueueMany(names);
    expect((await monqueCli('names')).err).toBe('There are more names with pending jobs.\n');
  });

  test('instances shows who runs jobs, and what others hold', async () => {
    const none = await monqueCli('instances');
    expect(none).toMatchObject({ code: 0, out: '', err: 'No instance is on record.\n' });
    // One that gives the jobs of the dead back would remove their records.
    monque = new Monque(db, { recoverStaleJobs: false });
    monque.worker('email', () => undefined);
    await monque.start();
    const { _id } = await monque.enqueue('other');
    const locked = { status: 'processing', lockedAt: new Date() };
    await db.collection('monque_jobs').updateOne({ _id }, { $set: locked });
    const instances = db.collection<{ _id: string }>('monque_jobs.instances');
    await instances.insertOne({
      _id: 'older',
      counter: 1,
      status: 'dead',
      leaseDurationMs: 1,
    } as never);
    const { out, err } = await monqueCli('instances');
    expect(out).toMatch(/^INSTANCE +STATE +HOST/);
    expect(out).toMatch(new RegExp(`alive .* ${process.pid} .* email\n`));
    expect(out).toMatch(/older +dead/);
    expect(err).toBe('Other tools without a lease hold 1 job.\n');
    const { records } = await monqueCli('instances', '--json');
    expect(records).toMatchObject([
      { state: 'alive', info: { pid: process.pid } },
      { state: 'dead' },
    ]);
  });

  test('gates shows who waits, and opens one on evidence', async () => {
    expect((await monqueCli('gates')).err).toBe('No job waits at a gate.\n');
    const stages = [gate('paid', { timeout: 1_800_000 }), stage('send', () => 'sent')];
    monque.worker('order', { stages });
    await monque.start();
    const job: Job = await monque.enqueue('order');
    const id = String(job._id);
    await until('the job to wait', async () => (await monque.getJob(id))?.status === 'blocked');
    await monque.enqueueFlow({
      jobs: { parent: { name: 'later' }, child: { name: 'order', after: ['parent'] } },
    });
    const atGates = (await monqueCli('gates', '--json')).records;
    expect(atGates).toMatchObject([{ id, gate: 'paid' }]);
    const newest = await monqueCli('gates', '--limit', '1', '--gate', 'other');
    expect(newest.err).toBe(
      'None of the jobs looked at waits at a gate.\nThere may be more; raise --limit.\n',
    );
    const shown = await monqueCli('gates', 'list', '--name', 'order', '--gate', 'paid');
    expect(shown.out).toMatch(new RegExp(`${id} +order +paid +.* ago +in \\d+m`));
    const { records, err } = await monqueCli('gates', '--json', '--limit', '1');
    expect(records).toMatchObject([{ id, name: 'order', gate: 'paid' }]);
    expect(err).toBe('There may be more; raise --limit.\n');
    expect((await monqueCli('gates', '--gate', 'other')).out).toBe('');
    const evidence = ['--evidence', '{"invoice":7}', '--as', 'ann'];
    const opened = await monqueCli('gates', 'open', id, 'paid', ...evidence);
    expect(opened).toMatchObject({
      code: 0,
      err: `The gate 'paid' is open; the job is pending.\n`,
    });
    expect(await monque.waitFor(id)).toBe('sent');
    const { gates } = (await monque.getJob(id)) as Job;
    expect(gates).toMatchObject([{ name: 'paid', by: 'ann', evidence: { invoice: 7 } }]);
    const refused = await monqueCli('gates', 'open', id, 'paid', '--evidence', '1');
    expect(refused.code).toBe(4);
    expect((await monqueCli('gates', 'open', NO_ID, 'paid', '--evidence', '1')).code).toBe(3);
  });
});
