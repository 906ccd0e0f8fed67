import { Monque } from '@monque/core';
import { expect, test } from 'vitest';
import { describeWithMongo } from '../../core/test/setup/mongodb.ts';
import { ExitCode } from '../src/context/exit-codes.ts';
import { failedJobs, NO_ID, useHere } from './setup/here.ts';

describeWithMongo('why', () => {
  const here = useHere('cli_why');

  test('says in words why a job runs or does not, with an exit code by the kind', async () => {
    const { _id } = await here.monque.enqueue('email', {}, { delay: 600_000 });
    const alone = await here.monqueCli('why', String(_id));
    expect(alone.code).toBe(ExitCode.STUCK);
    expect(alone.out).toMatch(
      /^pending {2}It was enqueued for a later time.*\n {2}also: No instance/,
    );
    const [broken] = await failedJobs(here.monque, 'boom');
    const bad = await here.monqueCli('why', String(broken?._id), '--json');
    expect(bad).toMatchObject({ code: ExitCode.ENDED_BADLY });
    expect(bad.records).toMatchObject([{ state: 'failed', reason: 'failed', others: [] }]);
    expect((await here.monqueCli('why', NO_ID)).code).toBe(ExitCode.MISSING);
    const other = new Monque(here.db, { logger: false });
    other.worker('email', () => undefined);
    await other.start();
    expect((await here.monqueCli('why', String(_id))).code).toBe(ExitCode.WAITS);
    await other.stop();
  });

  test('tells a limit that lets none start from one that is full for a time', async () => {
    await here.monque.setLimit('api', { concurrency: 0 });
    here.monque.worker('email', () => undefined, { limits: ['api'] });
    await here.monque.start();
    const { _id } = await here.monque.enqueue('email');
    const shut = await here.monqueCli('why', String(_id));
    expect(shut).toMatchObject({ code: ExitCode.STUCK });
    expect(shut.out).toContain("Its limit 'api' lets no job start");
    const blockedUntil = new Date(Date.now() + 600_000);
    const jobs = here.db.collection('monque_jobs');
    await jobs.updateOne({ limitKey: 'api' }, { $set: { blockedUntil } });
    await here.monque.setLimit('api', { concurrency: 5 });
    const backedOff = await here.monqueCli('why', String(_id));
    expect(backedOff.out).toContain("Its limit 'api' was backed off from");
    expect(backedOff.code).toBe(ExitCode.WAITS);
  });

  test('tells a claim that nobody gives back from one that somebody does', async () => {
    const claimed = { status: 'processing', claimedBy: 'gone', claimToken: 'x', fence: 1 };
    const { _id } = await here.monque.enqueue('email');
    await here.db.collection('monque_jobs').updateOne({ _id }, { $set: claimed });
    expect((await here.monqueCli('why', String(_id))).code).toBe(ExitCode.STUCK);
    // An instance that is alive and gives jobs back, and does not come to it within this test.
    const info = { host: 'here', pid: 1, version: '0.0.0', startedAt: new Date() };
    const counts = { unnamedWorkers: 0, runningJobs: 0, bufferedJobs: 0 };
    const says = {
      ...info,
      ...counts,
      workers: [],
      reportedAt: new Date(),
      recoverStaleJobs: true,
    };
    const lease = {
      _id: 'other',
      counter: 1,
      status: 'live',
      leaseDurationMs: 600_000,
      info: says,
    };
    await here.db.collection('monque_jobs.instances').insertOne(lease as never);
    expect((await here.monqueCli('why', String(_id))).code).toBe(ExitCode.WAITS);
    await here.db.collection('monque_jobs.instances').deleteMany({});
    const unset = { $unset: { claimedBy: '', claimToken: '' } };
    await here.db.collection('monque_jobs').updateOne({ _id }, unset);
    const locked = await here.monqueCli('why', String(_id));
    expect([locked.code, locked.out]).toEqual([ExitCode.STUCK, expect.stringContaining('tool')]);
    const archive = here.db.collection('monque_jobs.archive');
    const document = await here.db.collection('monque_jobs').findOneAndDelete({ _id });
    await archive.insertOne({ ...document, _id, status: 'failed' });
    const archived = await here.monqueCli('why', String(_id));
    expect(archived).toMatchObject({ code: ExitCode.ENDED_BADLY });
    expect(archived.out).toContain('moved to the archive');
  });
});
