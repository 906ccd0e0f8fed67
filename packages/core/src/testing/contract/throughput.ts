/**
 * What happened by minute: added up for each minute and name, and read in steps.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type {
  JobCounts,
  NamedCounts,
  ReadThroughputParams,
  ThroughputPoint,
} from '../../ledger/ledger-repository.ts';
import { NO_COUNTS } from '../../ledger/throughput-sums.ts';
import type { ContractTests, Subject } from './subject.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

export const throughputTests: ContractTests = {
  'nothing is counted at first': async (subject) => {
    assert.deepEqual(await read(subject), []);
  },

  'what several calls count in a minute is added up; of waits and runs the longest stands': async (
    subject,
  ) => {
    const first = { enqueued: 3, started: 2, waitMs: 70, longestWaitMs: 50 };
    const second = { started: 1, ended: 2, waitMs: 20, longestWaitMs: 20 };
    const ends = { completed: 1, failed: 1, runMs: 1_000.5, longestRunMs: 900.25 };
    await add(subject, rowAt(subject, 0, 'a', first));
    await add(subject, rowAt(subject, 0, 'a', { ...second, ...ends }));
    assert.deepEqual(await read(subject), [
      {
        ...NO_COUNTS,
        ...{ at: minuteAt(subject, 0), enqueued: 3, started: 3, waitMs: 90, longestWaitMs: 50 },
        ...{ ended: 2, ...ends },
      },
    ]);
  },

  'every count is kept apart from the others': async (subject) => {
    const fields = Object.keys(NO_COUNTS) as (keyof JobCounts)[];
    const counts = Object.fromEntries(fields.map((field, index) => [field, index + 1]));
    await add(subject, rowAt(subject, 0, 'a', counts));
    assert.deepEqual(await read(subject), [{ ...NO_COUNTS, ...counts, at: minuteAt(subject, 0) }]);
  },

  'many concurrent calls lose nothing': async (subject) => {
    const calls = Array.from({ length: 20 }, () =>
      add(subject, rowAt(subject, 0, 'a', { enqueued: 1 })),
    );
    await Promise.all(calls);
    const [point] = await read(subject);
    assert.equal(point?.enqueued, 20);
  },

  'names are counted together, or each on its own': async (subject) => {
    await add(
      subject,
      rowAt(subject, 1, 'b', { enqueued: 1 }),
      rowAt(subject, 1, 'a', { enqueued: 2 }),
      rowAt(subject, 0, 'c', { enqueued: 4 }),
    );
    const together = (await read(subject)).map(({ at, name, enqueued }) => [at, name, enqueued]);
    assert.deepEqual(together, [
      [minuteAt(subject, 0), undefined, 4],
      [minuteAt(subject, 1), undefined, 3],
    ]);
    assert.deepEqual(namesOf(await read(subject, { perName: true })), ['c:4', 'a:2', 'b:1']);
  },

  'only the names that are asked for are counted': async (subject) => {
    const names = ['a', '$a.b', 'ä 🚀', ''];
    await add(subject, ...names.map((name) => rowAt(subject, 0, name, { enqueued: 1 })));
    const found = await read(subject, { names: ['$a.b', 'ä 🚀', 'none'], perName: true });
    assert.deepEqual(namesOf(found), ['$a.b:1', 'ä 🚀:1']);
    assert.deepEqual(await read(subject, { names: [] }), []);
    assert.equal((await read(subject, { names: ['a', ''] }))[0]?.enqueued, 2);
  },

  'steps hold whole minutes, and begin at multiples of themselves': async (subject) => {
    const minutes = [0, 1, 4, 5, 9, 10];
    await add(subject, ...minutes.map((at) => rowAt(subject, at, 'a', { enqueued: 1 })));
    const steps = await read(subject, { stepMs: 5 * MINUTE_MS });
    assert.deepEqual(
      steps.map(({ at, enqueued }) => [at, enqueued]),
      [
        [minuteAt(subject, 0), 3],
        [minuteAt(subject, 5), 2],
        [minuteAt(subject, 10), 1],
      ],
    );
  },

  'a time ends before its end': async (subject) => {
    const minutes = [0, 1, 2, 3];
    await add(subject, ...minutes.map((at) => rowAt(subject, at, 'a', { enqueued: at + 1 })));
    const range = { from: minuteAt(subject, 1), before: minuteAt(subject, 3) };
    assert.deepEqual(
      (await read(subject, range)).map(({ enqueued }) => enqueued),
      [2, 3],
    );
  },

  'of too many points the first are given': async (subject) => {
    const minutes = [2, 0, 1];
    await add(subject, ...minutes.map((at) => rowAt(subject, at, 'a', { enqueued: at + 1 })));
    const found = await read(subject, { limit: 2 });
    assert.deepEqual(
      found.map(({ enqueued }) => enqueued),
      [1, 2],
    );
  },

  'counts are no jobs': async (subject) => {
    await add(subject, rowAt(subject, 0, 'a', { enqueued: 1 }));
    const { ledger } = subject;
    assert.equal(await ledger.countJobs({ filter: {}, limit: 10 }), 0);
    assert.deepEqual(await ledger.readStats({ now: subject.at(0) }), []);
  },
};

/** Steps of five minutes begin here, and the counts are not over yet. */
function minuteAt(subject: Subject, minute: number): Date {
  const hourMs = 60 * MINUTE_MS;
  const baseMs = Math.floor(subject.at(0).getTime() / hourMs) * hourMs;
  return new Date(baseMs + minute * MINUTE_MS);
}

function rowAt(
  subject: Subject,
  minute: number,
  name: string,
  counts: Partial<JobCounts>,
): NamedCounts {
  return { ...NO_COUNTS, ...counts, name, at: minuteAt(subject, minute) };
}

function add(subject: Subject, ...rows: NamedCounts[]): Promise<void> {
  // Longer than the clock of a test may stand behind or ahead of the ledger's.
  return subject.ledger.addThroughput({ rows, keptMs: 100_000 * DAY_MS });
}

function read(
  subject: Subject,
  changes: Partial<ReadThroughputParams> = {},
): Promise<readonly ThroughputPoint[]> {
  const range = { from: minuteAt(subject, -60), before: minuteAt(subject, 60) };
  return subject.ledger.readThroughput({
    ...{ ...range, stepMs: MINUTE_MS, limit: 100, ...changes },
  });
}

function namesOf(points: readonly ThroughputPoint[]): string[] {
  return points.map(({ name, enqueued }) => `${name}:${enqueued}`);
}
