import { describe, expect, test } from 'vitest';
import type { Monque } from '../../src/index.ts';
import { claiming } from './births-kit.ts';
import { deferred, payloads } from './kit.ts';
import { restingWorld } from './resting-kit.ts';

type World = ReturnType<typeof restingWorld>;

/** Enqueues one job a millisecond. */
async function stream({ clock }: World, producer: Monque, forMs: number): Promise<void> {
  for (let ms = 0; ms < forMs; ms += 1) {
    await producer.enqueue('quick');
    await clock.advance(1);
  }
}

describe('hints of jobs that keep coming from another process', () => {
  test('rest, and each job still starts within milliseconds', async () => {
    const world = restingWorld();
    const { clock, makeInstance, rests } = world;
    const { monque } = makeInstance();
    const lateMs: number[] = [];
    monque.worker('quick', ({ nextRunAt }) => lateMs.push(clock.now() - nextRunAt.getTime()));
    await monque.start();
    await stream(world, makeInstance().monque, 3_000);
    expect(rests).toEqual([true]);
    expect(monque.health().hints).toBe('polling');
    expect(lateMs).toHaveLength(3_000);
    expect(Math.max(...lateMs)).toBeLessThanOrEqual(3);
    await monque.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  test('flow again when there are no more, and nothing waits until they do', async () => {
    const world = restingWorld(400);
    const { clock, makeInstance, rests } = world;
    const { monque, events, faulty } = makeInstance();
    monque.worker('quick', () => undefined);
    monque.worker('other', () => undefined);
    await monque.start();
    const producer = makeInstance().monque;
    await stream(world, producer, 2_000);
    await clock.advance(200);
    expect(rests).toEqual([true, false]);
    expect(monque.health().hints).toBe('polling');
    await producer.enqueue('other');
    await clock.advance(5);
    expect(payloads(events, 'job:complete')).toHaveLength(2_001);
    await clock.advance(500);
    expect(monque.health().hints).toBe('flowing');
    const looks = faulty.calls('claim');
    await clock.advance(5_000);
    expect(faulty.calls('claim') - looks).toBeLessThan(3);
    await monque.stop();
  });

  test('flow while few come', async () => {
    const { clock, makeInstance, rests } = restingWorld();
    const { monque } = makeInstance();
    monque.worker('quick', () => undefined);
    await monque.start();
    const producer = makeInstance().monque;
    for (let count = 0; count < 600; count += 1) {
      await producer.enqueue('quick');
      await clock.advance(4);
    }
    expect(rests).toEqual([]);
    await monque.stop();
  });

  test('let no job of this process pass one that nobody announced and that finds no place here', async () => {
    const world = restingWorld();
    const { clock, makeInstance, rests } = world;
    const { monque } = makeInstance(claiming);
    const gates = [deferred(), deferred(), deferred()];
    const started: unknown[] = [];
    monque.worker('quick', () => undefined, { concurrency: 50 });
    monque.worker(
      'work',
      ({ data }) => {
        started.push(data);
        return gates[started.length - 1]?.promise;
      },
      { concurrency: 1 },
    );
    await monque.start();
    await clock.settle();
    const other = makeInstance().monque;
    await monque.enqueue('work', 'own 1');
    await stream(world, other, 2_000);
    expect(rests).toEqual([true]);
    await other.enqueue('work', 'of another');
    await stream(world, other, 5);
    let own: Promise<unknown> | undefined;
    monque.on('job:complete', ({ job }) => {
      if (job.data === 'own 1') own = monque.enqueue('work', 'own 2');
    });
    gates[0]?.resolve();
    await stream(world, other, 20);
    await own;
    gates[1]?.resolve();
    await stream(world, other, 20);
    expect(started).toEqual(['own 1', 'of another', 'own 2']);
    gates[2]?.resolve();
    await clock.settle();
    await monque.stop();
  });
});
