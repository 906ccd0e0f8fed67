import { describe, expect, test, vi } from 'vitest';
import { ConnectionError, MonqueError, UnknownOutcomeError } from '../foundation/errors.ts';
import type { Job } from '../job/job.ts';
import { ManualClock, makeJob } from '../testing/index.ts';
import {
  type ClaimParams,
  DEFAULT_OPERATION_TIMEOUT,
  isLedgerRepository,
  type SettleResult,
} from './ledger-repository.ts';
import {
  type InMemoryLedgerOptions,
  InMemoryLedgerRepository,
} from './memory/in-memory-ledger-repository.ts';

/** A ledger whose answers a test can hold back or spoil. */
class StubLedger extends InMemoryLedgerRepository {
  readonly opened = vi.fn(async () => undefined);
  readonly closed = vi.fn(async () => undefined);
  held: Promise<never> | undefined;
  settleResult: SettleResult | undefined;

  constructor(options: InMemoryLedgerOptions) {
    super(options);
    this.verbs = {
      ...this.verbs,
      getJob: async () => (await this.held) ?? null,
      renewLease: async () => (await this.held) ?? true,
      settle: async () => this.settleResult ?? { answers: [] },
    };
  }

  protected override async performOpen(): Promise<void> {
    await this.opened();
  }

  protected override async performClose(): Promise<void> {
    await this.closed();
  }
}

const never = new Promise<never>(() => undefined);
const job = makeJob();
const claim: ClaimParams = {
  demand: [{ name: 'a', limit: 1 }],
  instanceId: 'instance',
  claimToken: 'token',
  now: new Date(0),
  suspects: false,
  widening: 1,
};

function setUp(operationTimeoutMs?: number): { clock: ManualClock; ledger: StubLedger } {
  const clock = new ManualClock();
  const options = { clock, ...(operationTimeoutMs !== undefined && { operationTimeoutMs }) };
  return { clock, ledger: new StubLedger(options) };
}

describe('opening and closing', () => {
  test('concurrent verbs open the ledger once', async () => {
    const { ledger } = setUp();
    await Promise.all([ledger.open(), ledger.readTime(), ledger.readLeases()]);
    expect(ledger.opened).toHaveBeenCalledTimes(1);
  });

  test('an opening that failed may be repeated', async () => {
    const { ledger } = setUp();
    ledger.opened.mockRejectedValueOnce(new Error('Not there yet'));
    await expect(ledger.readTime()).rejects.toThrow('Not there yet');
    await ledger.readTime();
    expect(ledger.opened).toHaveBeenCalledTimes(2);
  });

  test('closing waits for the opening and happens once', async () => {
    const { ledger } = setUp();
    const opening = ledger.open();
    await Promise.all([ledger.close(), ledger.close(), opening]);
    expect(ledger.closed).toHaveBeenCalledTimes(1);
  });

  test('closing after a failed opening lets go all the same', async () => {
    const { ledger } = setUp();
    ledger.opened.mockRejectedValueOnce(new Error('Not there'));
    const opening = ledger.open();
    const closing = ledger.close();
    await expect(opening).rejects.toThrow('Not there');
    await closing;
    expect(ledger.closed).toHaveBeenCalledTimes(1);
  });

  test('a ledger that was never opened has nothing to close', async () => {
    const { ledger } = setUp();
    await ledger.close();
    expect(ledger.closed).toHaveBeenCalledTimes(0);
  });

  test('a watch opens the ledger', async () => {
    const { ledger } = setUp();
    const watch = await ledger.watch(() => undefined);
    expect(ledger.opened).toHaveBeenCalledTimes(1);
    await watch.close();
  });
});

