import { describe, expect, test } from 'vitest';
import { type AccessQuestion, gate, Monque, stage } from '../../src/index.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { makeOne } from './kit.ts';

const reason = 'asked for by the customer';

describe('the reason of what is done by people', () => {
  test('stands in the history of the job, for every verb that is noted there', async () => {
    const clock = new ManualClock();
    const monque = Monque.inMemory({ clock, transitionLog: true });
    const { _id } = await monque.enqueue('work');
    await monque.rescheduleJob(_id, new Date(0), { reason });
    await clock.advance(1);
    await monque.cancelJob(_id, { reason });
    await clock.advance(1);
    await monque.retryJob(_id, { reason });
    await clock.advance(1);
    await monque.openGate(_id, 'checked', { evidence: true, reason });
    await clock.advance(1);
    await monque.cancelJobs({}, { reason });
    await clock.advance(1);
    await monque.retryJobs({}, { reason });
    await clock.advance(1);
    await monque.deleteJob(_id, { reason });
    const other = await monque.enqueue('work');
    await monque.deleteJobs({}, { reason });
    const series = await monque.schedule('@daily', 'work');
    await monque.unschedule('work', { reason });
    const reported = await Promise.all(
      [_id, other._id, series._id].map(async (id) =>
        (await monque.getHistory(id)).map((entry) => [entry.verb, entry.reason]),
      ),
    );
    expect(reported).toEqual([
      [
        ['enqueue', undefined],
        ['amend', reason],
        ['cancel', reason],
        ['redrive', reason],
        ['openGate', `Gate 'checked': ${reason}`],
        ['cancel', reason],
        ['redrive', reason],
        ['remove', reason],
      ],
      [
        ['enqueue', undefined],
        ['remove', reason],
      ],
      [
        ['enqueue', undefined],
        ['endSeries', reason],
      ],
    ]);
  });

  test('is known to the hook that decides, for every verb', async () => {
    const asked: AccessQuestion[] = [];
    const may = (question: AccessQuestion): boolean => {
      asked.push(question);
      return true;
    };
    const { monque } = makeOne({ access: { may } });
    monque.worker('work', { stages: [gate('checked'), stage('run', () => undefined)] });
    const anna = monque.as('anna');
    const { _id } = await anna.enqueue('work');
    await anna.schedule('@daily', 'series');
    asked.length = 0;
    await anna.setMetadata(_id, { a: 1 }, { reason });
    await anna.rescheduleJob(_id, new Date(0), { reason });
    await anna.openGate(_id, 'checked', { evidence: true, reason });
    await anna.pause('work', { reason });
    await anna.resume('work', { reason });
    await anna.cancelJobs({ name: 'work' }, { reason });
    await anna.retryJobs({ name: 'work' }, { reason });
    await anna.cancelJob(_id, { reason });
    await anna.retryJob(_id, { reason });
    await anna.deleteJobs({ name: 'work' }, { reason });
    await anna.unschedule('series', { reason });
    const reads = ['findJobs', 'getJob', 'findSeries'];
    const writes = asked.filter(({ verb }) => !reads.includes(verb));
    expect(writes.map(({ verb }) => verb)).toEqual([
      ...['setMetadata', 'amend', 'openGate', 'setPaused', 'setPaused', 'cancel', 'redrive'],
      ...['cancel', 'redrive', 'remove', 'endSeries'],
    ]);
    expect(writes.filter((question) => question.reason !== reason)).toEqual([]);
    asked.length = 0;
    await anna.pause('work');
    expect(asked).toEqual([{ actor: 'anna', verb: 'setPaused', name: 'work' }]);
  });

  test('is refused when it is none, before anything is sent', async () => {
    const { monque, faulty } = makeOne();
    const { _id } = await monque.enqueue('work');
    const options = { reason: '' };
    const calls: (() => Promise<unknown>)[] = [
      () => monque.setMetadata(_id, { a: 1 }, options),
      () => monque.rescheduleJob(_id, new Date(0), options),
      () => monque.openGate(_id, 'checked', { evidence: true, ...options }),
      () => monque.pause('work', options),
      () => monque.resume('work', options),
      () => monque.cancelJob(_id, options),
      () => monque.retryJob(_id, options),
      () => monque.deleteJob(_id, options),
      () => monque.cancelJobs({}, options),
      () => monque.retryJobs({}, options),
      () => monque.deleteJobs({}, options),
      () => monque.unschedule('work', options),
    ];
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({ field: 'options.reason' });
    }
    expect(faulty.calls('findJobs')).toBe(0);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'pending' });
  });
});
