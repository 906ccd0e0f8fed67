import { describe, expect, test } from 'vitest';
import { InvalidCronError } from '../foundation/errors.ts';
import { cronTimes } from './cron-times.ts';
import {
  firstRun,
  isMissed,
  MOST_COUNTED,
  nextRun,
  nextRunOf,
  type SeriesPlan,
} from './next-run.ts';

const HOURLY: SeriesPlan = { repeatInterval: '0 * * * *' };

function at(time: string): Date {
  return new Date(`2026-06-01T${time}Z`);
}

describe('the first run', () => {
  test('is the next time of the plan, never now', () => {
    expect(firstRun(HOURLY, at('10:00'))).toEqual({ scheduledFor: at('11:00'), skipped: 0 });
  });

  test('is not before the start, which may be a time of the plan itself', () => {
    expect(firstRun({ ...HOURLY, startAt: at('12:00') }, at('09:30'))?.scheduledFor).toEqual(
      at('12:00'),
    );
    expect(firstRun({ ...HOURLY, startAt: at('12:01') }, at('09:30'))?.scheduledFor).toEqual(
      at('13:00'),
    );
    expect(firstRun({ ...HOURLY, startAt: at('08:00') }, at('09:30'))?.scheduledFor).toEqual(
      at('10:00'),
    );
  });

  test('is not after the end, which counts itself', () => {
    expect(firstRun({ ...HOURLY, endAt: at('11:00') }, at('10:00'))?.scheduledFor).toEqual(
      at('11:00'),
    );
    expect(firstRun({ ...HOURLY, endAt: at('10:59') }, at('10:00'))).toBeNull();
  });
});

describe('the times of an expression', () => {
  test('are later than the given one, as many as are asked for', () => {
    const options = { after: at('09:00'), limit: 2 };
    expect(cronTimes('0 * * * *', options)).toEqual([at('10:00'), at('11:00')]);
    expect(cronTimes('0 * * * *', { after: at('09:00') })).toHaveLength(10);
  });

  test('are those of the time zone', () => {
    const options = { after: at('09:00'), limit: 1, timezone: 'Europe/Berlin' };
    expect(cronTimes('0 12 * * *', options)).toEqual([at('10:00')]);
  });

  test('are refused for an expression that cannot be read', () => {
    expect(() => cronTimes('0 25 * * *', { after: at('09:00') })).toThrow(InvalidCronError);
  });
});

