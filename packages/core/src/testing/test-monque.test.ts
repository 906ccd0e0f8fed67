import { AssertionError } from 'node:assert';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { snooze } from '../workers/handler-outcome.ts';
import { makeTestMonque } from './test-monque.ts';

interface Jobs {
  mail: { to: string; tags?: readonly string[]; options?: { html?: boolean; plain?: boolean } };
  audit: undefined;
}

describe('a test scheduler', () => {
  test('runs what is due, and what that makes due, without any waiting', async () => {
    const { monque, drain, clock } = makeTestMonque<Jobs>();
    const sent: string[] = [];
    monque.worker('mail', async (job) => {
      sent.push(job.data.to);
      if (job.data.to === 'a') await monque.enqueue('mail', { to: 'b' });
    });
    await monque.enqueue('mail', { to: 'a' });
    await monque.enqueue('mail', { to: 'later' }, { runAt: new Date(clock.now() + 60_000) });
    expect(await drain()).toBe(2);
    expect(sent).toEqual(['a', 'b']);
    expect(await drain()).toBe(0);
  });

  test('runs delayed jobs, retries and series when the clock is moved', async () => {
    const { monque, advance, clock, stop } = makeTestMonque();
    const runs: unknown[] = [];
    monque.worker('flaky', () => {
      runs.push('flaky');
      if (runs.length === 1) throw new Error('first');
    });
    monque.worker('tick', () => {
      runs.push('tick');
    });
    await monque.enqueue('flaky', 1, { runAt: new Date(clock.now() + 30_000) });
    await monque.schedule('* * * * *', 'tick');
    expect(await advance(31_000)).toBe(1);
    expect(await advance(90_000)).toBe(3);
    expect(runs).toEqual(['flaky', 'flaky', 'tick', 'tick']);
    await stop();
    expect(clock.pendingTimers).toBe(0);
  });

  test('waits for handlers that do real work', async () => {
    const { monque, runJob } = makeTestMonque<Jobs>();
    monque.worker('audit', async () => {
      const text = await readFile(import.meta.filename, 'utf8');
      return text.includes('audited') ? 'audited' : 'not found';
    });
    expect(await runJob('audit')).toMatchObject({ status: 'completed', result: 'audited' });
  });

  test('runs one job by its name, and throws what its handler threw', async () => {
    const { monque, runJob } = makeTestMonque<Jobs>();
    monque.worker('mail', (job) => {
      if (job.data.to === '') throw new TypeError('No address');
      return 'sent';
    });
    expect(await runJob('mail', { to: 'a' })).toMatchObject({ result: 'sent' });
    await expect(runJob('mail', { to: '' })).rejects.toThrow(new TypeError('No address'));
  });

  test('gives a job that succeeded at last, and throws what its last run threw', async () => {
    const { monque, runJob, advance } = makeTestMonque<Jobs>();
    let runs = 0;
    const backoff = { type: 'fixed', delay: 0 } as const;
    monque.worker(
      'mail',
      (job) => {
        runs += 1;
        if (job.data.to === '' || runs < 3) throw new Error(`Run ${runs}`);
        return 'sent';
      },
      { backoff, maxRetries: 5 },
    );
    monque.worker('audit', () => {
      throw new Error('Later');
    });
    expect(await runJob('mail', { to: 'a' })).toMatchObject({ status: 'completed', failCount: 2 });
    await expect(runJob('mail', { to: '' })).rejects.toThrow('Run 8');
    await expect(runJob('audit')).rejects.toThrow('Later');
    expect(runs).toBe(8);
    await advance(0);
  });

  test('says so when nobody runs the job: without a worker, or with its name paused', async () => {
    const { monque, runJob } = makeTestMonque<Jobs>();
    const refusal = await runJob('audit').catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'NOT_RUN' });
    expect((refusal as Error).message).toContain("'audit'");
    monque.worker('audit', () => 'audited');
    await monque.pause('audit');
    await expect(runJob('audit')).rejects.toMatchObject({ code: 'NOT_RUN' });
    await monque.resume('audit');
    expect(await runJob('audit')).toMatchObject({ result: 'audited' });
  });

  test('ends and names the job when one is due again at once without end', async () => {
    const { monque, drain, advance, clock } = makeTestMonque<Jobs>();
    let isOver = false;
    monque.worker('audit', () => (isOver ? 'done' : snooze(0)));
    const { _id } = await monque.enqueue('audit');
    const endless = await drain().catch((error: unknown) => error);
    expect(endless).toMatchObject({ code: 'STUCK' });
    expect((endless as Error).message).toContain(`'audit' (${_id.toHexString()})`);
    isOver = true;
    await drain();
    isOver = false;
    await monque.enqueue('audit', undefined, { runAt: new Date(clock.now() + 1_000) });
    await expect(advance(5_000)).rejects.toMatchObject({ code: 'STUCK' });
  });

  test('lets a series run as often as the clock is moved on', async () => {
    const { monque, advance } = makeTestMonque<Jobs>();
    monque.worker('audit', () => 'audited');
    await monque.schedule('* * * * * *', 'audit');
    expect(await advance(501_500)).toBe(501);
  });

  test('says so when a handler does not end', async () => {
    const { monque, runJob } = makeTestMonque<Jobs>();
    monque.worker('audit', () => new Promise(() => undefined));
    await expect(runJob('audit')).rejects.toMatchObject({ code: 'STUCK' });
  }, 10_000);
});

describe('assertions on what was enqueued', () => {
  test('find a job by a part of its data, or by a function', async () => {
    const { monque, assertEnqueued, assertNotEnqueued } = makeTestMonque<Jobs>();
    await monque.enqueue('mail', {
      to: 'a',
      tags: ['x', 'y'],
      options: { html: true, plain: false },
    });
    await monque.enqueue('audit');
    expect((await assertEnqueued('mail')).data.to).toBe('a');
    await assertEnqueued('mail', { to: 'a' });
    await assertEnqueued('mail', { tags: ['x', 'y'], options: { html: true } });
    await assertEnqueued('mail', ({ to }) => to.startsWith('a'));
    await assertEnqueued('audit');
    await assertNotEnqueued('mail', { to: 'b' });
    await assertNotEnqueued('mail', { tags: ['x'] });
    await assertNotEnqueued('mail', { tags: ['y', 'x'] });
    await assertNotEnqueued('mail', ({ to }) => to === 'b');
    await assertNotEnqueued('mail', { options: null as never });
    await assertNotEnqueued('audit', (data) => data !== undefined);
  });

  test('fail with what there is instead', async () => {
    const { monque, assertEnqueued, assertNotEnqueued } = makeTestMonque<Jobs>();
    await monque.enqueue('mail', { to: 'a' });
    const missing = await assertEnqueued('mail', { to: 'b' }).catch((error: unknown) => error);
    expect(missing).toBeInstanceOf(AssertionError);
    expect(missing).toMatchObject({ actual: [{ to: 'a' }], expected: { to: 'b' } });
    const present = await assertNotEnqueued('mail').catch((error: unknown) => error);
    expect(present).toBeInstanceOf(AssertionError);
    expect((present as Error).message).toContain('got 1');
    await expect(assertEnqueued('mail', { to: new Date(0) as never })).rejects.toThrow(
      AssertionError,
    );
  });
});
