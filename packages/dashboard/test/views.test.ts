import { InvalidArgumentError, type Job, type MonqueOptions } from '@monque/core';
import { ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { Activity } from '../src/server/activity.ts';
import { groupErrors } from '../src/server/error-groups.ts';
import { summaryOf } from '../src/server/job-views.ts';
import { Redaction } from '../src/server/redaction.ts';
import { scopeOf } from '../src/server/scope.ts';
import { StatsCache } from '../src/server/stats-cache.ts';
import { inMemory, TestDashboard } from './dashboards.ts';

type Health = ReturnType<ReturnType<typeof inMemory>['health']>;

/** A scheduler that says this of itself. */
function saying(health: Partial<Health>, options: MonqueOptions = {}) {
  const monque = inMemory(options);
  return {
    as: (actor: string) => monque.as(actor),
    inspect: () => monque.inspect(),
    metrics: () => monque.metrics(),
    health: () => ({ ...monque.health(), ...health }),
  };
}

const onlyMail: MonqueOptions['access'] = { may: ({ name }) => name === 'mail' };

describe('the health of the process', () => {
  test('is degraded while it runs and its database does not answer', async () => {
    const at = new Date('2026-03-01T12:00:00Z');
    const known = new InvalidArgumentError('name', 'a text', 1);
    const error = new TypeError('mongodb://ann:pass@host does not answer');
    const read = async (health: Partial<Health>) =>
      (await new TestDashboard(saying(health)).ask('health')).body;
    const lame = { running: true, connected: false, lastError: { error, at } };
    expect(await read(lame)).toMatchObject({
      status: 'degraded',
      lastError: {
        ...{ code: 'TypeError', message: 'mongodb://***@host does not answer' },
        at: at.toISOString(),
      },
    });
    expect((await read({ lastError: { error: known, at } })).lastError.code).toBe(
      'INVALID_ARGUMENT',
    );
    expect((await read({ running: false, connected: false })).status).toBe('ok');
  });

  test('shows an actor of some names paused ones among these, and no error', async () => {
    const health = {
      pausedNames: ['mail', 'secret'],
      lastError: { error: new Error('secret'), at: new Date() },
    };
    const some = await new TestDashboard(saying(health, { access: onlyMail })).ask('health');
    expect(some.body.pausedNames).toEqual(['mail']);
    expect(some.body).not.toHaveProperty('lastError');
    const all = await new TestDashboard(saying(health)).ask('health');
    expect(all.body.pausedNames).toEqual(['mail', 'secret']);
  });
});

test('the violations of each rule are shown to who sees all jobs', async () => {
  const violations = [{ labels: { rule: 'fence' }, value: 2 }];
  const rulesOf = async (options: MonqueOptions) => {
    const monque = saying({}, options);
    const read = monque.metrics();
    const metrics = () => ({ ...read, counters: { ...read.counters, violations } });
    return (await new TestDashboard({ ...monque, metrics }).ask('rules')).body.rules;
  };
  expect(await rulesOf({})).toEqual([{ rule: 'fence', violations: 2 }]);
  expect(await rulesOf({ access: onlyMail })).toEqual([]);
});

test('the environment is shown, and an actor may be more than its id', async () => {
  const actor = { id: 'ann', roles: ['admin'] };
  const dashboard = new TestDashboard(inMemory(), { environment: 'staging', actor: () => actor });
  const { body } = await dashboard.ask('capabilities');
  expect(body).toMatchObject({ environment: 'staging', actor: 'ann' });
});

test('an actor of some names sees of what was done what it did itself', async () => {
  const monque = inMemory({
    access: { may: ({ actor, name }) => actor === 'root' || name === 'mail' },
  });
  let asking = 'root';
  const dashboard = new TestDashboard(monque, { actor: () => asking });
  const enqueue = () => dashboard.ask('jobs', { method: 'POST', json: { name: 'mail' } });
  await enqueue();
  asking = 'eve';
  await enqueue();
  const actors = async () => {
    const { entries } = (await dashboard.ask('activity')).body;
    return entries.map(({ actor }: { actor: string }) => actor);
  };
  expect(await actors()).toEqual(['eve']);
  asking = 'root';
  expect(await actors()).toEqual(['eve', 'root']);
});

test('the newest 500 deeds are kept', () => {
  const activity = new Activity();
  for (let index = 0; index <= 500; index += 1) {
    activity.note({ at: '', actor: `${index}`, action: 'retryJob', outcome: 'done' });
  }
  const actors = activity.read().map(({ actor }) => actor);
  expect(actors).toHaveLength(500);
  expect([actors[0], actors.at(-1)]).toEqual(['500', '1']);
});

test('who sees no name gets no reasons, no preview, and a bulk action of nothing', async () => {
  const monque = inMemory({ access: { may: ({ actor }) => actor === 'root' } });
  await monque.as('root').enqueue('mail');
  const dashboard = new TestDashboard(monque);
  expect((await dashboard.ask('reasons')).body).toMatchObject({ explained: 0, reasons: [] });
  const json = { kind: 'delete', filter: { all: true } };
  const preview = await dashboard.ask('operations/preview', { method: 'POST', json });
  expect(preview.body).toMatchObject({ count: { value: 0, isAtLeast: false }, sample: [] });
  const begun = await dashboard.ask('operations', { method: 'POST', json });
  const path = `operations/${begun.body.operation.id}`;
  await expect
    .poll(async () => (await dashboard.ask(path)).body.operation)
    .toMatchObject({ state: 'done', matched: 0, changed: 0 });
  expect((await dashboard.ask('operations')).body.operations).toHaveLength(1);
  expect(await monque.as('root').getJobs()).toHaveLength(1);
});

test('a name is known from what runs of it, and an instance that holds nothing names none', async () => {
  const monque = inMemory({ access: onlyMail });
  const inspection = await monque.inspect();
  const held = { count: 1, isCut: false, byName: [{ name: 'mail', count: 1 }] };
  const instances = [
    { instanceId: 'a', isOwn: false, state: 'unknown' as const, claims: held },
    { instanceId: 'b', isOwn: false, state: 'alive' as const },
  ];
  const snapshot = {
    ...{ inspection: { ...inspection, names: [], instances } },
    ...{ health: monque.health(), metrics: monque.metrics() },
  };
  const scope = await scopeOf(monque.as('ann'), snapshot, ['secret']);
  expect([...scope.names]).toEqual(['mail']);
});

test('a list is narrowed by who holds its jobs and by their times', async () => {
  const monque = inMemory();
  const job = await monque.enqueue('mail');
  await monque.cancelJob(job._id);
  await monque.enqueue('mail');
  const dashboard = new TestDashboard(monque);
  const count = async (query: string) =>
    (await dashboard.ask(`jobs?name=mail&${query}`)).body.jobs.length;
  const [past, future] = ['2000-01-01T00:00:00Z', '2100-01-01T00:00:00Z'];
  expect(await count(`finishedFrom=${past}&finishedBefore=${future}`)).toBe(1);
  expect(await count(`finishedFrom=${future}`)).toBe(0);
  expect(await count(`createdFrom=${past}&createdBefore=${future}`)).toBe(2);
  expect(await count(`createdBefore=${past}`)).toBe(0);
  expect(await count('claimedBy=nobody')).toBe(0);
});

test('of failures that look alike the newest is shown, in whatever order they are found', () => {
  const eyes = { redaction: new Redaction([]), actor: 'ann' };
  const ends = ['12:00:00', '13:00:00', '11:00:00'].map((time) => `2026-03-01T${time}.000Z`);
  const jobs = ends.map((end) => {
    const job = { _id: new ObjectId(), name: 'mail', status: 'failed', failReason: 'No' };
    return summaryOf({ ...job, finishedAt: new Date(end) } as unknown as Job, eyes);
  });
  expect(groupErrors(jobs)).toMatchObject([{ firstAt: ends[2], lastAt: ends[1], count: 3 }]);
});

describe('counts of all jobs', () => {
  const counts = { total: 1 } as never;
  const now = new Date();

  test('are kept for the last 200 names alone', async () => {
    const cache = new StatsCache();
    let made = 0;
    const count = async () => {
      made += 1;
      return counts;
    };
    for (let index = 0; index <= 200; index += 1) await cache.read(`name-${index}`, now, count);
    await cache.read('name-1', now, count);
    expect(made).toBe(201);
    await cache.read('name-0', now, count);
    expect(made).toBe(202);
  });

  test('that fail are made again for the next who asks', async () => {
    const cache = new StatsCache();
    const fault = new Error('a fault');
    await expect(cache.read('mail', now, () => Promise.reject(fault))).rejects.toBe(fault);
    await expect(cache.read('mail', now, async () => counts)).resolves.toMatchObject({
      stats: counts,
    });
  });
});
