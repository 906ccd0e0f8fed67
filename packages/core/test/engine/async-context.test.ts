/**
 * Services keep the user of a request in an `AsyncLocalStorage`. No job, listener or function of the options may see
 * the store of a request that happened to wake the scheduler.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, test } from 'vitest';
import { gate, Monque, type MonqueOptions, stage } from '../../src/index.ts';
import { ManualClock } from '../../src/testing/index.ts';

const user = new AsyncLocalStorage<string>();

interface Seen {
  readonly monque: Monque;
  readonly clock: ManualClock;
  /** The store that each thing saw, as `what: store`. */
  readonly stores: Set<string>;
  readonly see: (what: string) => void;
}

function makeSeen(options: (see: Seen['see']) => MonqueOptions = () => ({})): Seen {
  const stores = new Set<string>();
  const see = (what: string): void => void stores.add(`${what}: ${user.getStore()}`);
  const clock = new ManualClock();
  const monque = Monque.inMemory({ clock, ...options(see) });
  return { monque, clock, stores, see };
}

describe('what a scheduler calls does not see the store of', () => {
  test('those who enqueue, several at once', async () => {
    const { monque, clock, stores, see } = makeSeen();
    monque.worker('work', () => see('handler'), { concurrency: 3 });
    monque.on('job:complete', () => see('listener'));
    await monque.start();
    const calls = ['ann', 'bob', 'cy'].map((name) =>
      user.run(name, () => Promise.all([1, 2, 3].map((n) => monque.enqueue('work', n)))),
    );
    await Promise.all(calls);
    await clock.advance(1_000);
    await monque.stop();
    expect([...stores].sort()).toEqual(['handler: undefined', 'listener: undefined']);
  });

  test('who starts it, and not of who stops it', async () => {
    const { monque, clock, stores, see } = makeSeen((see) => ({
      logger: {
        debug: () => see('logger'),
        info: () => see('logger'),
        warn: () => see('logger'),
        error: () => see('logger'),
      },
    }));
    monque.worker('work', () => see('handler'));
    await user.run('ann', () => monque.start());
    await monque.enqueue('work', 1, { runAt: new Date(clock.now() + 60_000) });
    await clock.advance(61_000);
    await user.run('bob', () => monque.stop());
    expect([...stores].sort()).toEqual(['handler: undefined', 'logger: undefined']);
  });

  test('who adds a worker, resumes a name or reschedules a job', async () => {
    const { monque, clock, stores, see } = makeSeen();
    await monque.start();
    user.run('ann', () => monque.worker('work', () => see('added')));
    await monque.enqueue('work');
    await clock.advance(1_000);
    monque.worker('paused', () => see('resumed'));
    await monque.pause('paused');
    await monque.enqueue('paused');
    await clock.advance(1_000);
    await user.run('bob', () => monque.resume('paused'));
    await clock.advance(60_000);
    monque.worker('later', () => see('rescheduled'));
    const later = await monque.enqueue('later', 1, { runAt: new Date(clock.now() + 3_600_000) });
    await user.run('cy', () => monque.rescheduleJob(later._id, new Date(clock.now())));
    await clock.advance(60_000);
    await monque.stop();
    const expected = ['added: undefined', 'rescheduled: undefined', 'resumed: undefined'];
    expect([...stores].sort()).toEqual(expected);
  });

  test('another handler, whatever it entered', async () => {
    const { monque, clock, stores, see } = makeSeen();
    let tries = 0;
    const backoff = (): number => {
      see('backoff');
      return 10;
    };
    const handler = (): void => {
      see('handler');
      user.enterWith('left behind');
      tries += 1;
      if (tries < 3) throw new Error('again');
    };
    monque.worker('work', handler, { backoff });
    await monque.start();
    await monque.enqueue('work');
    await clock.advance(5_000);
    await monque.enqueue('work');
    await clock.advance(1_000);
    await monque.stop();
    expect(tries).toBe(4);
    expect([...stores].sort()).toEqual(['backoff: undefined', 'handler: undefined']);
  });

  test('who opens a gate, in the stages behind it', async () => {
    const { monque, clock, stores, see } = makeSeen();
    monque.worker('work', {
      stages: [
        stage('first', () => see('first')),
        gate('ok'),
        stage('second', () => see('second')),
      ],
    });
    await monque.start();
    const job = await user.run('ann', () => monque.enqueue('work'));
    await clock.advance(1_000);
    await user.run('bob', () => monque.openGate(job._id, 'ok', { by: 'bob', evidence: 1 }));
    await clock.advance(1_000);
    await monque.stop();
    expect([...stores].sort()).toEqual(['first: undefined', 'second: undefined']);
  });
});
