import { runInNewContext } from 'node:vm';
import { ObjectId } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { JobStateError, ShutdownTimeoutError, UniqueKeyTakenError } from '../job/job-errors.ts';
import { makeJob } from '../testing/job-factory.ts';
import {
  assert,
  ConnectionError,
  InvalidArgumentError,
  InvalidCronError,
  LedgerFullError,
  MonqueError,
  messageOf,
  toError,
  UnknownOutcomeError,
  UnsupportedError,
} from './errors.ts';

const jobId = new ObjectId('0123456789abcdef01234567');

describe('the errors', () => {
  test('each is a MonqueError with its own name and code', () => {
    const errors = [
      new MonqueError('BUSY', 'Any'),
      new InvalidArgumentError('field', 'a number', 'text'),
      new InvalidCronError('60 * * * *', 0, 'minute'),
      new JobStateError({ _id: jobId, status: 'failed' }, 'cancel', ['pending']),
      new ConnectionError('No answer'),
      new UnknownOutcomeError('No answer'),
      new LedgerFullError(7),
      new UnsupportedError('No transactions'),
      new ShutdownTimeoutError(1000, [makeJob()]),
    ];
    expect(errors.every((error) => error instanceof MonqueError)).toBe(true);
    expect(errors.map(({ name, code }) => `${name} ${code}`)).toEqual([
      'MonqueError BUSY',
      'InvalidArgumentError INVALID_ARGUMENT',
      'InvalidCronError INVALID_CRON',
      'JobStateError JOB_STATE',
      'ConnectionError CONNECTION',
      'UnknownOutcomeError UNKNOWN_OUTCOME',
      'LedgerFullError LEDGER_FULL',
      'UnsupportedError UNSUPPORTED',
      'ShutdownTimeoutError SHUTDOWN_TIMEOUT',
    ]);
  });

  test('the cause is kept where another error lies behind', () => {
    const cause = new Error('socket');
    const errors = [
      new MonqueError('BUSY', 'Any', { cause }),
      new ConnectionError('No answer', { cause }),
      new UnknownOutcomeError('No answer', { cause }),
      new UnsupportedError('No transactions', { cause }),
    ];
    expect(errors.map((error) => error.cause)).toEqual(errors.map(() => cause));
  });

  test('a state error names the job, its state, the verb and where it is allowed from', () => {
    const error = new JobStateError({ _id: jobId, status: 'failed' }, 'cancel', [
      'pending',
      'processing',
    ]);
    expect(error.message).toBe(
      'Cannot cancel job 0123456789abcdef01234567: it is failed, and cancel is allowed from: pending, processing',
    );
    expect([error.jobId, error.status, error.verb]).toEqual([jobId, 'failed', 'cancel']);
  });

  test('a faulty cron expression is shown with the place of the fault and a valid one', () => {
    const error = new InvalidCronError('0 24 * * *', 2, "hour: '24' is not a value from 0 to 23");
    expect(error.message).toBe(
      "Expected a cron expression, got '0 24 * * *' with a fault at position 2: hour: '24' is not a value from 0 to 23; a valid one is `0 9 * * 1-5` (at 9:00 from Monday to Friday)",
    );
    expect([error.expression, error.position]).toEqual(['0 24 * * *', 2]);
  });

  test('a full ledger names its bound and what to do', () => {
    expect(new LedgerFullError(7).message).toBe(
      'The in-memory ledger holds 7 unfinished jobs, its bound; raise `maxJobs` or use MongoDB',
    );
  });

  test('a late shutdown names the jobs whose handlers still ran', () => {
    const jobs = [makeJob(), makeJob()];
    const error = new ShutdownTimeoutError(1500, jobs);
    expect(error.message).toContain('2 handlers still ran after the shutdownTimeout of 1500 ms');
    expect(error.incompleteJobs).toEqual(jobs);
  });
});

