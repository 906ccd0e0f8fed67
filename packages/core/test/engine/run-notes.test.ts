import { describe, expect, test } from 'vitest';
import type { InvalidArgumentError } from '../../src/index.ts';
import { deferred, makeOne, payloads } from './kit.ts';

describe('progress and log', () => {
  test('are stored while the handler runs, and emitted', async () => {
    const { monque, clock, events } = makeOne();
    const gate = deferred();
    monque.worker('long', async (_job, { progress, log }) => {
      progress(10);
      log('started');
      await gate.promise;
    });
    await monque.start();
    const { _id } = await monque.enqueue('long');
    await clock.advance(300);
    expect(await monque.getJob(_id)).toMatchObject({
      status: 'processing',
      progress: 10,
      logs: ['started'],
    });
    expect(payloads(events, 'job:progress')).toMatchObject([{ progress: 10, job: { _id } }]);
    gate.resolve();
    await clock.advance(10);
    expect(await monque.getJob(_id)).toMatchObject({ status: 'completed', progress: 10 });
    await monque.stop();
  });

  test('reported quickly one after another go in few writes, and none is lost', async () => {
    const { monque, clock, faulty } = makeOne();
    monque.worker('busy', async (_job, { progress, log }) => {
      for (let step = 1; step <= 100; step += 1) {
        progress(step);
        log(`line ${step}`);
        await new Promise<void>((resolve) => clock.setTimer(resolve, 10));
      }
    });
    await monque.start();
    const { _id } = await monque.enqueue('busy');
    await clock.advance(3_000);
    const job = await monque.getJob(_id);
    expect(job).toMatchObject({ status: 'completed', progress: 100 });
    expect(job?.logs).toEqual(Array.from({ length: 100 }, (_, index) => `line ${index + 1}`));
    expect(faulty.calls('note')).toBeLessThanOrEqual(8);
    await monque.stop();
  });

  test('whose write failed go with the next', async () => {
    const { monque, clock, faulty, events } = makeOne();
    const gate = deferred();
    monque.worker('long', async (_job, { progress, log }) => {
      log('one');
      progress(1);
      await gate.promise;
      log('two');
    });
    faulty.plan('note', { fail: 'before' });
    await monque.start();
    const { _id } = await monque.enqueue('long');
    await clock.advance(1_000);
    expect(await monque.getJob(_id)).toMatchObject({ logs: ['one'], progress: 1 });
    gate.resolve();
    await clock.advance(1_000);
    expect(await monque.getJob(_id)).toMatchObject({ logs: ['one', 'two'], progress: 1 });
    expect(payloads(events, 'job:error')).not.toEqual([]);
    await monque.stop();
  });

  test('reported when the run is over are not written', async () => {
    const { monque, clock, faulty } = makeOne();
    let late: (() => void) | undefined;
    monque.worker('leaks', (_job, { log }) => {
      log('in time');
      late = () => log('too late');
    });
    await monque.start();
    const { _id } = await monque.enqueue('leaks');
    await clock.advance(1_000);
    late?.();
    await clock.advance(1_000);
    expect((await monque.getJob(_id))?.logs).toEqual(['in time']);
    expect(faulty.calls('note')).toBe(1);
    await monque.stop();
  });

  test('wait no more than a job keeps, however much a handler logs while nothing can be written', async () => {
    const { monque, clock, faulty } = makeOne();
    const gate = deferred();
    const written: number[] = [];
    const note = faulty.note.bind(faulty);
    faulty.note = (params) => {
      written.push(params.logLines?.length ?? 0);
      return note(params);
    };
    monque.worker('loud', async (_job, { log }) => {
      for (let line = 0; line < 5_000; line += 1) log(`line ${line}`);
      await gate.promise;
      for (let line = 5_000; line < 9_000; line += 1) log(`line ${line}`);
    });
    faulty.plan('note', { fail: 'before' }, 3);
    await monque.start();
    const { _id } = await monque.enqueue('loud');
    await clock.advance(300);
    gate.resolve();
    await clock.advance(1_000);
    const { logs = [], status } = (await monque.getJob(_id)) ?? {};
    expect(status).toBe('completed');
    expect(logs).toHaveLength(100);
    expect(logs.at(-1)).toBe('line 8999');
    expect(Math.max(...written)).toBeLessThanOrEqual(100);
    await monque.stop();
  });

  test('that cannot be stored are refused to the handler', async () => {
    const { monque, clock } = makeOne();
    const errors: unknown[] = [];
    monque.worker('wrong', (_job, { progress, log }) => {
      for (const value of [undefined, () => 1, 'x'.repeat(20_000)]) {
        try {
          progress(value);
        } catch (error) {
          errors.push(error);
        }
      }
      log('x'.repeat(5_000));
    });
    await monque.start();
    const { _id } = await monque.enqueue('wrong');
    await clock.advance(500);
    expect(errors.map((error) => (error as InvalidArgumentError).field)).toEqual([
      'progress',
      'progress',
      'progress',
    ]);
    expect((await monque.getJob(_id))?.logs?.[0]).toHaveLength(1_000);
    await monque.stop();
  });
});
