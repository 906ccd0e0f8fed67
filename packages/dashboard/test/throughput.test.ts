import type { Monque } from '@monque/core';
import { ManualClock } from '@monque/core/testing';
import { describe, expect, test } from 'vitest';
import { inMemory, TestDashboard } from './dashboards.ts';

const HISTORY = { throughputHistory: 86_400_000 };

/** A scheduler that stored two jobs of `mail` and one of `secret`, and announced it. */
async function counted(monque: Monque): Promise<Monque> {
  await monque.enqueueMany(['mail', 'mail', 'secret'].map((name) => ({ name })));
  await monque.stop();
  return monque;
}

describe('the history of throughput', () => {
  test('is given in steps, of all names together or of each', async () => {
    const dashboard = new TestDashboard(await counted(inMemory(HISTORY)));
    const { body } = await dashboard.ask('throughput');
    expect(body).toMatchObject({ stepMs: 60_000, isCut: false, isRecorded: true });
    expect(body.points).toMatchObject([{ enqueued: 3, completed: 0 }]);
    const perName = await dashboard.ask('throughput?perName=true&step=3600000');
    expect(perName.body.stepMs).toBe(3_600_000);
    expect(perName.body.points).toMatchObject([
      { name: 'mail', enqueued: 2 },
      { name: 'secret', enqueued: 1 },
    ]);
    const mail = await dashboard.ask('throughput?name=mail');
    expect(mail.body.points).toMatchObject([{ enqueued: 2 }]);
    const past = 'throughput?from=2020-01-01T00:00:00Z&before=2020-01-02T00:00:00Z';
    expect((await dashboard.ask(past)).body).toMatchObject({
      ...{ from: '2020-01-01T00:00:00.000Z', points: [] },
    });
  });

  test('says so where it is not kept', async () => {
    const dashboard = new TestDashboard(await counted(inMemory()));
    expect((await dashboard.ask('throughput')).body).toMatchObject({
      ...{ points: [], isRecorded: false },
    });
  });

  test.each([
    'throughput?step=90000',
    'throughput?step=1',
    'throughput?from=2030-01-01T00:00:00Z&before=2020-01-01T00:00:00Z',
  ])('refuses %s', async (path) => {
    const dashboard = new TestDashboard(inMemory());
    expect((await dashboard.ask(path)).status).toBe(400);
  });

  test('is of the names that an actor sees', async () => {
    const access = { may: ({ name }: { name?: string }) => name === 'mail' };
    const monque = await counted(inMemory({ ...HISTORY, access }));
    const dashboard = new TestDashboard(monque, { names: ['mail', 'secret'] });
    expect((await dashboard.ask('throughput?perName=true')).body.points).toMatchObject([
      { name: 'mail', enqueued: 2 },
    ]);
    expect((await dashboard.ask('throughput?name=secret')).status).toBe(403);
    const none = new TestDashboard(inMemory({ ...HISTORY, access: { may: () => false } }));
    expect((await none.ask('throughput')).body.points).toEqual([]);
    expect((await none.ask('metrics.prom')).status).toBe(200);
  });

  test('of the last minute is told to Prometheus, by name', async () => {
    const firstMs = Math.floor(Date.now() / 60_000) * 60_000 - 3 * 60_000;
    const clock = new ManualClock({ start: new Date(firstMs) });
    const monque = inMemory({ ...HISTORY, clock });
    // Whichever of these minutes is the last when it is asked for.
    for (let minute = 0; minute < 3; minute += 1) {
      await counted(monque);
      await clock.advance(60_000);
    }
    const { body } = await new TestDashboard(monque).ask('metrics.prom');
    expect(body).toContain('# TYPE monque_jobs_last_minute gauge\n');
    expect(body).toContain('monque_jobs_last_minute{name="mail",event="enqueued"} 2\n');
    expect(body).toContain('monque_jobs_last_minute{name="secret",event="failed"} 0\n');
  });
});
