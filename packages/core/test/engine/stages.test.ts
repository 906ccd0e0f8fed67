import { describe, expect, test } from 'vitest';
import { discard, type Job, type StageContext, snooze, stage } from '../../src/index.ts';
import { deferred, makeOne, makeWorld, payloads } from './kit.ts';

const names = (job: Job | null): readonly string[] | undefined =>
  job?.stages?.map(({ name }) => name);

describe('a job with stages', () => {
  test('runs them in their order in one run, each given what those before it returned', async () => {
    const { monque, clock, events } = makeOne();
    const seen: unknown[] = [];
    monque.worker<{ url: string }>('import', {
      stages: [
        stage('download', (job: Job<{ url: string }>, { results, stage: own }) => {
          seen.push([own, results]);
          return { from: job.data.url };
        }),
        stage('parse', (_job, { results }: StageContext<{ download: { from: string } }>) => {
          seen.push(results.download.from);
          return 7;
        }),
        stage('store', (_job, { results, fence }) => ({ results, fence })),
      ],
    });
    await monque.start();
    const { _id } = await monque.enqueue('import', { url: 'x' });
    await clock.settle();
    const job = await monque.getJob(_id);
    const results = { download: { from: 'x' }, parse: 7 };
    expect(seen).toEqual([['download', {}], 'x']);
    expect(job).toMatchObject({ status: 'completed', fence: 1, result: { results, fence: 1 } });
    expect(job?.stages).toEqual([
      { name: 'download', at: expect.any(Date), result: { from: 'x' } },
      { name: 'parse', at: expect.any(Date), result: 7 },
      { name: 'store', at: expect.any(Date) },
    ]);
    expect(payloads(events, 'job:stage').map(({ stage: name }) => name)).toEqual([
      'download',
      'parse',
    ]);
    expect(payloads(events, 'job:start')).toHaveLength(1);
    expect(payloads(events, 'job:complete')).toMatchObject([{ job }]);
    await monque.stop();
  });

  test('goes on behind the last recorded stage when a stage failed', async () => {
    const { monque, clock } = makeOne();
    const runs: string[] = [];
    monque.worker('import', {
      stages: [
        stage('a', () => runs.push('a')),
        stage('b', (_job, { results }) => {
          runs.push('b');
          if (runs.length < 4) throw new Error('not yet');
          return results;
        }),
      ],
    });
    await monque.start();
    const { _id } = await monque.enqueue('import');
    await clock.advance(60_000);
    expect(runs).toEqual(['a', 'b', 'b', 'b']);
    const job = await monque.getJob(_id);
    expect(job).toMatchObject({ status: 'completed', failCount: 2, result: { a: 1 } });
    await monque.stop();
  });

  test('goes on elsewhere behind the last recorded stage when its instance died', async () => {
    const world = makeWorld();
    const [first, second] = [world.makeInstance(), world.makeInstance()];
    const runs: string[] = [];
    const stuck = deferred();
    for (const { monque } of [first, second]) {
      monque.worker('import', {
        stages: [
          stage('a', () => runs.push('a')),
          stage('b', () => {
            runs.push('b');
            return runs.length === 2 ? stuck.promise : undefined;
          }),
        ],
      });
    }
    await first.monque.start();
    const { _id } = await first.monque.enqueue('import');
    await world.clock.settle();
    first.network.down = true;
    await second.monque.start();
    await world.clock.advance(120_000);
    expect(runs).toEqual(['a', 'b', 'b']);
    expect(await second.monque.getJob(_id)).toMatchObject({ status: 'completed', rescueCount: 1 });
    stuck.resolve();
    first.network.down = false;
    await world.clock.advance(60_000);
    expect(names(await second.monque.getJob(_id))).toEqual(['a', 'b']);
    await Promise.all([first.monque.stop(), second.monque.stop()]);
  });

  test('a stage that ends under a claim that was taken away starts no other', async () => {
    const world = makeWorld();
    const [first, second] = [world.makeInstance(), world.makeInstance()];
    const runs: string[] = [];
    const stuck = deferred();
    const stages = (who: string) => [
      stage('a', () => {
        runs.push(`${who} a`);
        return who === 'first' ? stuck.promise : undefined;
      }),
      stage('b', () => runs.push(`${who} b`)),
    ];
    first.monque.worker('import', { stages: stages('first') });
    second.monque.worker('import', { stages: stages('second') });
    await first.monque.start();
    await first.monque.enqueue('import');
    await world.clock.settle();
    first.network.down = true;
    await second.monque.start();
    await world.clock.advance(120_000);
    stuck.resolve();
    await world.clock.settle();
    first.network.down = false;
    await world.clock.advance(120_000);
    expect(runs).toEqual(['first a', 'second a', 'second b']);
    expect(payloads(first.events, 'job:lost')).toHaveLength(1);
    await Promise.all([first.monque.stop(), second.monque.stop()]);
  });

  test('starts no other stage while its lease is not held, and goes on behind it', async () => {
    const { monque, clock, faulty } = makeOne();
    const runs: string[] = [];
    monque.worker('import', {
      stages: [
        stage('a', (_job, { fence }) => {
          runs.push(`a ${fence}`);
          // A machine that was suspended: its timers do not know yet. The record is answered before the renewal.
          faulty.plan('renewLease', { delayAfterMs: 500 });
          clock.jumpWall(120_000);
        }),
        stage('b', (_job, { fence }) => runs.push(`b ${fence}`)),
      ],
    });
    await monque.start();
    const { _id } = await monque.enqueue('import');
    await clock.advance(60_000);
    expect(runs).toEqual(['a 1', 'b 2']);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', failCount: 0 });
    await monque.stop();
  });

  test('a lost answer to a record does not run the stage again', async () => {
    for (const fail of ['before', 'after'] as const) {
      const { monque, clock, faulty } = makeOne();
      const runs: string[] = [];
      monque.worker('import', {
        stages: [stage('a', () => runs.push('a')), stage('b', () => runs.push('b'))],
      });
      await monque.start();
      faulty.plan('checkpoint', { fail }, 3);
      const { _id } = await monque.enqueue('import');
      await clock.advance(5_000);
      expect(runs).toEqual(['a', 'b']);
      expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', fence: 1 });
      expect(faulty.calls('checkpoint')).toBe(4);
      await monque.stop();
    }
  });

  test('a request to cancel between two stages ends the job before the next', async () => {
    const { monque, clock, ledger } = makeOne();
    const runs: string[] = [];
    monque.worker('import', {
      stages: [
        stage('a', async (job) => {
          runs.push('a');
          // Not told to the engine: the ledger alone knows.
          await ledger.cancel({ jobId: job._id, now: new Date(clock.now()) });
        }),
        stage('b', () => runs.push('b')),
      ],
    });
    await monque.start();
    const { _id } = await monque.enqueue('import');
    await clock.advance(1_000);
    expect(runs).toEqual(['a']);
    const job = await monque.getJob(_id);
    expect(job?.status).toBe('cancelled');
    expect(names(job)).toEqual(['a']);
    await monque.stop();
  });

  test('an outage during a record ends with a request to cancel, or at a stop', async () => {
    for (const end of ['cancelJob', 'stop'] as const) {
      const { monque, clock, faulty } = makeOne({ shutdownTimeout: 1_000 });
      monque.worker('import', { stages: [stage('a', () => 1), stage('b', () => 2)] });
      await monque.start();
      faulty.plan('checkpoint', { fail: 'before' }, 1_000);
      const { _id } = await monque.enqueue('import');
      await clock.advance(2_000);
      const ended = end === 'stop' ? monque.stop() : monque.cancelJob(_id);
      await clock.advance(60_000);
      await ended;
      const status = end === 'stop' ? 'pending' : 'cancelled';
      expect(await monque.getJob(_id)).toMatchObject({ status });
      await monque.stop();
    }
  });

  test('a record that the ledger refuses for good counts as a failure', async () => {
    const { monque, clock, ledger, events } = makeOne({ maxRetries: 1 });
    monque.worker('import', {
      stages: [
        stage('a', async ({ _id: jobId, claimToken = '' }) => {
          const record = { name: 'other', at: new Date(clock.now()) };
          const now = new Date(clock.now());
          const known = { stagesBefore: [], gatesBefore: [], now };
          await ledger.checkpoint({ jobId, claimToken, record, ...known });
        }),
        stage('b', () => 2),
      ],
    });
    await monque.start();
    const { _id } = await monque.enqueue('import');
    await clock.advance(1_000);
    const job = await monque.getJob(_id);
    expect(job).toMatchObject({ status: 'failed' });
    expect(job?.failReason).toContain("The ledger refused to record stage 'a'");
    expect(payloads(events, 'job:stage')).toEqual([]);
    await monque.stop();
  });

  test('an error of the ledger that cannot pass counts as a failure', async () => {
    const { monque, clock, faulty } = makeOne({ maxRetries: 1 });
    monque.worker('import', { stages: [stage('a', () => 1), stage('b', () => 2)] });
    await monque.start();
    const refuse = (): never => {
      throw new TypeError('The document is too large');
    };
    faulty.plan('checkpoint', { onArrival: refuse });
    const { _id } = await monque.enqueue('import');
    await clock.advance(1_000);
    expect(await monque.getJob(_id)).toMatchObject({
      status: 'failed',
      failReason: 'The document is too large',
    });
    await monque.stop();
  });

  test('a stop waits for the running stage alone, and the job goes on behind it', async () => {
    const { monque, clock } = makeOne();
    const runs: string[] = [];
    const going = deferred();
    monque.worker('import', {
      stages: [stage('a', () => going.promise), stage('b', () => runs.push('b'))],
    });
    await monque.start();
    const { _id } = await monque.enqueue('import');
    await clock.settle();
    const stopped = monque.stop();
    going.resolve();
    await clock.settle();
    await stopped;
    const job = await monque.getJob(_id);
    expect(job).toMatchObject({ status: 'pending', failCount: 0 });
    expect(names(job)).toEqual(['a']);
    await monque.start();
    await clock.advance(2_000);
    expect(runs).toEqual(['b']);
    await monque.stop();
  });

  test('the timeout is that of the whole run; a stage that ends at the abort is recorded all the same', async () => {
    const { monque, clock } = makeOne();
    const runs: string[] = [];
    const first = deferred();
    monque.worker(
      'import',
      {
        stages: [
          stage('a', () => runs.push('a')),
          stage('b', (_job, { signal }) => {
            runs.push('b');
            signal.addEventListener('abort', () => first.resolve());
            return first.promise;
          }),
          stage('c', () => runs.push('c')),
        ],
      },
      { timeout: 500 },
    );
    await monque.start();
    const { _id } = await monque.enqueue('import');
    await clock.advance(30_000);
    expect(runs).toEqual(['a', 'b', 'c']);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', failCount: 1 });
    await monque.stop();
  });

  test('a stage may end the run as any handler may', async () => {
    const { monque, clock } = makeOne();
    let snoozed = false;
    monque.worker('import', {
      stages: [
        stage('a', () => 1),
        stage('b', () => {
          if (snoozed) return discard('of no use');
          snoozed = true;
          return snooze(5_000);
        }),
      ],
    });
    await monque.start();
    const { _id } = await monque.enqueue('import');
    await clock.advance(1_000);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'pending', failCount: 0 });
    await clock.advance(10_000);
    const job = await monque.getJob(_id);
    expect(job).toMatchObject({ status: 'failed', failReason: 'of no use' });
    expect(names(job)).toEqual(['a']);
    await monque.stop();
  });

  test('a result that cannot be stored fails the job, but that of the last stage is left out', async () => {
    const { monque, clock, events } = makeOne();
    monque.worker('early', { stages: [stage('a', () => () => 1), stage('b', () => 2)] });
    monque.worker('late', { stages: [stage('a', () => 1), stage('b', () => () => 2)] });
    await monque.start();
    const [early, late] = [await monque.enqueue('early'), await monque.enqueue('late')];
    await clock.advance(1_000);
    const failed = await monque.getJob(early._id);
    expect(failed).toMatchObject({ status: 'failed', failCount: 1 });
    expect(failed?.failReason).toContain("the result of stage 'a'");
    const done = await monque.getJob(late._id);
    expect(done).toMatchObject({ status: 'completed' });
    expect(done?.result).toBeUndefined();
    expect(payloads(events, 'job:error')).toHaveLength(1);
    await monque.stop();
  });

  test('a stage that is not the last cannot complete the job in a transaction', async () => {
    const { monque, clock } = makeOne({ maxRetries: 1 });
    const session = { inTransaction: () => true } as never;
    monque.worker('import', {
      stages: [stage('a', (_job, { complete }) => complete({ session })), stage('b', () => 2)],
    });
    monque.worker('last', { stages: [stage('a', (_job, { complete }) => complete({ session }))] });
    await monque.start();
    const [early, last] = [await monque.enqueue('import'), await monque.enqueue('last')];
    await clock.advance(1_000);
    const reasonOf = async ({ _id }: Job) => (await monque.getJob(_id))?.failReason;
    expect(await reasonOf(early)).toContain('Only the last stage');
    expect(await reasonOf(last)).toContain('The in-memory ledger has no transactions');
    await monque.stop();
  });

  test('each run of a series begins with the first stage', async () => {
    const { monque, clock } = makeOne();
    const runs: string[] = [];
    monque.worker('import', {
      stages: [stage('a', () => runs.push('a')), stage('b', () => runs.push('b'))],
    });
    await monque.start();
    const { _id } = await monque.schedule('* * * * * *', 'import');
    await clock.advance(2_500);
    expect(runs).toEqual(['a', 'b', 'a', 'b']);
    expect((await monque.getJob(_id))?.stages).toBeUndefined();
    await monque.stop();
  });
});
