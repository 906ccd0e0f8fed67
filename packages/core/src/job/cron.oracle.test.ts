/**
 * The instants of cron expressions on the days when clocks are changed, compared with an oracle that looks at what a
 * wall clock shows in each minute of those days.
 *
 * @module
 */
import { describe, expect, test } from 'vitest';
import { parseCron } from './cron.ts';

const MINUTE_MS = 60_000;
/** Looked at on both sides of noon UTC of the day. */
const AROUND_MS = 30 * 60 * MINUTE_MS;
/** The oracle sees further, since it takes for the first time of two what it sees first. */
const BEYOND_MS = 26 * 60 * MINUTE_MS;

/** What a wall clock shows, as if it were UTC, in each minute. */
type WallClock = readonly { readonly atMs: number; readonly wallMs: number }[];

interface Expression {
  readonly text: string;
  /** Whether a wall clock shows what is wanted. */
  readonly wants: (wall: Date) => boolean;
  /** True for an expression for every hour. */
  readonly isHourly?: boolean;
}

const EXPRESSIONS: readonly Expression[] = [
  { text: '0 * * * *', isHourly: true, wants: isAt(() => true, [0]) },
  { text: '*/30 * * * *', isHourly: true, wants: isAt(() => true, [0, 30]) },
  {
    text: '7,52 * 29,4 * 0,5',
    isHourly: true,
    wants: (wall) =>
      isAt(() => true, [7, 52])(wall) &&
      ([0, 5].includes(wall.getUTCDay()) || [29, 4].includes(wall.getUTCDate())),
  },
  { text: '0 0 * * *', wants: isAt((hour) => hour === 0, [0]) },
  { text: '30 0 * * *', wants: isAt((hour) => hour === 0, [30]) },
  { text: '30 2 * * *', wants: isAt((hour) => hour === 2, [30]) },
  { text: '45 23 * * *', wants: isAt((hour) => hour === 23, [45]) },
  { text: '0 */2 * * *', wants: isAt((hour) => hour % 2 === 0, [0]) },
  { text: '*/20 23,0-4 * * *', wants: isAt((hour) => hour === 23 || hour < 5, [0, 20, 40]) },
  {
    text: '15 1,2,3 * * 0,5',
    wants: (wall) =>
      isAt((hour) => hour > 0 && hour < 4, [15])(wall) && [0, 5].includes(wall.getUTCDay()),
  },
];

describe('the instants are those that an oracle finds', () => {
  test.each([
    ['an hour forward', 'Europe/Berlin', '2026-03-29'],
    ['an hour back', 'Europe/Berlin', '2026-10-25'],
    ['an hour forward', 'America/New_York', '2026-03-08'],
    ['an hour back', 'America/New_York', '2026-11-01'],
    ['half an hour forward', 'Australia/Lord_Howe', '2026-10-03'],
    ['half an hour back', 'Australia/Lord_Howe', '2026-04-04'],
    ['two hours forward', 'Antarctica/Troll', '2026-03-29'],
    ['two hours back', 'Antarctica/Troll', '2026-10-25'],
    ['forward over midnight', 'America/Sao_Paulo', '2018-11-04'],
    ['back over midnight', 'America/Sao_Paulo', '2018-02-18'],
    ['forward at midnight', 'Asia/Beirut', '2026-03-29'],
    ['back at midnight', 'Asia/Beirut', '2026-10-25'],
    ['forward at midnight', 'Africa/Cairo', '2026-04-24'],
    ['forward at midnight', 'America/Havana', '2026-03-08'],
    ['a minute past midnight', 'America/St_Johns', '2010-03-14'],
    ['a minute past midnight, back', 'America/St_Johns', '2010-11-07'],
    ['far ahead of UTC, forward', 'Pacific/Auckland', '2026-09-26'],
    ['far ahead of UTC, back', 'Pacific/Auckland', '2026-04-04'],
    ['further ahead, forward', 'Pacific/Chatham', '2026-09-26'],
    ['further ahead, back', 'Pacific/Chatham', '2026-04-04'],
    ['a whole day left out', 'Pacific/Apia', '2011-12-30'],
    ['half an hour for good', 'America/Caracas', '2016-05-01'],
    ['back for a month', 'Africa/Casablanca', '2026-02-15'],
    ['a plain day', 'Pacific/Kiritimati', '2026-03-29'],
    ['a plain day', 'Pacific/Pago_Pago', '2026-03-29'],
    ['a plain day', 'UTC', '2026-03-29'],
  ])('%s: %s on %s', (_, zone, day) => {
    const noonMs = Date.parse(`${day}T12:00Z`);
    const [fromMs, untilMs] = [noonMs - AROUND_MS, noonMs + AROUND_MS];
    const clock = lookAt(zone, fromMs - BEYOND_MS, untilMs + BEYOND_MS);
    for (const expression of EXPRESSIONS) {
      const wanted = oracle(clock, expression).filter((at) => at > fromMs && at < untilMs);
      expect(wanted).not.toEqual([]);
      const expected = [expression.text, wanted.map(show)];
      expect([expression.text, forwards(expression.text, zone, fromMs, untilMs)]).toEqual(expected);
      const first = new Date(wanted[0] as number);
      expect([expression.text, backwards(expression.text, zone, first, untilMs)]).toEqual(expected);
    }
  });
});

function forwards(text: string, zone: string, fromMs: number, untilMs: number): string[] {
  const cron = parseCron('cron', text, zone);
  const found: string[] = [];
  let at = cron.next(new Date(fromMs));
  while (at !== null && at.getTime() < untilMs && found.length < 1_000) {
    found.push(show(at.getTime()));
    at = cron.next(at);
  }
  return found;
}

function backwards(text: string, zone: string, first: Date, untilMs: number): string[] {
  const cron = parseCron('cron', text, zone);
  const found: string[] = [];
  let at = cron.last(first, new Date(untilMs));
  while (at > first && found.length < 1_000) {
    found.unshift(show(at.getTime()));
    at = cron.last(first, at);
  }
  return [show(at.getTime()), ...found];
}

function lookAt(timeZone: string, fromMs: number, untilMs: number): WallClock {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  const clock: { atMs: number; wallMs: number }[] = [];
  for (let atMs = fromMs; atMs <= untilMs; atMs += MINUTE_MS) {
    clock.push({ atMs, wallMs: Date.parse(`${format.format(atMs).replace(' ', 'T')}Z`) });
  }
  return clock;
}

function oracle(clock: WallClock, { wants, isHourly = false }: Expression): number[] {
  if (isHourly) {
    return clock.filter(({ wallMs }) => wants(new Date(wallMs))).map(({ atMs }) => atMs);
  }
  const shown = new Set<number>();
  const found = new Set<number>();
  let lastMs = Number.POSITIVE_INFINITY;
  for (const { atMs, wallMs } of clock) {
    // A jump stands for each minute that it leaves out, and for the one that it leads to.
    for (let ms = Math.min(lastMs + MINUTE_MS, wallMs); ms <= wallMs; ms += MINUTE_MS) {
      if (!shown.has(ms) && wants(new Date(ms))) found.add(atMs);
      shown.add(ms);
    }
    lastMs = wallMs;
  }
  return [...found];
}

function isAt(isHour: (hour: number) => boolean, minutes: readonly number[]) {
  return (wall: Date): boolean =>
    isHour(wall.getUTCHours()) && minutes.includes(wall.getUTCMinutes());
}

function show(ms: number): string {
  return new Date(ms).toISOString();
}
