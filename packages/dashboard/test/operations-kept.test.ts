import { type AuditReport, ConnectionError, type MonqueManagement } from '@monque/core';
import { ObjectId } from 'mongodb';
import { afterEach, expect, test, vi } from 'vitest';
import type { Operation, OperationRequest } from '../src/api/types.ts';
import { Operations } from '../src/server/operations.ts';
import { inMemory } from './dashboards.ts';

const HOUR_MS = 3_600_000;

afterEach(() => {
  vi.useRealTimers();
});

function make() {
  const operations = new Operations();
  const reported: unknown[] = [];
  const begin = (
    monque: MonqueManagement,
    request: OperationRequest = { kind: 'delete', filter: { all: true } },
    by = 'ann',
  ): Operation =>
    operations.begin({
      ...{ request, by, monque, names: undefined },
      ...{ now: () => new Date(), report: (error: unknown) => reported.push(error) },
    });
  const ended = ({ id }: Operation): Promise<Operation> =>
    new Promise((resolve) => {
      const stop = operations.listen((operation) => {
        if (operation.id !== id || operation.state === 'running') return;
        stop();
        resolve(operation);
      });
    });
  return { operations, reported, begin, ended };
}

/** The verbs of a scheduler, but for these. */
function but(changes: Partial<MonqueManagement>): MonqueManagement {
  return { ...changes } as MonqueManagement;
}

test('what became of an operation is forgotten after an hour', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  const { operations, begin, ended } = make();
  const nothing = { matched: 0, changed: 0, left: [], isComplete: true };
  const { id } = await ended(begin(but({ deleteJobs: async () => nothing })));
  await vi.advanceTimersByTimeAsync(0);
  vi.advanceTimersByTime(HOUR_MS - 1);
  expect(operations.get(id, undefined)).toMatchObject({ id, state: 'done' });
  vi.advanceTimersByTime(1);
  expect(operations.get(id, undefined)).toBeUndefined();
});

test('beyond 200 the oldest that are over are forgotten, and none that goes on', async () => {
  const { operations, begin, ended } = make();
  const monque = inMemory();
  let end = (): void => undefined;
  const held = but({
    deleteJobs: () =>
      new Promise((resolve) => {
        end = () => resolve({ matched: 0, changed: 0, left: [], isComplete: true });
      }),
  });
  const going = begin(held);
  const first = await ended(begin(monque));
  for (let index = 0; index < 199; index += 1) await ended(begin(monque));
  expect(operations.list(undefined)).toHaveLength(200);
  expect(operations.get(first.id, undefined)).toBeUndefined();
  expect(operations.get(going.id, undefined)?.state).toBe('running');
  end();
  expect((await ended(going)).state).toBe('done');
});

test('each actor lists its own', async () => {
  const { operations, begin, ended } = make();
  const own = await ended(begin(inMemory()));
  const other = await ended(begin(inMemory(), undefined, 'eve'));
  expect(operations.list('ann').map(({ id }) => id)).toEqual([own.id]);
  expect(operations.list(undefined).map(({ id }) => id)).toEqual([other.id, own.id]);
});

test('one that fails for a reason that is known reports nothing', async () => {
  const { reported, begin, ended } = make();
  const lost = but({ deleteJobs: () => Promise.reject(new ConnectionError('No answer')) });
  expect(await ended(begin(lost))).toMatchObject({
    state: 'failed',
    problem: { code: 'CONNECTION', status: 503 },
  });
  expect(reported).toEqual([]);
  const fault = new Error('a fault');
  await ended(begin(but({ deleteJobs: () => Promise.reject(fault) })));
  expect(reported).toEqual([fault]);
});

test('an audit shows what it found, with the advice where there is some', async () => {
  const { begin, ended } = make();
  const jobId = new ObjectId();
  const finding = {
    ...({ rule: 'fence', jobId, name: 'mail', status: 'pending' } as const),
    ...{ message: 'It is lower', values: {}, isRepaired: true },
  };
  const report: AuditReport = {
    ...{ audited: 2, repaired: 2, violations: { fence: 2 }, isComplete: true },
    findings: [finding, { ...finding, isRepaired: false, advice: 'Look at it' }],
  };
  const operation = await ended(begin(but({ audit: async () => report }), { kind: 'repair' }));
  const { values, ...shown } = { ...finding, jobId: jobId.toHexString() };
  expect(values).toEqual({});
  expect(operation).toMatchObject({ state: 'done', matched: 2, changed: 2 });
  expect(operation.audit?.findings).toEqual([
    shown,
    { ...shown, isRepaired: false, advice: 'Look at it' },
  ]);
});
