import {
  ConnectionError,
  InMemoryLedgerRepository,
  InvariantViolationError,
  Monque,
  MonqueError,
  UniqueKeyTakenError,
} from '@monque/core';
import { ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { toProblem } from '../src/server/problems.ts';
import { inMemory, TestDashboard } from './dashboards.ts';

const jobId = new ObjectId('64b0c0ffee64b0c0ffee64b0');
const other = new ObjectId('64b0c0ffee64b0c0ffee64b1');
const hex = (id: ObjectId): string => id.toHexString();

describe('an error of the library as an answer', () => {
  test('names the rule that a write breaks, with its advice where it has one', () => {
    const fault = { rule: 'fence', verb: 'claim', jobId, message: 'It is lower than it was' };
    const bare = toProblem(new InvariantViolationError(fault)).problem;
    expect(bare).toMatchObject({ status: 422, code: 'INVARIANT_VIOLATION', rule: 'fence' });
    expect(bare.jobId).toBe(hex(jobId));
    expect(bare).not.toHaveProperty('advice');
    const advice = 'Read mongodb://ann:pass@host again';
    const advised = toProblem(new InvariantViolationError({ ...fault, advice })).problem;
    expect(advised.advice).toBe('Read mongodb://***@host again');
  });

  test('names who holds a unique key, and the job that wanted it, as far as they are known', () => {
    const both = new UniqueKeyTakenError('retry it', 'k', other, jobId);
    expect(toProblem(both).problem).toMatchObject({
      ...{ status: 409, jobId: hex(jobId), holderId: hex(other) },
    });
    const neither = toProblem(new UniqueKeyTakenError('store it', 'k', undefined)).problem;
    expect(neither).not.toHaveProperty('jobId');
    expect(neither).not.toHaveProperty('holderId');
  });

  test('says when it may be tried again where the database does not answer', () => {
    const { problem, retryAfter } = toProblem(new ConnectionError('No answer'));
    expect(problem).toMatchObject({ status: 503, code: 'CONNECTION' });
    expect(problem.advice).toContain('Nothing was changed');
    expect(retryAfter).toBe(5);
  });

  test('is the fault of the server where no request can cause it', () => {
    const { problem, retryAfter } = toProblem(new MonqueError('SHUTDOWN_TIMEOUT', 'It still runs'));
    expect(problem).toMatchObject({ status: 500, code: 'SHUTDOWN_TIMEOUT' });
    expect(problem).not.toHaveProperty('advice');
    expect(retryAfter).toBeUndefined();
  });
});

test('a value that is none of a list is answered with the list', async () => {
  const dashboard = new TestDashboard(inMemory());
  const { status, body } = await dashboard.ask('jobs?direction=sideways');
  expect([status, body.field]).toEqual([400, 'direction']);
  expect(body.detail).toBe('`direction` must be one of ascending, descending');
});

test('a body or a parameter that is of another form says what it is not', async () => {
  const dashboard = new TestDashboard(inMemory());
  const limit = await dashboard.ask('jobs?limit=100000');
  expect([limit.status, limit.body.field]).toEqual([400, 'limit']);
  expect(limit.body.detail).toMatch(/^`limit` must be <= \d+$/);
  const list = await dashboard.ask('jobs', { method: 'POST', json: [] });
  expect([list.status, list.body.field]).toEqual([400, 'body']);
  expect(list.body.detail).toBe('`body` must be object');
});

/** A ledger that is lost while jobs can still be read one by one. */
class LostLedger extends InMemoryLedgerRepository {
  override readLeases(): Promise<never> {
    return Promise.reject(new ConnectionError('mongodb://ann:pass@host does not answer'));
  }
}

test('an explanation that the ledger does not answer is one, without the password of its address', async () => {
  const monque = new Monque(new LostLedger());
  const { _id } = await monque.enqueue('mail');
  const { status, body } = await new TestDashboard(monque).ask(`jobs/${_id}/explanation`);
  expect(status).toBe(200);
  expect(body).toMatchObject({ state: 'unknown', reason: 'unreachable' });
  expect(body.details.error).toBe('mongodb://***@host does not answer');
  await monque.stop();
});
