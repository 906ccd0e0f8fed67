import { type Job, Monque } from '@monque/core';
import type { Db } from 'mongodb';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { uriOf } from '../../core/test/package/mongo-uri.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';
import { fakeIo, runIn, runner } from './setup/io.ts';

describeWithMongo('the commands on series', () => {
  let db: Db;
  let monque: Monque;
  let monqueCli: ReturnType<typeof runner>;

  beforeEach(async () => {
    db = await getTestDb('cli_series');
    monque = new Monque(db);
    monqueCli = runner(uriOf(db.databaseName));
    return () => cleanupTestDb(db);
  });

  afterAll(closeMongoDb);

  test('list shows them, of one name or of all', async () => {
    expect((await monqueCli('series', 'list')).err).toBe('There is no series.\n');
    await monque.schedule('0 9 * * *', 'report', {}, { timezone: 'Europe/Berlin' });
    await monque.schedule('@hourly', 'sweep', {}, { uniqueKey: 'all', missed: 'skip' });
    const { out } = await monqueCli('series', 'list');
    expect(out).toMatch(/^NAME +KEY +PLAN +ZONE/);
    expect(out).toMatch(/report +0 9 \* \* \* +Europe\/Berlin +once +pending +in /);
    expect(out).toMatch(/sweep +all +@hourly +UTC +skip/);
    const { records } = await monqueCli('series', 'list', '--name', 'sweep', '--json');
    expect(records).toMatchObject([{ name: 'sweep', uniqueKey: 'all', cron: '@hourly' }]);
  });

  test('next shows the times of one, from its start and up to its end', async () => {
    const startAt = new Date('2999-01-01T00:00:00Z');
    const endAt = new Date('2999-01-02T00:00:00Z');
    await monque.schedule('@daily', 'bounded', {}, { startAt, endAt });
    const { records, err } = await monqueCli('series', 'next', 'bounded', '--json');
    expect(records.map(({ at }) => at)).toEqual([startAt.toISOString(), endAt.toISOString()]);
    expect(err).toBe('There are no more.\n');
    await monque.schedule('@daily', 'plain');
    const plain = await monqueCli('series', 'next', 'plain', '--count', '3');
    expect(plain.out.match(/in \d+[smhd]/g)).toHaveLength(3);
  });

  test('those with an interval are shown by it, and their next times are counted from their start', async () => {
    const startAt = new Date('2999-01-01T00:00:00.500Z');
    await monque.schedule({ every: '90 minutes' }, 'sweep', {}, { startAt });
    const { out } = await monqueCli('series', 'list');
    expect(out).toMatch(/sweep +every 90 minutes +UTC +once +pending/);
    const { records } = await monqueCli('series', 'next', 'sweep', '--count', '2', '--json');
    expect(records.map(({ at }) => at)).toEqual([
      ...['2999-01-01T00:00:00.500Z', '2999-01-01T01:30:00.500Z'],
    ]);
    const ended = await monqueCli(
      ...['series', 'end', 'sweep', '--key', 'every 90 minutes', '--yes'],
    );
    expect(ended.code).toBe(0);
  });

  test('run makes the waiting run due now, and skip passes it over', async () => {
    const { _id, scheduledFor } = await monque.schedule('0 0 1 1 *', 'report');
    const ran = await monqueCli('series', 'run', 'report');
    expect(ran).toMatchObject({
      code: 0,
      err: expect.stringContaining(`${scheduledFor?.toISOString()}`),
    });
    const job = (await monque.getJob(_id)) as Job;
    expect(job.nextRunAt.getTime()).toBeLessThanOrEqual(Date.now() + 1_000);
    const skipped = await monqueCli('series', 'skip', 'report');
    expect(skipped.err).toMatch(/is passed over; the next is 2/);
    expect((await monque.getJob(_id))?.scheduledFor).not.toEqual(scheduledFor);
    const last = { repeatInterval: '0 0 1 1 *', endAt: new Date() };
    await db.collection('monque_jobs').updateOne({ _id }, { $set: last });
    expect((await monqueCli('series', 'skip', 'report')).err).toMatch(/is passed over.\n$/);
  });

  test('one of several is asked for by its key, and one that is not there is reported', async () => {
    await monque.schedule('@daily', 'report', {}, { uniqueKey: 'a' });
    await monque.schedule('@daily', 'report', {}, { uniqueKey: 'b' });
    const which = await monqueCli('series', 'run', 'report');
    expect(which).toMatchObject({ code: 2, err: expect.stringContaining(`--key: 'a', 'b'`) });
    expect((await monqueCli('series', 'run', 'report', '--key', 'b')).code).toBe(0);
    const none = await monqueCli('series', 'skip', 'none');
    expect(none).toMatchObject({ code: 3, err: `monque: There is no series 'none'\n` });
    const key = await monqueCli('series', 'next', 'report', '--key', 'c');
    expect(key).toMatchObject({ code: 3, err: expect.stringContaining(`with the key 'c'`) });
  });

  test('end ends one, or all of a name, when somebody says yes', async () => {
    for (const uniqueKey of ['a', 'b', 'c']) {
      await monque.schedule('@daily', 'report', {}, { uniqueKey });
    }
    const io = fakeIo({ env: { MONQUE_URI: uriOf(db.databaseName) }, isTerminal: true });
    const asked = runIn(io, 'series', 'end', 'report');
    await io.stderr.until(`End all 3 series 'report'? [y/N] `);
    io.stdin.write('n\n');
    expect((await asked).err).toContain('Nothing was changed.');
    const one = await monqueCli('series', 'end', 'report', '--key', 'b', '--yes');
    expect(one).toMatchObject({ code: 0, err: expect.stringMatching(/^1 run ended/) });
    const gone = await monqueCli('series', 'end', 'report', '--key', 'b', '--yes');
    expect(gone.code).toBe(3);
    const unasked = await monqueCli('series', 'end', 'report', '--key', 'a');
    expect(unasked).toMatchObject({ code: 2, err: expect.stringContaining(`'report' (a)?`) });
    expect((await monqueCli('series', 'end', 'report', '--yes')).err).toMatch(/^2 runs ended/);
    expect((await monqueCli('series', 'end', 'report', '--yes')).code).toBe(3);
  });
});

