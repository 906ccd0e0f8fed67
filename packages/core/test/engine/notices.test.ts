/** What nobody listens for and nobody logs reaches stderr, once and in one line. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Notices } from '../../src/context/notices.ts';
import { ConnectionError, Monque, type MonqueOptions } from '../../src/index.ts';
import { InMemoryLedgerRepository } from '../../src/ledger/memory/in-memory-ledger-repository.ts';
import { FaultyLedgerRepository } from '../../src/testing/faulty-ledger-repository.ts';
import { ManualClock, makeJob } from '../../src/testing/index.ts';

const QUIET = { debug: () => 0, info: () => 0, warn: () => 0, error: () => 0 };

const lines: string[] = [];

beforeEach(() => {
  lines.length = 0;
  vi.spyOn(process.stderr, 'write').mockImplementation((line) => {
    lines.push(String(line));
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

function makeQuiet(options: MonqueOptions = {}) {
  const clock = new ManualClock();
  const network = { down: false };
  const faulty = new FaultyLedgerRepository(new InMemoryLedgerRepository({ clock }), {
    clock,
    chooseFault: () => (network.down ? { fail: 'before' } : {}),
  });
  return { clock, network, monque: new Monque(faulty, { clock, ...options }) };
}

function fail(): never {
  throw new Error('no\nsuch mongodb://user:secret@host thing');
}

describe('to stderr goes', () => {
  test('the first failure of each name, with where it was thrown', async () => {
    const { monque, clock } = makeQuiet();
    monque.worker('a', fail);
    monque.worker('b', fail, { maxRetries: 1 });
    await monque.start();
    await monque.enqueueMany([{ name: 'a' }, { name: 'a' }, { name: 'b' }]);
    await clock.advance(5_000);
    await monque.stop();
    expect(lines).toEqual([
      expect.stringMatching(
        /^monque: job 'a' \([0-9a-f]{24}\) failed and is tried again: Error: no/,
      ),
      expect.stringMatching(
        /^monque: job 'b' .* is not tried again: .*\(at fail \(.*`logger: false`/,
      ),
    ]);
    expect(lines.every((line) => line.indexOf('\n') === line.length - 1)).toBe(true);
    expect(lines.join('')).not.toContain('secret');
  });

  test('each outage, once', async () => {
    const { monque, clock, network } = makeQuiet();
    monque.worker('a', () => undefined);
    await monque.start();
    for (let outage = 0; outage < 2; outage += 1) {
      network.down = true;
      await clock.advance(20_000);
      network.down = false;
      await clock.advance(20_000);
    }
    await monque.stop();
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^monque: the database does not answer: .*`connection:lost`/);
  });

  test('a fault of a hook', async () => {
    const { monque, clock } = makeQuiet();
    monque.worker('a', fail, { backoff: () => 'soon' as never, maxRetries: 3 });
    await monque.start();
    await monque.enqueue('a');
    await clock.advance(10_000);
    await monque.stop();
    expect(lines.map((line) => line.slice(0, 40))).toContain(
      'monque: InvalidArgumentError: Expected `',
    );
  });

  test('a job for which this process has no worker, and a scheduler that never started', async () => {
    const { monque, clock } = makeQuiet();
    monque.worker('send-email', () => undefined);
    await monque.enqueue('send-email');
    expect(lines).toEqual([]);
    await clock.advance(11_000);
    await monque.now('send-email');
    await monque.schedule('@daily', 'send-email');
    expect(lines).toEqual([expect.stringContaining('not started: call `start()`')]);
    await monque.start();
    await monque.enqueue('sendEmail');
    await monque.enqueue('sendEmail');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('no worker has that name (there are: send-email)');
    await monque.stop();
  });

  test('nothing of a process that only enqueues', async () => {
    const { monque, clock } = makeQuiet();
    await monque.enqueue('a');
    await clock.advance(60_000);
    await monque.enqueue('a');
    await monque.stop();
    expect(lines).toEqual([]);
  });
});

describe('nothing goes to stderr', () => {
  test.each([
    ['with `logger: false`', { logger: false }],
    ['with a logger', { logger: QUIET }],
  ] as const)('%s', async (_, options) => {
    const { monque, clock, network } = makeQuiet(options);
    monque.worker('a', fail);
    await monque.start();
    await monque.enqueue('a');
    await monque.enqueue('b');
    await clock.advance(1_000);
    network.down = true;
    await clock.advance(20_000);
    network.down = false;
    await clock.advance(20_000);
    await monque.stop();
    expect(lines).toEqual([]);
  });

  test('of what somebody listens for; who hears of errors hears of outages', async () => {
    const { monque, clock, network } = makeQuiet();
    monque.on('job:fail', () => undefined);
    monque.on('job:error', () => undefined);
    monque.worker('a', fail);
    await monque.start();
    await monque.enqueue('a');
    await clock.advance(1_000);
    network.down = true;
    await clock.advance(20_000);
    network.down = false;
    await clock.advance(20_000);
    await monque.stop();
    expect(lines).toEqual([]);
  });
});

test('a run that could not be recorded is reported, and the number of lines is bounded', () => {
  const reported: string[] = [];
  const notices = new Notices(
    () => true,
    (line) => void reported.push(line),
  );
  notices.unheard('job:lost', { job: makeJob({ name: 'a' }), reason: 'fenced' });
  notices.unheard('job:start', { job: makeJob() });
  notices.unheard('job:error', { error: new ConnectionError('away') });
  expect(reported).toEqual([expect.stringContaining('could not be recorded: fenced')]);
  for (let index = 0; index < 2_000; index += 1) {
    const error = Object.assign(new Error('x'.repeat(9_000)), { stack: undefined });
    notices.unheard('job:fail', { job: makeJob({ name: `n${index}` }), error, willRetry: false });
  }
  expect(reported).toHaveLength(1_000);
  expect(Math.max(...reported.map(({ length }) => length))).toBeLessThanOrEqual(500);
});
