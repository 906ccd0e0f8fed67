import { describe, expect, test } from 'vitest';
import { atRest, claiming, statusOf } from './births-kit.ts';

describe('among others who enqueue and work', () => {
  test('whose jobs are announced and looked for, those of this process are still born claimed', async () => {
    const { monque, faulty, makeInstance, started, clock, end } = await atRest();
    let own: string | undefined;
    faulty.plan('claim', {
      onReply: async () => {
        own = await statusOf(monque, await monque.enqueue('work', 'own'));
      },
    });
    await makeInstance().monque.enqueue('work', 'of another');
    await clock.settle();
    expect(own).toBe('processing');
    expect(started.map(({ data }) => data).sort()).toEqual(['of another', 'own']);
    await end();
  });

  test('whose jobs are announced when there is no place for them, those of this process go behind them', async () => {
    const { monque, faulty, makeInstance, started, gate, clock } = await atRest({
      defaultConcurrency: 1,
    });
    await monque.enqueue('work', 1);
    await makeInstance().monque.enqueue('work', 2);
    await clock.settle();
    let third: string | undefined;
    faulty.plan('claim', {
      onReply: async () => {
        third = await statusOf(monque, await monque.enqueue('work', 3));
      },
    });
    gate.resolve();
    await clock.settle();
    expect(third).toBe('pending');
    expect(started.map(({ data }) => data)).toEqual([1, 2, 3]);
    await monque.stop();
  });

  test('and no slot here, the job goes to an idle rival', async () => {
    const { monque, makeInstance, clock, started, end } = await atRest({ defaultConcurrency: 1 });
    const rival = makeInstance(claiming).monque;
    rival.worker('work', () => 'rival');
    await rival.start();
    await clock.settle();
    await monque.enqueue('work', 1);
    const second = await monque.enqueue('work', 2);
    await clock.settle();
    expect(await monque.getJob(second._id)).toMatchObject({ status: 'completed', result: 'rival' });
    expect(started).toHaveLength(1);
    await rival.stop();
    await end();
  });
});
