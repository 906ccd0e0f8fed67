import { expect, test } from 'vitest';
import { InMemoryLedgerRepository } from '../ledger/memory/in-memory-ledger-repository.ts';
import { Monque } from '../monque.ts';
import { FaultyLedgerRepository } from '../testing/faulty-ledger-repository.ts';
import { ManualClock } from '../testing/manual-clock.ts';

function faulty(): {
  readonly monque: Monque;
  readonly ledger: FaultyLedgerRepository;
  readonly clock: ManualClock;
} {
  const clock = new ManualClock();
  const ledger = new FaultyLedgerRepository(new InMemoryLedgerRepository({ clock }), { clock });
  return { monque: new Monque(ledger, { clock, logger: false }), ledger, clock };
}

test('a scheduler that was never started says whether its ledger answers, and reports an outage once', async () => {
  const { monque, ledger } = faulty();
  const events: string[] = [];
  monque.on('connection:lost', () => void events.push('lost'));
  monque.on('connection:restored', () => void events.push('restored'));
  expect(monque.health()).toMatchObject({ running: false, connected: false });
  expect(await monque.ping()).toEqual({ isReachable: true, tookMs: 0 });
  expect(monque.health()).toMatchObject({ running: false, connected: true });
  expect(monque.isHealthy()).toBe(false);
  ledger.plan('readTime', { fail: 'before' }, 2);
  const answer = await monque.ping();
  expect(answer).toMatchObject({ isReachable: false, error: { code: 'CONNECTION' } });
  expect(await monque.ping()).toMatchObject({ isReachable: false });
  expect(monque.health()).toMatchObject({ connected: false });
  expect(await monque.ping()).toMatchObject({ isReachable: true });
  expect(events).toEqual(['lost', 'restored']);
});

test('a ping ends in its time', async () => {
  const { monque, ledger, clock } = faulty();
  ledger.plan('readTime', { delayBeforeMs: 60_000 });
  const asked = monque.ping({ timeout: 500 });
  await clock.advance(500);
  expect(await asked).toMatchObject({ isReachable: false, tookMs: 500 });
  await expect(monque.ping({ timeout: 0 })).rejects.toThrow(/options.timeout/);
});
