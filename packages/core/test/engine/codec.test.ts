import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  type Codec,
  gate,
  InMemoryLedgerRepository,
  InvalidArgumentError,
  type Job,
  type MonqueOptions,
  stage,
  UndecodableError,
} from '../../src/index.ts';
import { withCodec } from '../../src/ledger/views/codec-view.ts';
import { ManualClock, makeJob } from '../../src/testing/index.ts';
import { aesCodec } from '../aes-codec.ts';
import { makeOne, makeWorld, payloads } from './kit.ts';

const KEY = randomBytes(32);

function world(codec: Codec = aesCodec(KEY), options: MonqueOptions = {}) {
  return makeOne({ codec, ...options });
}

/** What stands in the ledger. */
async function stored({ ledger }: ReturnType<typeof makeOne>, { _id }: Job): Promise<Job> {
  return (await ledger.getJob({ jobId: _id, archived: true })) as Job;
}

describe('a codec', () => {
  test('hides nothing of how the ledger is and what was measured of it', async () => {
    const { monque, clock } = world();
    await monque.enqueue('work');
    await monque.start();
    await clock.advance(10);
    expect(monque.health().ledger).toMatchObject({ connected: true });
    const calls = monque.metrics().histograms.ledgerCallMs.map(({ labels }) => labels.verb);
    expect(calls).toContain('enqueue');
    await monque.stop();
  });

  test('keeps data and results unreadable in the ledger, and shows them to whoever asks', async () => {
    const one = world();
    const { monque, clock, events } = one;
    const seen: unknown[] = [];
    monque.worker('work', ({ data }) => {
      seen.push(data);
      return { answer: 'secret result' };
    });
    const job = await monque.enqueue('work', { card: 'secret data' });
    expect(job.data).toEqual({ card: 'secret data' });
    expect((await monque.getJobs())[0]?.data).toEqual({ card: 'secret data' });
    await monque.start();
    const result = monque.waitFor(job);
    await clock.advance(50);
    expect(await result).toEqual({ answer: 'secret result' });
    expect(seen).toEqual([{ card: 'secret data' }]);
    expect(payloads(events, 'job:complete')[0]?.result).toEqual({ answer: 'secret result' });
    const { jobs } = await monque.getJobsWithCursor();
    const shown = await monque.getJob(job._id);
    for (const { data, result: of } of [...jobs, shown as Job]) {
      expect([data, of]).toEqual([{ card: 'secret data' }, { answer: 'secret result' }]);
    }
    const raw = await stored(one, job);
    expect(raw.data).toHaveProperty('value');
    expect(Buffer.from(JSON.stringify([raw.data, raw.result])).includes('secret')).toBe(false);
    expect(raw.result).toHaveProperty('value');
    await monque.stop();
  });

  test('keeps results of stages and evidence of gates unreadable, and shows them', async () => {
    const one = world();
    const { monque, clock, ledger } = one;
    const seen: unknown[] = [];
    const stages = [
      stage('download', () => 'secret pages'),
      stage('note', () => undefined),
      gate('checked'),
      stage('parse', (_job, { results }) => void seen.push(results)),
    ];
    monque.worker('import', { stages });
    await monque.start();
    const { _id } = await monque.enqueue('import');
    await clock.settle();
    const evidence = { seal: 'secret seal' };
    await monque.openGate(_id, 'checked', { evidence });
    // The same evidence again, although what is stored would differ.
    await monque.openGate(_id, 'checked', { evidence }).catch((error) => seen.push(error));
    await clock.settle();
    expect(seen).toEqual([{ download: 'secret pages' }]);
    const shown = await monque.getJob(_id);
    expect(shown).toMatchObject({ status: 'completed', gates: [{ name: 'checked', evidence }] });
    expect(shown?.stages).toMatchObject([{ result: 'secret pages' }, { name: 'note' }, {}]);
    const raw = await stored(one, shown as Job);
    expect(raw.stages?.[0]?.result).toHaveProperty('value');
    expect(raw.stages?.[1]).not.toHaveProperty('result');
    expect(raw.gates?.[0]?.evidence).toHaveProperty('value');
    expect(JSON.stringify(raw)).not.toContain('secret');
    expect((await ledger.getJob({ jobId: _id }))?.status).toBe('completed');
    await monque.stop();
  });

  test('sets a job aside whose recorded stages it cannot decode, and without a codec too', async () => {
    const { makeInstance, clock } = makeWorld();
    const own = makeInstance({ codec: aesCodec(KEY) });
    const stages = [stage('a', () => 'secret'), gate('checked'), stage('b', () => 'never')];
    own.monque.worker('import', { stages });
    await own.monque.start();
    const { _id } = await own.monque.enqueue('import');
    await clock.settle();
    await own.monque.stop();
    await own.monque.openGate(_id, 'checked', { evidence: 1 });
    for (const options of [{}, { codec: aesCodec(randomBytes(32)) }]) {
      const other = makeInstance({ ...options, maxRetries: 5 });
      other.monque.worker('import', { stages });
      await other.monque.start();
      await clock.advance(20_000);
      await other.monque.stop();
      const errors = payloads(other.events, 'job:error').map(({ error }) => error.message);
      expect(errors[0]).toMatch(/^Expected `stages`/);
      expect(payloads(other.events, 'job:stage')).toEqual([]);
      expect((await own.monque.getJob(_id))?.status).not.toBe('completed');
    }
  });

  test('fails a job for good whose stage returned what it cannot encode', async () => {
    const failing: Codec = {
      encode: (value) => {
        if (value === 'unfit') throw new Error('no such cipher');
        return value;
      },
      decode: (value) => value,
    };
    const { monque, clock } = world(failing);
    monque.worker('import', { stages: [stage('a', () => 'unfit'), stage('b', () => 1)] });
    await monque.start();
    const { _id } = await monque.enqueue('import');
    await clock.settle();
    const job = await monque.getJob(_id);
    expect(job).toMatchObject({ status: 'failed', failCount: 1 });
    expect(job?.failReason).toMatch(/no such cipher/);
    await monque.stop();
  });

  test('encodes what reaches the ledger without the name of its job', async () => {
    const clock = new ManualClock();
    const ledger = new InMemoryLedgerRepository({ clock });
    const asked: unknown[] = [];
    const codec: Codec = {
      encode: (value, context) => {
        asked.push(context);
        return value;
      },
      decode: (value) => value,
    };
    const coded = withCodec(ledger, { codec, maxBytes: () => 1_000, report: () => undefined });
    const [job, now] = [makeJob({ name: 'work' }), new Date(clock.now())];
    await ledger.enqueue({ jobs: [job] });
    const jobId = job._id;
    await coded.openGate({ jobId, record: { name: 'g', at: now, evidence: 1 }, now });
    const base = { jobId, claimToken: 'none', stagesBefore: [], gatesBefore: [], now };
    await coded.checkpoint({ ...base, record: { name: 'a', at: now, result: 1 } });
    await coded.checkpoint({ ...base, record: { name: 'a', at: now } });
    expect(asked).toEqual([
      { name: 'work', field: 'gates' },
      { name: 'work', field: 'stages' },
    ]);
    expect((await ledger.getJob({ jobId }))?.gates?.[0]?.evidence).toHaveProperty('value');
  });

  test('gets the name and the field of each value', async () => {
    const asked: unknown[] = [];
    const plain: Codec = {
      encode: (value, context) => {
        asked.push(['encode', context]);
        return value;
      },
      decode: (value) => value,
    };
    const { monque, clock } = world(plain);
    monque.worker('work', () => 1);
    await monque.start();
    const key = {
      uniqueKey: 'key',
      whenTaken: 'replace',
      runAt: new Date(clock.now() + 500),
    } as const;
    await monque.enqueue('work', 1, key);
    await monque.enqueue('work', 2, key);
    await clock.advance(1000);
    await monque.stop();
    const [data, result] = ['data', 'result'].map((field) => ['encode', { name: 'work', field }]);
    expect(asked).toEqual([data, data, data, result]);
  });

  test('leaves jobs from before it as they are, and a value that is absent or null', async () => {
    const { makeInstance, clock } = makeWorld();
    const [before, after] = [makeInstance(), makeInstance({ codec: aesCodec(KEY) })];
    const old = await before.monque.enqueue('work', { plain: true });
    const empty = await after.monque.enqueue('work', null);
    const absent = await after.monque.enqueue('work');
    const seen: unknown[] = [];
    after.monque.worker('work', ({ data }) => void seen.push(data));
    await after.monque.start();
    await clock.advance(50);
    expect(seen).toEqual([{ plain: true }, null, undefined]);
    expect(await after.monque.getJob(old._id)).toMatchObject({ status: 'completed' });
    expect(await after.monque.getJob(empty._id)).not.toHaveProperty('result');
    expect((await after.monque.getJob(absent._id))?.data).toBeUndefined();
    await after.monque.stop();
  });

  test('does not change a series at every start, although what it stores differs each time', async () => {
    const one = world();
    const { monque, faulty } = one;
    const schedule = (data: unknown) => monque.schedule('0 0 * * *', 'work', data);
    const first = await schedule({ secret: 1 });
    const again = await schedule({ secret: 1 });
    expect([again.seriesVersion, faulty.calls('replan')]).toEqual([1, 0]);
    const changed = await schedule({ secret: 2 });
    expect([changed.seriesVersion, changed.data]).toEqual([2, { secret: 2 }]);
    expect((await stored(one, first)).data).toHaveProperty('value');
    expect((await monque.getSchedules())[0]?.data).toEqual({ secret: 2 });
    await monque.schedule('1 0 * * *', 'work', undefined, { uniqueKey: '0 0 * * *' });
    expect((await monque.getSchedules())[0]?.data).toBeUndefined();
  });

  test('sets a job aside whose data it cannot decode, and runs the others of its batch', async () => {
    const { makeInstance, clock, ledger } = makeWorld();
    const [other, own] = [
      makeInstance({ codec: aesCodec(randomBytes(32)) }),
      makeInstance({ codec: aesCodec(KEY), maxRetries: 2 }),
    ];
    const foreign = await other.monque.enqueue('work', 'not ours');
    const ours = await own.monque.enqueue('work', 'ours');
    own.monque.worker('work', ({ data }) => data);
    await own.monque.start();
    await clock.advance(50);
    expect(await own.monque.getJob(ours._id)).toMatchObject({
      status: 'completed',
      result: 'ours',
    });
    // A key may come late: it is tried again.
    expect(await own.monque.getJob(foreign._id)).toMatchObject({ status: 'pending', failCount: 1 });
    await clock.advance(60_000);
    const failed = await own.monque.getJob(foreign._id);
    expect(failed).toMatchObject({
      status: 'failed',
      data: { code: 'UNDECODABLE', field: 'data' },
    });
    expect(failed?.failReason).toMatch(/Expected `data` to be decoded/);
    expect(payloads(own.events, 'job:error')[0]?.error).toMatchObject({ code: 'UNFIT_JOB' });
    expect((await ledger.getJob({ jobId: foreign._id }))?.data).toHaveProperty('value');
    await own.monque.stop();
  });

  test('that is missing is asked for, instead of running the handler on what it made', async () => {
    const { makeInstance, clock } = makeWorld();
    const [encoding, plain] = [makeInstance({ codec: aesCodec(KEY) }), makeInstance()];
    const { _id } = await encoding.monque.enqueue('work', 'secret');
    let runs = 0;
    plain.monque.worker(
      'work',
      () => {
        runs += 1;
      },
      { maxRetries: 1 },
    );
    await plain.monque.start();
    await clock.advance(50);
    await plain.monque.stop();
    expect(runs).toBe(0);
    expect(await plain.monque.getJob(_id)).toMatchObject({
      status: 'failed',
      failReason: expect.stringContaining('give this scheduler the option `codec`'),
    });
  });

  test('that cannot decode a result makes a wait for it end with that', async () => {
    const { makeInstance, clock } = makeWorld();
    const [runner, reader] = [
      makeInstance({ codec: aesCodec(KEY) }),
      makeInstance({
        codec: { ...aesCodec(KEY), decode: () => Promise.reject(new Error('late')) },
      }),
    ];
    runner.monque.worker('work', () => 'secret');
    await runner.monque.start();
    const { _id } = await runner.monque.enqueue('work');
    await clock.advance(50);
    await runner.monque.stop();
    await expect(reader.monque.waitFor(_id)).rejects.toThrow(/it must be synchronous/);
    await expect(reader.monque.waitFor(_id)).rejects.toBeInstanceOf(UndecodableError);
  });

  test('that encodes later has the job refused, and its rejection ends nothing', async () => {
    const { makeInstance } = makeWorld();
    const late = { ...aesCodec(KEY), encode: () => Promise.reject(new Error('late')) };
    const { monque } = makeInstance({ codec: late });
    await expect(monque.enqueue('work', 1)).rejects.toThrow(/`encode` gave a promise/);
    await new Promise(setImmediate);
  });

  test('that cannot encode data, or makes it too large, has that job refused alone', async () => {
    const picky: Codec = {
      encode: (value) => {
        if (value === 'bad') throw new Error('no key');
        return value === 'large' ? 'x'.repeat(200) : value === 'nothing' ? undefined : value;
      },
      decode: (value) => value,
    };
    const { monque } = world(picky, { maxPayloadSize: 100 });
    const entries = ['good', 'bad', 'large', 'nothing'].map((data) => ({ name: 'work', data }));
    const results = await monque.enqueueMany(entries);
    expect(results.map(({ status }) => status)).toEqual([
      'enqueued',
      'failed',
      'failed',
      'enqueued',
    ]);
    await expect(monque.enqueue('work', 'bad')).rejects.toThrow(
      /that the codec can encode.*no key/,
    );
    const large = monque.enqueue('work', 'large');
    await expect(large).rejects.toThrow(/codec\.encode\(data\).*at most 100 bytes/);
    await expect(large).rejects.toBeInstanceOf(InvalidArgumentError);
    expect((await monque.getQueueStats()).total).toBe(2);
  });

  test('bounds what it makes, not what it is given', async () => {
    const short: Codec = { encode: () => 'short', decode: () => 'x'.repeat(1000) };
    const { monque } = world(short, { maxPayloadSize: 100 });
    const { _id } = await monque.enqueue('work', 'x'.repeat(1000));
    expect((await monque.getJob(_id))?.data).toHaveLength(1000);
  });

  test('that cannot encode a result leaves the work done, and reports it', async () => {
    const base = aesCodec(KEY);
    const codec: Codec = {
      ...base,
      encode: (value, context) => {
        if (context.field === 'result') throw new Error('no key');
        return base.encode(value, context);
      },
    };
    const { monque, clock, events } = world(codec);
    monque.worker('work', () => 'result');
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.advance(50);
    await monque.stop();
    const job = await monque.getJob(_id);
    expect(job?.status).toBe('completed');
    expect(job).not.toHaveProperty('result');
    expect(payloads(events, 'job:error')[0]?.error.message).toMatch(/no key/);
  });

  test('shows what was archived, and the holder of a key', async () => {
    const retention = { jobRetention: { completed: 0, archive: true }, resendLimit: 0 } as const;
    const { monque } = world(aesCodec(KEY), retention);
    const first = await monque.enqueue('work', 'secret', { uniqueKey: 'key' });
    const second = await monque.enqueue('work', 'other', { uniqueKey: 'key' });
    expect([second._id, second.data]).toEqual([first._id, 'secret']);
    await monque.cancelJob(first._id);
    await monque.enqueue('work', 'third', { uniqueKey: 'key' });
    const taken = await monque.retryJob(first._id).catch((error: unknown) => error);
    expect(taken).toMatchObject({ code: 'UNIQUE_KEY_TAKEN' });
  });

  test('gets the name of a job also where the caller of the ledger did not say it', async () => {
    const clock = new ManualClock();
    const now = new Date(clock.now());
    const inner = new InMemoryLedgerRepository({ clock });
    const names: string[] = [];
    const codec: Codec = {
      encode: (value, { name, field }) => {
        names.push(`${field} of ${name}`);
        return value;
      },
      decode: (value) => value,
    };
    const use = { codec, maxBytes: () => 1000, report: () => undefined };
    const ledger = withCodec(inner, use);
    const job = makeJob({ name: 'work' });
    await ledger.enqueue({ jobs: [job] });
    await ledger.amend({ jobId: job._id, changes: { data: 1 }, now });
    const claim = { instanceId: 'a', claimToken: 't', now, suspects: false, widening: 1 };
    await ledger.claim({ ...claim, demand: [{ name: 'work', limit: 1 }] });
    const end = { verb: 'complete', claimToken: 't', fence: 1, result: 2 } as const;
    const gone = makeJob()._id;
    const settlements = [
      { ...end, jobId: job._id },
      { ...end, jobId: gone },
    ];
    expect(await ledger.settle({ settlements, now })).toEqual({ answers: ['settled', 'unknown'] });
    expect(names.slice(-3)).toEqual(['data of work', 'result of work', 'result of ']);
  });
});
