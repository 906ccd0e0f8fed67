import { expect, test } from 'vitest';
import { sleep } from '../../src/foundation/clock.ts';
import type { Job, WorkerOptions } from '../../src/index.ts';
import type { Demand } from '../../src/ledger/ledger-repository.ts';
import { claiming } from './births-kit.ts';
import { deferred, makeOne, type TestInstance, type TestWorld } from './kit.ts';

const PATIENCE_MS = 1_000;
const RUN_MS = 10;
const URGENT = 400;
const LOW = 5;

/** What one slot started, by priority, and when. */
interface Start {
  readonly priority: number;
  readonly atMs: number;
}

/** Runs a backlog of urgent jobs and a few that are not, in one slot, until all have ended. */
async function startsOf(options: WorkerOptions): Promise<readonly Start[]> {
  const { monque, clock } = makeOne({ defaultConcurrency: 1 });
  const starts: Start[] = [];
  const startMs = clock.now();
  monque.worker(
    'work',
    ({ priority }) => {
      starts.push({ priority, atMs: clock.now() - startMs });
      return sleep(clock, RUN_MS);
    },
    options,
  );
  const entry = (priority: number) => ({ name: 'work', options: { priority } });
  await monque.enqueueMany([
    ...Array.from({ length: LOW }, (_, index) => entry(10 + index)),
    ...Array.from({ length: URGENT }, () => entry(-10)),
  ]);
  await monque.start();
  for (let steps = 0; starts.length < LOW + URGENT && steps < 20; steps += 1) {
    await clock.advance(500);
  }
  await monque.stop();
  expect(starts).toHaveLength(LOW + URGENT);
  return starts;
}

test('with patience a job that is not urgent starts among a stream of urgent ones, in turns with them', async () => {
  const starts = await startsOf({ patience: PATIENCE_MS });
  const first = starts.findIndex(({ priority }) => priority > 0);
  const last = starts.findLastIndex(({ priority }) => priority > 0);
  const patient = starts.filter(({ atMs }) => atMs < PATIENCE_MS).length;
  expect(starts[first]?.atMs).toBeGreaterThanOrEqual(PATIENCE_MS);
  // One or two that were claimed before their patience ended may stand before them.
  expect(last).toBeLessThanOrEqual(patient + 2 * LOW + 2);
  expect(last - first).toBeGreaterThanOrEqual(2 * (LOW - 1) - 1);
});

test('without patience it starts when no urgent one is left', async () => {
  const starts = await startsOf({});
  const first = starts.findIndex(({ priority }) => priority > 0);
  expect(first).toBe(URGENT);
});

/** The demands of the claims that look for jobs, as the ledger got them. */
function demandsOf({ ledger }: TestWorld, suspects = false): Demand[][] {
  const demands: Demand[][] = [];
  const claim = ledger.claim.bind(ledger);
  ledger.claim = (params) => {
    if (params.suspects === suspects) demands.push([...params.demand]);
    return claim(params);
  };
  return demands;
}

async function startedWith(world: TestWorld & TestInstance, concurrency: number): Promise<void> {
  const { monque, clock } = world;
  monque.worker('patient', () => undefined, { concurrency, patience: PATIENCE_MS });
  monque.worker('other', () => undefined, { concurrency });
  await monque.start();
  await clock.settle();
}

test('half of a claim, rounded down, is for jobs that have been due for longer than the patience; of other names all is as ever', async () => {
  const world = makeOne();
  const demands = demandsOf(world);
  await startedWith(world, 5);
  const before = new Date(world.clock.now() - PATIENCE_MS);
  expect(demands[0]).toEqual([
    { name: 'patient', limit: 5, overdue: { before, limit: 2 } },
    { name: 'other', limit: 5 },
  ]);
  await world.monque.stop();
});

test('of claims of one job every second is for such a job', async () => {
  const world = makeOne();
  const demands = demandsOf(world);
  await startedWith(world, 1);
  await world.clock.advance(120_000);
  const turns = demands.flat().filter(({ name }) => name === 'patient');
  expect(turns.length).toBeGreaterThanOrEqual(4);
  expect(turns.map(({ overdue }) => overdue?.limit)).toEqual(
    turns.map((_, index) => (index % 2 === 0 ? 1 : undefined)),
  );
  await world.monque.stop();
});

test('a look for suspects asks for no overdue jobs', async () => {
  const world = makeOne();
  const demands = demandsOf(world, true);
  await startedWith(world, 5);
  const asked = demands.flat().filter(({ name }) => name === 'patient');
  expect(asked.length).toBeGreaterThanOrEqual(1);
  for (const demand of asked) expect(demand).not.toHaveProperty('overdue');
  await world.monque.stop();
});

test('a job whose patience has ended starts before those that are enqueued where they could start', async () => {
  const { monque, clock } = makeOne({ ...claiming, defaultConcurrency: 1 });
  const started: unknown[] = [];
  const ends = [deferred(), deferred(), deferred()];
  monque.worker(
    'work',
    async ({ data }: Job) => {
      await ends[started.push(data) - 1]?.promise;
    },
    { patience: PATIENCE_MS },
  );
  await monque.start();
  await clock.settle();
  await monque.enqueue('work', 'first');
  await monque.enqueue('work', 'patient', { priority: 50 });
  await clock.advance(PATIENCE_MS);
  for (const [index, end] of ends.entries()) {
    await monque.enqueue('work', `urgent ${index}`, { priority: -50 });
    end.resolve();
    await clock.settle();
  }
  expect(started[0]).toBe('first');
  expect(started.slice(1, 3)).toContain('patient');
  await monque.stop();
});