describe('next', () => {
  const next = (...args: string[]) => runIn(fakeIo(), 'next', ...args);
  const local = async (cron: string, zone: string, from: string, count = '4') => {
    const { records } = await next(
      cron,
      '--zone',
      zone,
      '--from',
      from,
      '--count',
      count,
      '--json',
    );
    return records.map(({ local, offset, note }) => [`${local.slice(5, 16)} ${offset}`, note]);
  };

  test('shows the next ten times, without a database', async () => {
    const { code, out, err } = await next('0 9 * * 1-5');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^UTC +UTC/);
    expect(out.trim().split('\n')).toHaveLength(11);
  });

  test('points out a time that the clocks leave out', async () => {
    const note =
      'the clocks go forward from 2026-03-29 02:00:00 to 03:00:00: what would be due in between is due then';
    expect(await local('30 2 * * *', 'Europe/Berlin', '2026-03-28T00:00Z', '3')).toEqual([
      ['03-28 02:30 +01:00', undefined],
      ['03-29 03:00 +02:00', note],
      ['03-30 02:30 +02:00', undefined],
    ]);
  });

  test('points out a time that the clocks show twice, and which of them counts', async () => {
    const twice = 'the clocks show this time twice';
    expect(await local('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00Z', '2')).toEqual([
      ['10-25 02:30 +02:00', `${twice}; only the first counts`],
      ['10-26 02:30 +01:00', 'before it the clocks go back from 2026-10-25 03:00:00 to 02:00:00'],
    ]);
    expect(await local('30 * * * *', 'Europe/Berlin', '2026-10-25T00:00Z', '3')).toEqual([
      ['10-25 02:30 +02:00', `${twice}; this is the first time`],
      ['10-25 02:30 +01:00', `${twice}; this is the second time`],
      ['10-25 03:30 +01:00', undefined],
    ]);
    const [first] = await local('30 * * * *', 'Europe/Berlin', '2026-10-25T00:00Z', '1');
    expect(first?.[1]).toBe(`${twice}; this is the first time`);
  });

  test('points out a change between two times, also west of Greenwich and by half an hour', async () => {
    expect(await local('0 12 * * *', 'America/St_Johns', '2026-03-07T16:00Z', '1')).toEqual([
      [
        '03-08 12:00 -02:30',
        'before it the clocks go forward from 2026-03-08 02:00:00 to 03:00:00',
      ],
    ]);
    const lordHowe = await local('0 12 4 4,10 *', 'Australia/Lord_Howe', '2026-01-01T00:00Z', '2');
    expect(lordHowe[1]?.[1]).toMatch(/^before it the clocks go back from 2026-04-05 02:00:00/);
  });

  test('refuses what is no expression or zone, with what is wrong', async () => {
    const cron = await next('0 25 * * *');
    expect(cron).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining(`'25' is not a value`),
    });
    const zone = await next('@daily', '--zone', 'Mars');
    expect(zone).toMatchObject({ code: 2, err: expect.stringContaining('Europe/Berlin') });
  });
});
