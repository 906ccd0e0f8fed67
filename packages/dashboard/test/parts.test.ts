import type { Inspection, Job } from '@monque/core';
import { ManualClock } from '@monque/core/testing';
import { ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { timeOf } from '../src/clock.ts';
import { occurrencesOf } from '../src/handlers/occurrences.ts';
import { inWords } from '../src/server/cron-words.ts';
import { groupErrors } from '../src/server/error-groups.ts';
import { detailsOf, rawOf, summaryOf } from '../src/server/job-views.ts';
import { overviewOf } from '../src/server/overview.ts';
import { Redaction } from '../src/server/redaction.ts';
import type { Scope } from '../src/server/scope.ts';
import type { Snapshot } from '../src/server/snapshot.ts';
import { inMemory, ORIGIN, requestOf, TestDashboard } from './dashboards.ts';

const monque = inMemory();
const at = new Date('2026-03-01T12:00:00Z');
const id = new ObjectId('64b0c0ffee64b0c0ffee64b0');
const ALL: Scope = { seesAll: true, seesInstances: true, names: new Set() };

type Instance = Inspection['instances'][number];
type Name = Inspection['names'][number];

const none = { count: 0, isCut: false, byName: [] };

function snapshotOf(changes: Partial<Inspection>, health = {}, metrics = {}): Snapshot {
  const read = monque.metrics();
  return {
    inspection: {
      ...{ at, instances: [], withoutLease: none, names: [], namesAreCut: false, pausedNames: [] },
      ...{ fullestGroups: [], groupsAreCut: false, limits: [] },
      ...changes,
    },
    health: { ...monque.health(), ...health },
    metrics: { ...read, ...metrics },
  };
}

function name(changes: Partial<Name>): Name {
  const one = { name: 'mail', isPaused: false, instances: 1, due: 1, dueIsCut: false };
  return { ...one, queueLagMs: 0, ...changes };
}

function instance(instanceId: string, changes: Partial<Instance> = {}, info = {}): Instance {
  return {
    ...{ instanceId, isOwn: false, state: 'alive' },
    info: {
      ...{ host: 'web-1', pid: 1, version: '1.0.0', startedAt: at, reportedAt: at },
      ...{ workers: [{ name: 'mail', concurrency: 5, running: 2 }], unnamedWorkers: 0 },
      ...{ runningJobs: 2, bufferedJobs: 0, recoverStaleJobs: true, instanceConcurrency: 9 },
      ...info,
    },
    ...changes,
  };
}

function said(snapshot: Snapshot, scope = ALL): string[] {
  return overviewOf(snapshot, scope).attention.map((one) => `${one.kind}: ${one.message}`);
}

describe('what needs attention is said in sentences:', () => {
  const alive = instance('a');

  test.each<[string, Snapshot]>([
    [
      "noWorker: No instance has a worker for 'mail', and 3 jobs are due",
      snapshotOf({ instances: [alive], names: [name({ instances: 0, due: 3 })] }),
    ],
    [
      "deadLetters: 3 jobs are waiting as dead letters under 'dead'",
      snapshotOf({
        instances: [
          instance(
            'a',
            {},
            { workers: [{ name: 'mail', concurrency: 1, running: 0, deadLetter: 'dead' }] },
          ),
        ],
        names: [name({ name: 'dead', instances: 0, due: 3 })],
      }),
    ],
    [
      "pausedWithDue: 'mail' is paused, and at least 1000 jobs are due",
      snapshotOf({
        instances: [alive],
        names: [name({ isPaused: true, due: 1_000, dueIsCut: true })],
      }),
    ],
    [
      "queueLag: A job of 'mail' has been due for 2 minutes, and 1 job is due",
      snapshotOf({ instances: [alive], names: [name({ queueLagMs: 120_000 })] }),
    ],
    [
      "queueLag: A job of 'mail' has been due for 3 hours, and 1 job is due",
      snapshotOf({ instances: [alive], names: [name({ queueLagMs: 10_800_000 })] }),
    ],
    [
      'silentInstance: Instance b on web-1 did not renew its lease in time and holds 1 job',
      snapshotOf({
        instances: [instance('b', { state: 'silent', claims: { ...none, count: 1 } })],
      }),
    ],
    [
      'unknownInstance: Instance c is not on record and holds at least 2 jobs',
      snapshotOf({
        instances: [
          {
            ...{ instanceId: 'c', isOwn: false, state: 'unknown' },
            claims: { ...none, count: 2, isCut: true },
          },
        ],
      }),
    ],
    [
      'mixedVersions: Instances run different versions: 1.0.0, 2.0.0',
      snapshotOf({ instances: [alive, instance('b', {}, { version: '2.0.0' })] }),
    ],
    [
      "alert: The alert 'queueLag' has fired on web-1",
      snapshotOf({ instances: [instance('b', {}, { vitals: vitals(['queueLag']) })] }),
    ],
    [
      'disconnected: The last call of the database was not answered',
      snapshotOf({}, { running: true, connected: false }),
    ],
    [
      'polling: New jobs are found by polling: the database announces none',
      snapshotOf({}, { running: true, connected: true, hints: 'polling' }),
    ],
    [
      "alert: The alert 'queueLag' has fired in this process",
      snapshotOf({}, { alerts: ['queueLag'] }),
    ],
    [
      'violations: Rules of the ledger were broken 3 times by this process',
      counted('violations', 3),
    ],
    ['lost: The end of 1 run could not be recorded', counted('lost', 1)],
    ['lost: The end of 2 runs could not be recorded', counted('lost', 2)],
    [
      "clockError: The clock of this machine differs from the database's by 5 seconds",
      snapshotOf({}, {}, { gauges: { ...monque.metrics().gauges, clockErrorMs: 5_000 } }),
    ],
    [
      "clockError: The clock of this machine differs from the database's by 1500 ms",
      snapshotOf({}, {}, { gauges: { ...monque.metrics().gauges, clockErrorMs: 1_500 } }),
    ],
    [
      'withoutLease: 4 jobs are held by tools that keep no lease',
      snapshotOf({ withoutLease: { ...none, count: 4 } }),
    ],
  ])('%s', (sentence, snapshot) => {
    expect(said(snapshot)).toContain(sentence);
  });

  function vitals(alerts: string[]) {
    return { winRate: 1, loopDelayMs: 0, clockErrorMs: 0, queueLagMs: 0, alerts, violations: 0 };
  }

  function counted(metric: 'violations' | 'lost', value: number): Snapshot {
    const { counters } = monque.metrics();
    return snapshotOf({}, {}, { counters: { ...counters, [metric]: [{ labels: {}, value }] } });
  }

  test('the most severe first, and nothing when all is well', () => {
    const names = [name({ isPaused: true }), name({ name: 'other', instances: 0 })];
    const severities = overviewOf(snapshotOf({ instances: [alive], names }), ALL).attention.map(
      ({ severity }) => severity,
    );
    expect(severities).toEqual(['critical', 'warning']);
    expect(said(snapshotOf({ instances: [alive], names: [name({})] }))).toEqual([]);
    const idle = instance('d', { state: 'dead', claims: none });
    expect(said(snapshotOf({ instances: [idle] }))).toEqual([]);
  });
});

test('an instance of a version that says nothing of itself counts, without workers', () => {
  const mute = { instanceId: 'm', isOwn: false, state: 'alive' } as const;
  const { totals, names, instances } = overviewOf(
    snapshotOf({ instances: [mute, instance('a')], names: [name({})] }),
    ALL,
  );
  expect(totals.instances).toBe(2);
  expect(names).toMatchObject([{ running: 2, concurrency: 5 }]);
  expect(instances[0]).toEqual({ ...mute, workers: [] });
});

test('an actor of some names sees of an instance what has to do with these', () => {
  const oldest = { jobId: id, name: 'secret', lockedAt: at };
  const byName = [
    { name: 'secret', count: 2 },
    { name: 'mail', count: 1 },
  ];
  const claims = { count: 3, isCut: false, byName, oldest };
  const other = instance('b', {}, { workers: [{ name: 'secret', concurrency: 1, running: 1 }] });
  const snapshot = snapshotOf({ instances: [instance('a', { claims }), other] });
  const some: Scope = { seesAll: false, seesInstances: false, names: new Set(['mail']) };
  const { instances, totals } = overviewOf(snapshot, some);
  expect(instances).toEqual([
    {
      ...{ instanceId: 'a', isOwn: false, state: 'alive' },
      workers: [{ name: 'mail', concurrency: 5, running: 2 }],
      claims: { count: { value: 1, isAtLeast: false }, byName: [{ name: 'mail', count: 1 }] },
    },
  ]);
  expect(totals.running).toEqual({ value: 1, isAtLeast: false });
  const [seen] = overviewOf(snapshot, ALL).instances;
  expect(seen).toMatchObject({ host: 'web-1', claims: { oldest: { name: 'secret' } } });
});

describe('a job that somebody wrote manually is shown as far as it can be:', () => {
  const eyes = { redaction: new Redaction(), actor: 'ann' };
  const odd = {
    ...{ _id: id, name: 5, status: 'pending', priority: '7', nextRunAt: 'soon', fence: Number.NaN },
    ...{ failReason: 1, lockedAt: 'never', claimedBy: 3, uniqueKey: 9, logs: [1], stages: 'none' },
    ...{ gates: [{ name: 'g', at, by: 'eve' }], history: [{ verb: 'x', at, reason: 2, by: 4 }] },
    ...{ trace: { traceparent: 'a', tracestate: 'b' }, backoff: { type: 'fixed', delay: 1 } },
    ...{ timeout: 5, missed: 'skip', startAt: at },
  } as unknown as Job;

  test('in lists, on its page, and raw', () => {
    expect(summaryOf(odd, eyes)).toMatchObject({ name: '5', priority: 0, fence: 0 });
    expect(summaryOf(odd, eyes).nextRunAt).toBe(timeOf(undefined));
    expect(detailsOf(odd, eyes)).toMatchObject({
      failReason: '[redacted]',
      logs: ['1'],
      gates: [{ name: 'g', evidence: null, by: 'eve' }],
      trace: { traceparent: 'a', tracestate: 'b' },
      timeout: 5,
      missed: 'skip',
    });
    expect(rawOf(odd, eyes)).toMatchObject({ nextRunAt: 'soon', stages: 'none' });
  });
});

describe('the times of a series', () => {
  const times = [9, 10, 11, 12, 13].map((hour) => new Date(Date.UTC(2026, 2, 1, hour)));
  const [nine, ten, , noon] = times;
  const job = { status: 'pending', scheduledFor: noon, nextRunAt: noon } as unknown as Job;
  const now = new Date('2026-03-01T12:30:00Z');

  test('are known by what is on record', () => {
    const entries = [
      { verb: 'enqueue', at: new Date('2026-03-01T08:00:00Z') },
      { verb: 'repeat', at: new Date('2026-03-01T09:00:05Z'), scheduledFor: nine as Date },
      { verb: 'repeatAfterFailure', at, scheduledFor: ten as Date },
    ];
    const states = occurrencesOf(times, job, entries, now).map(({ state }) => state);
    expect(states).toEqual(['done', 'failed', 'skipped', 'late', 'planned']);
    expect(occurrencesOf(times, job, entries, now)[0]?.endedAfterMs).toBe(5_000);
  });

  test('are found by their claims where the entry of a run does not say its time', () => {
    const minute = (hour: number, minutes: number): Date =>
      new Date(Date.UTC(2026, 2, 1, hour, minutes));
    const entries = [
      { verb: 'enqueue', at: minute(8, 0) },
      // A retry is claimed again, and belongs to the time of the first claim.
      { verb: 'claim', at: minute(9, 0) },
      { verb: 'retry', at: minute(9, 1) },
      { verb: 'claim', at: minute(10, 30) },
      { verb: 'repeat', at: minute(10, 31) },
      // The run of ten came late; that of eleven was moved ahead.
      { verb: 'claim', at: minute(10, 32) },
      { verb: 'repeat', at: minute(10, 33) },
      { verb: 'claim', at: minute(10, 40) },
      { verb: 'repeat', at: minute(10, 41) },
    ];
    const states = occurrencesOf(times, job, entries, now).map(({ state }) => state);
    expect(states).toEqual(['done', 'done', 'done', 'late', 'planned']);
    const ofNoRun = [{ verb: 'repeat', at: minute(9, 1) }];
    expect(occurrencesOf([nine as Date], job, ofNoRun, now)[0]?.state).toBe('unknown');
  });

  test('are shown as the log of a scheduler has them', async () => {
    // Ahead of the machine, so that no time of the plan passes there; between two seconds, so that none begins as the test looks.
    const wholeSecond = Math.floor(Date.now() / 1_000) * 1_000;
    const clock = new ManualClock({ start: new Date(wholeSecond + 86_400_250) });
    const own = inMemory({ clock, transitionLog: true });
    own.worker('tick', () => 'done');
    await own.start();
    try {
      const { _id, createdAt } = await own.schedule(
        '* * * * * *',
        'tick',
        {},
        { uniqueKey: 'tick' },
      );
      await clock.advance(2_500);
      const from = createdAt.toISOString();
      const to = new Date(createdAt.getTime() + 10_000).toISOString();
      const { body } = await new TestDashboard(own).ask(
        `series/${_id}/occurrences?from=${from}&to=${to}`,
      );
      const states = body.occurrences.map(({ state }: { state: string }) => state);
      expect(states).toEqual(['done', 'done', ...Array(8).fill('planned')]);
      expect(body.isRecorded).toBe(true);
    } finally {
      await own.stop();
    }
  });

  test('are unknown where nothing is on record, and running while a run is on', () => {
    const running = { ...job, status: 'processing' } as Job;
    const states = occurrencesOf(times, running, [], now).map(({ state }) => state);
    expect(states).toEqual(['unknown', 'unknown', 'unknown', 'running', 'planned']);
    const over = { ...job, status: 'completed' } as Job;
    expect(occurrencesOf([noon as Date], over, [], now)[0]?.state).toBe('unknown');
    const retry = { ...job, nextRunAt: new Date('2026-03-01T12:45:00Z') } as Job;
    expect(occurrencesOf([noon as Date], retry, [], now)[0]?.state).toBe('planned');
  });
});

test('failures are told apart by what they say, not by ids, numbers, times and addresses', () => {
  const messages = [
    'Job 64b0c0ffee64b0c0ffee64b0 at 2026-01-01T00:00:00Z: GET https://a.example/1 gave 503',
    'Job 64b0c0ffee64b0c0ffee64b1 at 2026-01-02T00:00:00Z: GET https://b.example/2 gave 504',
    undefined,
  ];
  const job = { _id: id, name: 'mail', status: 'failed', updatedAt: at } as unknown as Job;
  const eyes = { redaction: new Redaction([]), actor: 'ann' };
  const groups = groupErrors(
    messages.map((failReason) => {
      return summaryOf({ ...job, ...(failReason && { failReason, finishedAt: at }) } as Job, eyes);
    }),
  );
  expect(groups.map(({ pattern, count }) => [pattern, count])).toEqual([
    ['Job <id> at <time>: GET <address> gave <n>', 2],
    ['', 1],
  ]);
});

test('an expression that cannot be said has no words', () => {
  expect(inWords('nonsense')).toBeUndefined();
  expect(inWords('*'.repeat(201))).toBeUndefined();
  expect(inWords('@daily')).toEqual(expect.any(String));
});

describe('a body', () => {
  const { handler } = new TestDashboard(monque);
  const headers = { 'content-type': 'application/json' };
  const send = (body: string | ReadableStream, more = {}) =>
    handler(
      new Request(`${ORIGIN}/api/v1/jobs`, {
        ...{ method: 'POST', body, headers: { ...headers, ...more }, duplex: 'half' },
      } as RequestInit),
    );

  test('that is too large is refused, whether it says so or not', async () => {
    expect((await send('{}', { 'content-length': '99999999' })).status).toBe(413);
    const chunk = new Uint8Array(9 * 1_048_576);
    const stream = new ReadableStream({ pull: (controller) => controller.enqueue(chunk) });
    expect((await send(stream)).status).toBe(413);
  });

  test('that breaks off, or is no JSON, is refused', async () => {
    const broken = new ReadableStream({ pull: (controller) => controller.error(new Error('cut')) });
    expect((await send(broken)).status).toBe(400);
    expect((await send('{')).status).toBe(400);
    const empty = requestOf('/api/v1/jobs', { method: 'POST' });
    expect((await handler(empty)).status).toBe(400);
  });
});
