/**
 * Reminders of tasks: when they are due, and that each is sent once a day.
 */
import { Monque } from '@monque/core';
import { describe, expect, test } from 'vitest';
import { until } from '../../../core/test/setup/until.ts';
import {
  MemoryRecordStore,
  type Reminder,
  remindersFor,
  scheduleReminders,
  type Task,
} from '../../src/index.ts';
import { clockAt, put, START, taskIn, tasksOn, upTo } from '../kit.ts';

describe('reminders', () => {
  const hours = (count: number): Date => new Date(START.getTime() + count * 3_600_000);

  test.each([
    ['a deadline that is near', { deadline: hours(24) }, 'assigned', ['deadline near Ann']],
    ['one that is far', { deadline: hours(25) }, 'assigned', []],
    ['one that has passed', { deadline: hours(-1) }, 'blocked', ['deadline passed Ann']],
    ['one of a task that is completed', { deadline: hours(-1) }, 'completed', []],
    ['no update for a day', { updatedAt: hours(-24) }, 'in_progress', ['no update Ann']],
    ['no update of what nobody works on', { updatedAt: hours(-99) }, 'defined', []],
    ['an update of late', { updatedAt: hours(-23) }, 'revisions', []],
    ['a review that waits', { submittedAt: hours(-24) }, 'peer_review', ['review waiting Bob']],
    [
      'one that nobody was named for',
      { submittedAt: hours(-24), reviewer: undefined },
      'peer_review',
      ['review waiting undefined'],
    ],
    ['one that was asked for of late', { submittedAt: hours(-1) }, 'peer_review', []],
    ['a state that an editor wrote', { submittedAt: undefined }, 'peer_review', []],
  ])('come for %s', (_what, fields, status, expected) => {
    const found = remindersFor([taskIn(status, 'T-1', fields) as Task], START);
    expect(found.map(({ kind, to }) => `${kind} ${to}`)).toEqual(expected);
  });

  test('are jobs, once a day for each task and reason', async () => {
    const store = new MemoryRecordStore();
    await put(store, taskIn('in_progress', 'T-1', { deadline: hours(-1), updatedAt: hours(-48) }));
    const clock = clockAt();
    // A day passes here: what is looked at each minute, and a lease that is renewed each ten seconds, would take long.
    const scheduler = Monque.inMemory({
      clock,
      pollInterval: 3_600_000,
      leaseDuration: 86_400_000,
    });
    const sent: Reminder[] = [];
    await scheduleReminders(tasksOn(store, clock), {
      scheduler,
      clock,
      notify: (reminder) => void sent.push(reminder),
    });
    await scheduler.start();
    const scans = async (): Promise<number> =>
      (await scheduler.getJobs({ name: 'ledger-reminder' })).length;
    for (const hour of upTo(3)) {
      await clock.advance(3_600_000);
      await until(`scan ${hour}`, async () => sent.length >= 2);
    }
    await clock.advance(1000);
    expect(sent.map(({ kind, taskId, to }) => `${kind} ${taskId} ${to}`).sort()).toEqual([
      'deadline passed T-1 Ann',
      'no update T-1 Ann',
    ]);
    expect(await scans()).toBe(2);
    await clock.advance(24 * 3_600_000);
    await until('the reminders of the next day', async () => sent.length >= 4);
    await scheduler.stop();
  });
});