describe('the next run', () => {
  test('follows the plan when nothing was missed, whatever the policy', () => {
    for (const missed of ['skip', 'once', 'all'] as const) {
      expect(nextRun({ ...HOURLY, missed }, at('10:00'), at('10:40'))).toEqual({
        scheduledFor: at('11:00'),
        skipped: 0,
      });
    }
  });

  test('of a run that stands for a time to come is the one after that', () => {
    expect(nextRun(HOURLY, at('15:00'), at('10:40'))?.scheduledFor).toEqual(at('16:00'));
  });

  test('after missed times is the latest of them, a later one, or the first of them', () => {
    const now = at('14:20');
    expect(nextRun(HOURLY, at('10:00'), now)).toEqual({ scheduledFor: at('14:00'), skipped: 3 });
    expect(nextRun({ ...HOURLY, missed: 'skip' }, at('10:00'), now)).toEqual({
      scheduledFor: at('15:00'),
      skipped: 4,
    });
    expect(nextRun({ ...HOURLY, missed: 'all' }, at('10:00'), now)).toEqual({
      scheduledFor: at('11:00'),
      skipped: 0,
    });
  });

  test('of a series that ended meanwhile is the last before its end, or none', () => {
    const plan = { ...HOURLY, endAt: at('12:30') };
    expect(nextRun(plan, at('10:00'), at('14:20'))).toEqual({
      scheduledFor: at('12:00'),
      skipped: 1,
    });
    expect(nextRun({ ...plan, missed: 'skip' }, at('10:00'), at('14:20'))).toBeNull();
    expect(nextRun(plan, at('12:00'), at('12:10'))).toBeNull();
  });

  test('with `all` is at most a hundred back, and what is before that counts as skipped', () => {
    const minutely: SeriesPlan = { repeatInterval: '* * * * *', missed: 'all' };
    expect(nextRun(minutely, at('00:00'), at('05:00'))).toEqual({
      scheduledFor: at('03:21'),
      skipped: MOST_COUNTED,
    });
  });

  test('with `all` is each of a hundred missed ones in turn, and then the next to come', () => {
    const plan: SeriesPlan = { repeatInterval: '* * * * *', missed: 'all', endAt: at('02:00') };
    const now = at('01:40:30');
    const runs: string[] = [];
    let run = nextRun(plan, at('00:00'), now);
    while (run !== null && run.scheduledFor <= now) {
      expect(run.skipped).toBe(0);
      runs.push(run.scheduledFor.toISOString().slice(11, 16));
      run = nextRun(plan, run.scheduledFor, now);
    }
    expect([runs.length, runs[0], runs.at(-1)]).toEqual([100, '00:01', '01:40']);
    expect(run).toEqual({ scheduledFor: at('01:41'), skipped: 0 });
    // One more, and the oldest is passed over.
    expect(nextRun(plan, at('00:00'), at('01:41'))).toEqual({
      scheduledFor: at('00:02'),
      skipped: 1,
    });
    expect(nextRun(plan, at('00:00'), at('05:00'))).toEqual({
      scheduledFor: at('00:21'),
      skipped: 20,
    });
  });

  test('of a run before the start is the first from the start on', () => {
    const plan: SeriesPlan = { ...HOURLY, startAt: at('12:00') };
    for (const missed of ['skip', 'once', 'all'] as const) {
      expect(nextRun({ ...plan, missed }, at('08:00'), at('09:30'))).toEqual({
        scheduledFor: at('12:00'),
        skipped: 0,
      });
    }
    expect(nextRun(plan, at('08:00'), at('14:30'))).toEqual({
      scheduledFor: at('14:00'),
      skipped: 2,
    });
  });

  test('counts up to the bound what a series passes over that skips', () => {
    const plan: SeriesPlan = { repeatInterval: '* * * * *', missed: 'skip' };
    expect(nextRun(plan, at('00:00'), at('01:39'))?.skipped).toBe(99);
    expect(nextRun(plan, at('00:00'), at('01:40'))?.skipped).toBe(100);
    expect(nextRun(plan, at('00:00'), at('23:00'))).toEqual({
      scheduledFor: at('23:01'),
      skipped: MOST_COUNTED,
    });
  });

  test('after a plan that cannot be read is an error', () => {
    expect(() => nextRun({ repeatInterval: 'every day' }, at('10:00'), at('10:10'))).toThrow(
      InvalidCronError,
    );
  });

  test('is found quickly after a long time, counting no further than the bound', () => {
    const secondly: SeriesPlan = { repeatInterval: '* * * * * *' };
    const now = new Date('2026-06-09T00:00:00Z');
    expect(nextRun(secondly, at('00:00'), now)).toEqual({
      scheduledFor: now,
      skipped: MOST_COUNTED - 1,
    });
  });

  test('keeps its time of day over both changes of the clock', () => {
    const plan: SeriesPlan = { repeatInterval: '30 2 * * *', timezone: 'Europe/Berlin' };
    const chain: string[] = [];
    for (const start of ['2026-03-28T01:30:00Z', '2026-10-24T00:30:00Z']) {
      let time = new Date(start);
      for (let run = 0; run < 2; run += 1) {
        time = nextRun(plan, time, time)?.scheduledFor as Date;
        chain.push(time.toISOString());
      }
    }
    expect(chain).toEqual([
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]);
  });

  test('catches up over a change of the clock with each run once', () => {
    const plan: SeriesPlan = {
      repeatInterval: '30 2 * * *',
      timezone: 'Europe/Berlin',
      missed: 'all',
    };
    const now = new Date('2026-10-26T12:00Z');
    const next = (from: string) => nextRun(plan, new Date(from), now)?.scheduledFor.toISOString();
    expect(next('2026-10-24T00:30Z')).toBe('2026-10-25T00:30:00.000Z');
    // Also from a run that was planned for the second time the clock shows it.
    expect(next('2026-10-25T00:30Z')).toBe('2026-10-26T01:30:00.000Z');
    expect(next('2026-10-25T01:30Z')).toBe('2026-10-26T01:30:00.000Z');
  });
});