describe('deadlines', () => {
  test('a read that is not answered in time is a connection error', async () => {
    const { clock, ledger } = setUp();
    ledger.held = never;
    const outcome = expect(ledger.getJob({ jobId: job._id })).rejects.toThrow(
      new ConnectionError(
        `The ledger did not answer getJob within ${DEFAULT_OPERATION_TIMEOUT} ms`,
      ),
    );
    await clock.advance(DEFAULT_OPERATION_TIMEOUT);
    await outcome;
  });

  test('a write that is not answered in time has an unknown outcome', async () => {
    const { clock, ledger } = setUp(50);
    ledger.held = never;
    const outcome = expect(ledger.renewLease({ instanceId: 'a' })).rejects.toThrow(
      new UnknownOutcomeError('The ledger did not answer renewLease within 50 ms'),
    );
    await clock.advance(50);
    await outcome;
  });

  test('a call may bring a deadline of its own', async () => {
    const { clock, ledger } = setUp();
    ledger.held = never;
    const renewal = ledger.renewLease({ instanceId: 'a', deadlineMs: 5 });
    const outcome = expect(renewal).rejects.toThrow('within 5 ms');
    await clock.advance(5);
    await outcome;
  });

  test('a deadline that is a fraction is given in whole milliseconds', async () => {
    const { clock, ledger } = setUp(2_500 / 3);
    ledger.held = never;
    const late = expect(ledger.renewLease({ instanceId: 'a' })).rejects.toThrow('within 833 ms');
    await clock.advance(834);
    await late;
    const closed = setUp(2_500 / 3);
    closed.ledger.opened.mockReturnValueOnce(never);
    const unopened = expect(closed.ledger.readLeases()).rejects.toThrow('within 833 ms');
    await closed.clock.advance(834);
    await unopened;
  });

  test('a ledger that does not open in time is a connection error, for writes too', async () => {
    const { clock, ledger } = setUp(50);
    ledger.opened.mockReturnValueOnce(never);
    const outcome = expect(ledger.renewLease({ instanceId: 'a' })).rejects.toThrow(
      new ConnectionError('The ledger did not open within 50 ms'),
    );
    await clock.advance(50);
    await outcome;
  });

  test('a call that was answered leaves no timer', async () => {
    const { clock, ledger } = setUp();
    await ledger.getJob({ jobId: job._id });
    await clock.settle();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('checks', () => {
  test.each<[string, Partial<Job>]>([
    ['a new job is pending, or claimed by who stores it', { status: 'completed' }],
    ['or waits for parents', { status: 'blocked' }],
    [
      'a new job is pending, or claimed by who stores it',
      { claimToken: 'token', claimedBy: 'instance', fence: 1 },
    ],
    [
      'a new job is pending, or claimed by who stores it',
      { status: 'processing', claimToken: 'token', fence: 1 },
    ],
    ['a new job was never claimed before', { fence: 1 }],
    ['a new job never failed', { failCount: 1 }],
    ['a priority is an integer', { priority: 0.5 }],
    ['a priority is an integer', { priority: Number.NaN }],
    ['a due time is a time', { nextRunAt: new Date(Number.NaN) }],
  ])('enqueue insists that %s', async (message, fields) => {
    const { ledger } = setUp();
    const jobs = [job, { ...makeJob(), ...fields }];
    await expect((async () => ledger.enqueue({ jobs }))()).rejects.toThrow(message);
    expect(ledger.size).toBe(0);
  });

  test.each<[string, ClaimParams['demand']]>([
    [
      'demands a name twice',
      [
        { name: 'a', limit: 1 },
        { name: 'a', limit: 2 },
      ],
    ],
    ['demands too many names', Array.from({ length: 201 }, (_, i) => ({ name: `${i}`, limit: 1 }))],
    ['demands no job of a name', [{ name: 'a', limit: 0 }]],
  ])('no claim %s', async (message, demand) => {
    const { ledger } = setUp();
    await expect((async () => ledger.claim({ ...claim, demand }))()).rejects.toThrow(message);
  });

  test('every settlement has an answer', async () => {
    const { ledger } = setUp();
    const settlement = { verb: 'complete', jobId: job._id, claimToken: 'a', fence: 1 } as const;
    const settling = ledger.settle({ settlements: [settlement], now: new Date(0) });
    await expect(settling).rejects.toThrow(MonqueError);
    ledger.settleResult = { answers: ['settled'] };
    const { answers } = await ledger.settle({ settlements: [settlement], now: new Date(0) });
    expect(answers).toEqual(['settled']);
  });
});

describe('isLedgerRepository', () => {
  test('knows every ledger by its mark, also one of another copy of the package', () => {
    expect(isLedgerRepository(setUp().ledger)).toBe(true);
    expect(isLedgerRepository({ brand: 'monque.LedgerRepository' })).toBe(true);
  });

  test.each<[unknown]>([[undefined], [null], [{}], ['ledger'], [{ brand: 'other' }]])(
    '%s is none',
    (value) => {
      expect(isLedgerRepository(value)).toBe(false);
    },
  );
});
