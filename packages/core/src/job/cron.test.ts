import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { volume } from '../../test/setup/volume.ts';
import { InvalidArgumentError, InvalidCronError } from '../foundation/errors.ts';
import { type CronPlan, parseCron } from './cron.ts';

const HOUR_MS = 3_600_000;

function plan(expression: string, timezone?: string): CronPlan {
  return parseCron('cron', expression, timezone);
}

function instants(expression: string, timezone: string, from: string, until: string): string[] {
  const cron = plan(expression, timezone);
  const found: string[] = [];
  const end = new Date(until);
  for (let next = cron.next(new Date(from)); next && next < end; next = cron.next(next)) {
    found.push(next.toISOString());
  }
  return found;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** What a wall clock in a zone shows, independent of the code under test. */
function wallOf(instant: Date, timeZone: string): string {
  const options = { timeZone, dateStyle: 'short', timeStyle: 'medium' } as const;
  const format = formats.get(timeZone) ?? new Intl.DateTimeFormat('sv-SE', options);
  formats.set(timeZone, format);
  return format.format(instant);
}

describe('an expression', () => {
  test('has five fields, six with seconds, or a name', () => {
    const after = new Date('2026-01-01T00:00:00Z');
    const next = (expression: string) => plan(expression).next(after)?.toISOString();
    expect(next('30 9 * * 1-5')).toBe('2026-01-01T09:30:00.000Z');
    expect(next('*/20 * * * * *')).toBe('2026-01-01T00:00:20.000Z');
    expect(next('@hourly')).toBe('2026-01-01T01:00:00.000Z');
    expect(next('@daily')).toBe('2026-01-02T00:00:00.000Z');
    expect(next('@midnight')).toBe('2026-01-02T00:00:00.000Z');
    expect(next('@weekly')).toBe('2026-01-04T00:00:00.000Z');
    expect(next('@monthly')).toBe('2026-02-01T00:00:00.000Z');
    expect(next('@yearly')).toBe('2027-01-01T00:00:00.000Z');
    expect(next('@annually')).toBe('2027-01-01T00:00:00.000Z');
    expect(next('@minutely')).toBe('2026-01-01T00:01:00.000Z');
    expect(next('@secondly')).toBe('2026-01-01T00:00:01.000Z');
    expect(next('0 0 L * *')).toBe('2026-01-31T00:00:00.000Z');
    expect(next('0 0 * MAR THU')).toBe('2026-03-05T00:00:00.000Z');
    expect(next('0 0 29 2 *')).toBe('2028-02-29T00:00:00.000Z');
    expect(next('0 0 ? * 5L')).toBe('2026-01-30T00:00:00.000Z');
    expect(next('0 0 * * 1#2')).toBe('2026-01-12T00:00:00.000Z');
    expect(next('0 0 * * 6-7')).toBe('2026-01-03T00:00:00.000Z');
    expect(next('10-50/20,5/30 0 * * *')).toBe('2026-01-01T00:05:00.000Z');
  });

  test('with both days restricted means either', () => {
    expect(instants('0 0 15 * 1', 'UTC', '2026-06-09T00:00Z', '2026-06-23T00:00Z')).toEqual([
      '2026-06-15T00:00:00.000Z',
      '2026-06-22T00:00:00.000Z',
    ]);
  });

  test('is kept with single spaces', () => {
    expect(plan('  0   9 *\t* 1-5 ').expression).toBe('0 9 * * 1-5');
  });

  test('is read once for many calls, and forgotten after many others', () => {
    expect(plan('1 2 3 4 *')).toBe(plan('1 2 3 4 *'));
    const first = plan('1 2 3 4 *');
    for (let index = 0; index < 600; index += 1)
      plan(`${index % 60} ${Math.floor(index / 60)} * * *`);
    expect(plan('1 2 3 4 *')).not.toBe(first);
  });
});

describe('a fault in an expression is named with its place and a valid example:', () => {
  test.each<[string, number, RegExp]>([
    ['', 0, /5 or 6 fields/],
    ['   ', 3, /5 or 6 fields/],
    ['* * *', 5, /5 or 6 fields, got 3/],
    ['* * * * * * *', 12, /got more/],
    ['60 * * * *', 0, /minute/],
    ['* 24 * * *', 2, /hour/],
    ['* * 0 * *', 4, /day of month/],
    ['* * * 13 *', 6, /month/],
    ['* * * * 8', 8, /day of week/],
    ['61 * * * * *', 0, /second/],
    ['a * * * *', 0, /minute/],
    ['H * * * *', 0, /not understood/],
    ['* * * * mon$', 8, /not understood/],
    ['*/0 * * * *', 0, /minute/],
    ['*/90 * * * *', 0, /step of 90/],
    ['5-1 * * * *', 0, /minute/],
    ['1,,2 * * * *', 0, /minute/],
    ['1- * * * *', 0, /minute: '1-' is not understood/],
    ['*5 * * * *', 0, /minute/],
    ['*/ * * * *', 0, /minute/],
    ['? * * * *', 0, /minute/],
    ['* * L-3 * *', 4, /day of month: 'L-3' is not understood/],
    ['* * 31-32 * *', 4, /day of month: '32' is not a value from 1 to 31/],
    ['* * * janfeb *', 6, /month: 'janfeb' is not understood/],
    ['* * * 1jan *', 6, /month/],
    ['* * * thu *', 6, /month: 'thu' is not a value/],
    ['* * * dec-feb *', 6, /the range 'dec-feb' ends before it begins/],
    ['* * * * sun1', 8, /day of week/],
    ['* * * * fri-sun', 8, /day of week/],
    ['* * * * 1#6', 8, /day of week/],
    ['* * * * 1#2,3', 8, /day of week/],
    ['@daily now', 0, /@daily/],
    ['@constructor', 0, /@daily/],
    ['  * 25 * * *', 4, /hour/],
    ['0 0 31 2 *', 4, /no month has such a day/],
    ['@reboot', 0, /@daily/],
    ['@DAILY', 0, /@daily/],
  ])('%j', (expression, position, fault) => {
    let thrown: unknown;
    try {
      plan(expression);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(InvalidCronError);
    expect(thrown).toMatchObject({ expression, position, code: 'INVALID_CRON' });
    expect((thrown as Error).message).toMatch(fault);
    expect((thrown as Error).message).toContain('0 9 * * 1-5');
  });

  test('more text than an expression can need', () => {
    const minutes = Array.from({ length: 400 }, (_, index) => index % 60).join(',');
    expect(() => plan(`${minutes} * * * *`)).toThrow(
      expect.objectContaining({ position: 1_024, message: expect.stringMatching(/1024 char/) }),
    );
  });

  test('something that is no text, or a zone that is not known', () => {
    expect(() => parseCron('cron', 5)).toThrow(InvalidArgumentError);
    expect(() => plan('* * * * *', 'Mars/Phobos')).toThrow(/Europe\/Berlin/);
  });
});

describe('on the day when clocks are put forward', () => {
  test('a fixed time that does not exist comes at the moment of the change, once', () => {
    const days = ['2026-03-28T00:00Z', '2026-03-31T00:00Z'] as const;
    expect(instants('30 2 * * *', 'Europe/Berlin', ...days)).toEqual([
      '2026-03-28T01:30:00.000Z',
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ]);
    // Several of them, and the time of the change itself, are one run.
    expect(
      instants('0,20,40 2,3 * * *', 'Europe/Berlin', '2026-03-29T00:00Z', '2026-03-29T02:00Z'),
    ).toEqual(['2026-03-29T01:00:00.000Z', '2026-03-29T01:20:00.000Z', '2026-03-29T01:40:00.000Z']);
  });

  test('a midnight that does not exist comes at the moment of the change', () => {
    expect(instants('0 0 * * *', 'Africa/Cairo', '2026-04-22T12:00Z', '2026-04-25T12:00Z')).toEqual(
      ['2026-04-22T22:00:00.000Z', '2026-04-23T22:00:00.000Z', '2026-04-24T21:00:00.000Z'],
    );
    expect(
      instants('30 0 * * *', 'America/Havana', '2026-03-07T12:00Z', '2026-03-10T00:00Z'),
    ).toEqual(['2026-03-08T05:00:00.000Z', '2026-03-09T04:30:00.000Z']);
  });

  test('every hour keeps its distance', () => {
    expect(
      instants('0 * * * *', 'Europe/Berlin', '2026-03-28T23:30Z', '2026-03-29T03:30Z'),
    ).toEqual([
      '2026-03-29T00:00:00.000Z',
      '2026-03-29T01:00:00.000Z',
      '2026-03-29T02:00:00.000Z',
      '2026-03-29T03:00:00.000Z',
    ]);
    expect(
      instants('*/30 * * * *', 'Australia/Lord_Howe', '2026-10-03T14:45Z', '2026-10-03T16:45Z'),
    ).toEqual([
      '2026-10-03T15:00:00.000Z',
      '2026-10-03T15:30:00.000Z',
      '2026-10-03T16:00:00.000Z',
      '2026-10-03T16:30:00.000Z',
    ]);
  });
});

describe('on the day when clocks are put back', () => {
  test('a fixed time that is there twice comes the first time only', () => {
    expect(
      instants('30 2 * * *', 'Europe/Berlin', '2026-10-24T00:00Z', '2026-10-27T00:00Z'),
    ).toEqual(['2026-10-24T00:30:00.000Z', '2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z']);
    // Asked in the second of the two hours.
    expect(
      plan('30 2 * * *', 'Europe/Berlin').next(new Date('2026-10-25T01:10Z'))?.toISOString(),
    ).toBe('2026-10-26T01:30:00.000Z');
    expect(
      instants('15 1 * * *', 'America/New_York', '2026-10-31T00:00Z', '2026-11-03T00:00Z'),
    ).toEqual(['2026-10-31T05:15:00.000Z', '2026-11-01T05:15:00.000Z', '2026-11-02T06:15:00.000Z']);
  });

  test('every hour may be written in more than one way', () => {
    for (const hour of ['*', '*/1', '0-23']) {
      expect(
        instants(`30 ${hour} * * *`, 'Europe/Berlin', '2026-10-25T00:00Z', '2026-10-25T03:00Z'),
      ).toHaveLength(3);
    }
  });

  test('every hour, and every half hour, keep their distance', () => {
    expect(
      instants('0 * * * *', 'Europe/Berlin', '2026-10-24T23:30Z', '2026-10-25T03:30Z'),
    ).toEqual([
      '2026-10-25T00:00:00.000Z',
      '2026-10-25T01:00:00.000Z',
      '2026-10-25T02:00:00.000Z',
      '2026-10-25T03:00:00.000Z',
    ]);
    const halves = instants(
      '*/30 * * * *',
      'America/New_York',
      '2026-11-01T03:59Z',
      '2026-11-01T08:01Z',
    );
    const gaps = halves
      .slice(1)
      .map((at, index) => Date.parse(at) - Date.parse(String(halves[index])));
    expect(halves).toHaveLength(9);
    expect(new Set(gaps)).toEqual(new Set([HOUR_MS / 2]));
  });
});

const ZONES = [
  'Europe/Berlin',
  'Australia/Lord_Howe',
  'America/Havana',
  'America/New_York',
  'UTC',
  'Asia/Kolkata',
  'Pacific/Auckland',
];

describe('whatever the zone and the day', () => {
  const expressions = fc.constantFrom(
    '0 * * * *',
    '*/15 * * * *',
    '30 2 * * *',
    '0 0 * * *',
    '15 1,2,3 * * *',
    '0 */2 * * *',
    '45 1 * * 0',
    '0 3 1 * *',
  );
  /** Around the changes of 2026, to the minute. */
  const moments = fc
    .tuple(
      fc.constantFrom(
        '2026-03-08',
        '2026-03-29',
        '2026-04-05',
        '2026-10-04',
        '2026-10-25',
        '2026-11-01',
        '2026-09-26',
      ),
      fc.integer({ min: -2_000, max: 2_000 }),
    )
    .map(([day, minutes]) => new Date(Date.parse(`${day}T04:00Z`) + minutes * 60_000));

  test('the next instant is later, shows what was asked for, and nothing lies between', () => {
    fc.assert(
      fc.property(expressions, fc.constantFrom(...ZONES), moments, (expression, zone, after) => {
        const cron = plan(expression, zone);
        const next = cron.next(after) as Date;
        expect(next.getTime()).toBeGreaterThan(after.getTime());
        expect(cron.next(new Date(next.getTime() - 1))).toEqual(next);
        const middle = new Date((after.getTime() + next.getTime()) / 2);
        expect(cron.next(middle)).toEqual(next);
        expect(cron.last(next, new Date(next.getTime() + 1))).toEqual(next);
        expect(cron.next(next)?.getTime()).toBeGreaterThan(next.getTime());
      }),
      { numRuns: 400 },
    );
  });

  test.each(ZONES)('a fixed time of day comes once a day in %s, all year', (zone) => {
    for (const expression of ['30 2 * * *', '0 0 * * *', '15 1 * * *']) {
      const all = instants(expression, zone, '2025-12-31T12:00Z', '2027-01-01T12:00Z');
      const days = all.map((at) => wallOf(new Date(at), zone).slice(0, 10));
      expect(new Set(days).size).toBe(days.length);
      expect(days.length).toBeGreaterThanOrEqual(365);
      expect(days.length).toBeLessThanOrEqual(367);
    }
  });

  test.each(volume(ZONES, ZONES.slice(0, 3)))(
    'every hour comes whenever a clock in %s shows it, all year',
    (zone) => {
      const cron = plan('0 * * * *', zone);
      let at = new Date('2026-01-01T00:00Z');
      const [shown, gaps] = [new Set<string>(), new Set<number>()];
      for (let count = 0; count < 8_700; count += 1) {
        const next = cron.next(at) as Date;
        shown.add(wallOf(next, zone).slice(14));
        gaps.add(next.getTime() - at.getTime());
        at = next;
      }
      expect([...shown]).toEqual(['00:00']);
      expect(Math.max(...gaps)).toBeLessThanOrEqual(1.5 * HOUR_MS);
    },
  );
});

describe('the last instant before another', () => {
  test('is found from any earlier one, however far back', () => {
    const cron = plan('0 9 * * 1', 'Europe/Berlin');
    const monday = new Date('2026-11-16T08:00:00.000Z');
    for (const first of ['2026-11-16T08:00Z', '2026-11-09T08:00Z', '2020-01-06T08:00Z']) {
      expect(cron.last(new Date(first), new Date('2026-11-21T00:00Z'))).toEqual(monday);
    }
    // Four in a row are walked, the seconds of a day in a year are not.
    const dense = plan('* * * 1 1 *', 'Pacific/Auckland');
    expect(dense.last(new Date('2020-01-01T00:00Z'), new Date('2026-11-21T00:00Z'))).toEqual(
      new Date('2026-01-01T10:59:59Z'),
    );
    const second = new Date('2025-12-31T23:00:00Z');
    expect(dense.last(new Date('2020-01-01T00:00Z'), new Date(second.getTime() + 1))).toEqual(
      second,
    );
    const leapDay = new Date('2024-02-29T00:00Z');
    expect(plan('0 0 29 2 *').last(leapDay, new Date('2027-06-01T00:00Z'))).toEqual(leapDay);
  });
});

test('after the last time that a Date can hold there is none', () => {
  const end = new Date(8.64e15);
  expect(plan('0 0 1 1 *').next(end)).toBeNull();
  expect(plan('0 * * * *', 'Europe/Berlin').next(end)).toBeNull();
});

test('a zone may be off UTC by minutes, or by seconds long ago', () => {
  const next = (zone: string, after: string) =>
    plan('0 12 * * *', zone).next(new Date(after))?.toISOString();
  expect(next('Asia/Kathmandu', '2026-06-01T00:00Z')).toBe('2026-06-01T06:15:00.000Z');
  expect(next('America/St_Johns', '2026-01-01T00:00Z')).toBe('2026-01-01T15:30:00.000Z');
  expect(next('Europe/London', '2026-01-01T00:00Z')).toBe('2026-01-01T12:00:00.000Z');
  expect(next('Etc/UTC', '2026-01-01T00:00Z')).toBe('2026-01-01T12:00:00.000Z');
  expect(next('Europe/Berlin', '1880-06-01T00:00Z')).toBe('1880-06-01T11:06:32.000Z');
});

test('an expression that comes once in decades is found in whatever zone', () => {
  const cron = plan('0 * * 2 1#5', 'Europe/Berlin');
  const next = cron.next(new Date('2072-03-01T00:00Z'));
  // The years that divide by 100 have no leap day, so that it takes 40 years instead of 28.
  expect(next).toEqual(new Date('2112-02-28T23:00Z'));
  expect(cron.last(next as Date, new Date('2113-01-01T00:00Z'))).toEqual(
    new Date('2112-02-29T22:00Z'),
  );
});

test('an instant within a second counts as the begin of that second', () => {
  expect(plan('* * * * * *').next(new Date('2026-01-01T00:00:00.999Z'))?.toISOString()).toBe(
    '2026-01-01T00:00:01.000Z',
  );
});

describe('a value that a list has twice', () => {
  test.each([
    ['1,1 * * * *', '1 * * * *'],
    ['1-5,3 * * * *', '1-5 * * * *'],
    ['*/10,20,5 * * * *', '0,5,10,20,30,40,50 * * * *'],
    ['50/5,55 * * * *', '50,55 * * * *'],
    ['0 0 * * 0,7', '0 0 * * 0'],
    ['0 0 * * mon,1,MON', '0 0 * * 1'],
    ['0 0 * * 5L,5L', '0 0 * * 5L'],
    ['0 *,5 * * *', '0 * * * *'],
    ['7,7 0 0 1 1 *', '7 0 0 1 1 *'],
  ])('counts once: %j means %j', (given, meant) => {
    const times = (expression: string): (Date | null)[] => {
      const plan = parseCron('cron', expression);
      const found: (Date | null)[] = [];
      for (let at: Date | null = new Date(0); at !== null && found.length < 20; ) {
        at = plan.next(at);
        found.push(at);
      }
      return found;
    };
    expect(times(given)).toEqual(times(meant));
    expect(parseCron('cron', given).expression).toBe(given);
  });
});
