import { describe, expect, test } from 'vitest';
import { jobIdOf } from '../src/server/idempotency.ts';
import { inMemory, TestDashboard } from './dashboards.ts';

const UUID = '019b7c3a-5c00-7abc-8def-0123456789ab';

describe('a key', () => {
  test('stores one job, however often it is sent', async () => {
    const monque = inMemory();
    const dashboard = new TestDashboard(monque);
    const send = (data: number, key: string, name = 'mail') =>
      dashboard.ask('jobs', {
        method: 'POST',
        json: { name, data },
        headers: { 'idempotency-key': key },
      });
    const answers = await Promise.all([send(1, UUID), send(2, UUID), send(3, UUID)]);
    const ids = new Set(answers.map(({ body }) => body.job.id));
    expect(ids.size).toBe(1);
    await monque.cancelJob(answers[0]?.body.job.id);
    expect((await send(4, UUID)).body.job).toMatchObject({ status: 'cancelled' });
    await send(5, 'another');
    await send(6, UUID, 'report');
    await new TestDashboard(monque, { actor: () => 'eve' }).ask('jobs', {
      method: 'POST',
      json: { name: 'mail' },
      headers: { 'idempotency-key': UUID },
    });
    expect(await monque.getJobs()).toHaveLength(4);
  });

  test('with a time puts the job where it belongs', () => {
    const id = jobIdOf(UUID, 'mail', 'ann');
    expect(id).toMatch(/^[0-9a-f]{24}$/);
    const seconds = Math.floor(0x019b7c3a5c00 / 1_000);
    expect(Number.parseInt(id.slice(0, 8), 16)).toBe(seconds);
    expect(jobIdOf('plain', 'mail', 'ann')).toMatch(/^[0-9a-f]{24}$/);
  });

  test('that is too long is refused', async () => {
    const { status, body } = await new TestDashboard(inMemory()).ask('jobs', {
      method: 'POST',
      json: { name: 'mail' },
      headers: { 'idempotency-key': 'x'.repeat(257) },
    });
    expect([status, body.field]).toEqual([400, 'Idempotency-Key']);
  });
});