describe('the next run of a job', () => {
  test('is none for a job of no series', () => {
    expect(nextRunOf({}, at('10:00'))).toBeNull();
  });

  test.each([
    ['an expression', { repeatInterval: 'every day' }],
    ['a zone', { repeatInterval: '0 0 * * *', timezone: 'Mars/Olympus' }],
  ])(
    'comes in two minutes, for others, when this process cannot read %s of the plan',
    (_, plan) => {
      const left = { scheduledFor: at('10:02'), skipped: 0 };
      expect(nextRunOf(plan, at('10:00'))).toEqual(left);
      expect(nextRunOf({ ...plan, endAt: at('10:02') }, at('10:00'))).toEqual(left);
      const endAt = at('10:01');
      expect(nextRunOf({ ...plan, endAt }, at('10:00'))).toEqual({ ...left, scheduledFor: endAt });
      expect(nextRunOf({ ...plan, endAt }, endAt)).toBeNull();
    },
  );

  test('is computed from the time it stands for, or from now without one', () => {
    expect(nextRunOf({ ...HOURLY, scheduledFor: at('12:00') }, at('10:10'))?.scheduledFor).toEqual(
      at('13:00'),
    );
    expect(nextRunOf(HOURLY, at('10:10'))?.scheduledFor).toEqual(at('11:00'));
  });

  test('makes nothing up for a time before the plan was changed', () => {
    const history = [
      { verb: 'replanRunning', at: at('11:57:30'), scheduledFor: at('11:58') },
      { verb: 'replanRunning', at: at('11:58:30') },
    ];
    const job = { repeatInterval: '* * * * *', scheduledFor: at('10:00'), history };
    const now = at('12:00:10');
    expect(nextRunOf({ ...job, missed: 'all' }, now)?.scheduledFor).toEqual(at('11:58'));
    expect(nextRunOf(job, now)).toEqual({ scheduledFor: at('12:00'), skipped: 2 });
    expect(nextRunOf({ ...job, missed: 'skip' }, now)).toEqual({
      scheduledFor: at('12:01'),
      skipped: 3,
    });
    expect(nextRunOf({ ...job, scheduledFor: at('11:59') }, now)?.scheduledFor).toEqual(
      at('12:00'),
    );
  });
});

describe('a waiting run is missed', () => {
  const time = at('10:00');
  const run = { nextRunAt: time, failCount: 0, missed: 'skip' } as const;
  const HALF_MINUTELY = { repeatInterval: '*/30 * * * * *' };

  test('when it is more than a minute late, or the next time has come', () => {
    expect(isMissed({ ...HOURLY, ...run }, time, at('10:01'))).toBe(false);
    expect(isMissed({ ...HOURLY, ...run }, time, at('10:01:01'))).toBe(true);
    expect(isMissed({ ...HALF_MINUTELY, ...run }, time, at('10:00:29'))).toBe(false);
    expect(isMissed({ ...HALF_MINUTELY, ...run }, time, at('10:00:30'))).toBe(true);
  });

  test('by its lateness alone where the plan cannot be read', () => {
    const job = { repeatInterval: 'every day', ...run };
    expect(isMissed(job, time, at('10:01'))).toBe(false);
    expect(isMissed(job, time, at('10:01:01'))).toBe(true);
  });

  test('never for a series that runs what was missed, or whose end has come', () => {
    expect(isMissed({ ...HOURLY, ...run, missed: 'once' }, time, at('23:00'))).toBe(false);
    expect(isMissed({ ...HOURLY, ...run, endAt: time }, time, at('10:00:30'))).toBe(false);
  });

  test('never when it had begun: its instance died, or stopped waiting for it', () => {
    const released = { verb: 'release', at: at('10:00:20'), scheduledFor: time };
    const ofEarlierRun = { ...released, scheduledFor: at('09:00') };
    expect(isMissed({ ...HOURLY, ...run, rescueCount: 1 }, time, at('12:00'))).toBe(false);
    expect(isMissed({ ...HOURLY, ...run, history: [released] }, time, at('12:00'))).toBe(false);
    expect(isMissed({ ...HOURLY, ...run, history: [ofEarlierRun] }, time, at('12:00'))).toBe(true);
    const retried = { ...released, verb: 'retry' };
    expect(isMissed({ ...HOURLY, ...run, history: [retried] }, time, at('12:00'))).toBe(true);
  });

  test('never when it was put at a time of its own', () => {
    const moved = { ...HOURLY, ...run, nextRunAt: at('09:00') };
    expect(isMissed(moved, time, at('12:00'))).toBe(false);
  });

  test('as a retry only when the next time has come', () => {
    const retry = { ...HOURLY, ...run, nextRunAt: at('10:01'), failCount: 1 };
    expect(isMissed(retry, time, at('10:40'))).toBe(false);
    expect(isMissed(retry, time, at('11:00'))).toBe(true);
  });
});
