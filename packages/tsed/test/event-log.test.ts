import { InMemoryLedgerRepository, Monque, type MonqueEventMap } from '@monque/core';
import { makeJob } from '@monque/core/testing';
import { describe, expect, test } from 'vitest';
import { Job } from '../src/index.ts';
import { boot, endApplications, type LogEntry } from './boot.ts';

endApplications();

const job = makeJob({ name: 'report' });
const jobFields = { jobId: job._id.toHexString(), jobName: 'report' };
const error = new TypeError('no route');
const errorFields = { error_name: 'TypeError', error_message: 'no route', stack: error.stack };

type Case = {
  [Name in keyof MonqueEventMap]: [event: Name, payload: MonqueEventMap[Name][0], entry: LogEntry];
}[keyof MonqueEventMap];

const CASES: readonly Case[] = [
  [
    'job:fail',
    { job, error, willRetry: false },
    {
      level: 'error',
      event: 'MONQUE_JOB_FAIL',
      ...jobFields,
      ...errorFields,
      failCount: 0,
      willRetry: false,
    },
  ],
  [
    'job:lost',
    { job, reason: 'fenced' },
    { level: 'warn', event: 'MONQUE_JOB_LOST', ...jobFields, reason: 'fenced' },
  ],
  [
    'job:skipped',
    { job, skipped: 3 },
    { level: 'warn', event: 'MONQUE_JOB_SKIPPED', ...jobFields, skipped: 3 },
  ],
  [
    'job:error',
    { error, job },
    { level: 'error', event: 'MONQUE_JOB_ERROR', ...jobFields, ...errorFields },
  ],
  ['job:error', { error }, { level: 'error', event: 'MONQUE_JOB_ERROR', ...errorFields }],
  [
    'stale:recovered',
    { count: 2, instanceId: 'one' },
    { level: 'warn', event: 'MONQUE_STALE_RECOVERED', count: 2, instanceId: 'one' },
  ],
  ['stale:recovered', { count: 2 }, { level: 'warn', event: 'MONQUE_STALE_RECOVERED', count: 2 }],
  [
    'connection:lost',
    { error },
    { level: 'error', event: 'MONQUE_CONNECTION_LOST', ...errorFields },
  ],
  ['connection:restored', {}, { level: 'info', event: 'MONQUE_CONNECTION_RESTORED' }],
  [
    'loop:delayed',
    { delayMs: 9_000 },
    { level: 'warn', event: 'MONQUE_LOOP_DELAYED', delayMs: 9_000 },
  ],
];

describe('the log of the application gets', () => {
  test.each(CASES)('%s', async (event, payload, entry) => {
    const log: LogEntry[] = [];
    const monque = await boot({}, log);
    monque.emit(event, payload);
    expect(log).toEqual([entry]);
  });

  test('a job that fails and is tried again, with the time of that', async () => {
    @Job('flaky')
    class Flaky {
      handle(): void {
        throw error;
      }
    }
    const log: LogEntry[] = [];
    const monque = await boot({}, log);
    const failed = new Promise((resolve) => monque.once('job:fail', resolve));
    await monque.enqueue('flaky');
    await failed;
    const fields = { jobName: 'flaky', ...errorFields, failCount: 1, willRetry: true };
    const nextRunAt = expect.any(Date);
    expect(log).toMatchObject([{ level: 'warn', event: 'MONQUE_JOB_FAIL', ...fields, nextRunAt }]);
    expect(Flaky).toBeDefined();
  });

  test('nothing when jobs go well', async () => {
    @Job('fine')
    class Fine {
      handle(): void {}
    }
    const log: LogEntry[] = [];
    const monque = await boot({ connection: new InMemoryLedgerRepository() }, log);
    await monque.waitFor(await monque.enqueue('fine'));
    expect(log).toEqual([]);
    expect([monque, Fine]).toContainEqual(expect.any(Monque));
  });
});