describe('InvalidArgumentError', () => {
  test.each<[unknown, string]>([
    [null, 'null'],
    [undefined, 'undefined'],
    [namedFunction, 'a function (namedFunction)'],
    [() => undefined, 'a function (anonymous)'],
    ['text', "'text' (string)"],
    ['x'.repeat(50), `'${'x'.repeat(40)}…' (string)`],
    [Number.NaN, 'NaN (number)'],
    [5n, '5 (bigint)'],
    [Symbol('s'), 'Symbol(s) (symbol)'],
    [new Date(Number.NaN), 'an invalid Date'],
    [new Date(0), '1970-01-01T00:00:00.000Z (Date)'],
    [[], 'an object (Array)'],
    [Object.create(null), 'an object (without prototype)'],
  ])('shows what it got: %s', (got, shown) => {
    const error = new InvalidArgumentError('options.priority', 'a whole number', got);
    expect(error.field).toBe('options.priority');
    expect(error.message).toBe(`Expected \`options.priority\` to be a whole number, got ${shown}`);
  });

  test('gives advice where there is some', () => {
    const { message } = new InvalidArgumentError('data', 'a value', 1, 'use another');
    expect(message).toBe('Expected `data` to be a value, got 1 (number); use another');
  });
});

/** What answers to nothing any more. */
function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe('what cannot be read', () => {
  const hostile = Object.defineProperty(new Error('no'), 'name', {
    get: () => {
      throw new Error('no name');
    },
  });

  test.each([
    ['a revoked proxy', revoked()],
    ['a proxy of an error', new Proxy(new Error('no'), {})],
    ['an error whose name is a trap', hostile],
    ['an error whose message is no text', Object.assign(new Error('no'), { message: 7 })],
  ])('%s becomes an error that can, with it as the cause', (_, thrown) => {
    const error = toError(thrown);
    expect(error.cause).toBe(thrown);
    expect(typeof error.message).toBe('string');
  });

  test('an error of another realm stays as it is', () => {
    const error: unknown = runInNewContext('new TypeError("elsewhere")');
    expect(toError(error)).toBe(error);
  });

  test('a value that cannot be shown is refused all the same', () => {
    const { message } = new InvalidArgumentError('data', 'a text', revoked());
    expect(message).toBe('Expected `data` to be a text, got a value that cannot be read');
  });
});

describe('toError', () => {
  test('keeps an Error as it is', () => {
    const error = new TypeError('Boom');
    expect(toError(error)).toBe(error);
  });

  test('makes an Error of anything else, with the value as its cause', () => {
    expect(toError('Boom')).toMatchObject({ message: 'Boom', cause: 'Boom' });
    expect(toError(undefined)).toMatchObject({ message: 'undefined', cause: undefined });
  });
});

describe('assert', () => {
  test('lets what holds pass', () => {
    expect(() => assert(true, 'never')).not.toThrow();
  });

  test('stops on a fault of Monque and says so', () => {
    expect(() => assert(false, 'two holders')).toThrow(
      expect.objectContaining({
        code: 'INTERNAL',
        message: 'This is a fault in Monque: two holders',
      }),
    );
  });
});

function namedFunction(): void {}

describe('UniqueKeyTakenError', () => {
  const jobId = new ObjectId();

  test('names the holder of the key, when there was one to be found', () => {
    const holderId = new ObjectId();
    const error = new UniqueKeyTakenError('retry it', 'k', holderId, jobId);
    expect(error).toMatchObject({ code: 'UNIQUE_KEY_TAKEN', jobId, holderId });
    expect(error.message).toContain(holderId.toHexString());
    const unknown = new UniqueKeyTakenError('retry it', 'k', undefined);
    expect(unknown.holderId).toBeUndefined();
    expect(unknown.jobId).toBeUndefined();
    expect(unknown.message).toContain('another job');
  });
});

test('what mostly comes from a request bears the status that web frameworks answer with', () => {
  const statusOf = (field: string) => new InvalidArgumentError(field, 'right', 1).status;
  for (const field of ['id', 'ids', 'data', 'data.to', 'data[0]', 'options.cursor', 'options.id']) {
    expect(statusOf(field), field).toBe(400);
  }
  for (const field of ['name', 'options.priority', 'idle', 'database', 'options.ideas']) {
    expect(Object.hasOwn(new InvalidArgumentError(field, 'right', 1), 'status'), field).toBe(false);
  }
});

describe('messageOf', () => {
  test('gives the message of an error, whatever somebody made of it', () => {
    const unreadable = Object.defineProperty(new Error('text'), 'message', {
      get: () => {
        throw new Error('no');
      },
    });
    expect(messageOf(new Error('text'))).toBe('text');
    expect(messageOf(unreadable)).toBe('An error whose message cannot be read');
  });
});
