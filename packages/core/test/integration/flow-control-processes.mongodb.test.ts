import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { Monque } from '../../src/index.ts';
import { SeededRandom } from '../../src/testing/index.ts';
import { describeWithMongo } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';
import { volume } from '../setup/volume.ts';
import { mostAtOnce, useProcesses } from './processes.ts';

/** How long processes are killed and stopped, in seconds; longer when the test is started manually. */
const SECONDS = Number(process.env.MONQUE_FLOW_CONTROL_SECONDS ?? volume(6, 1));
const PROCESSES = 4;
const GROUPS = 20;
const LIMIT_OF_GROUP = 3;
const LIMIT_OF_ALL = 10;
const KEYS = 200;
/** Of each kind. */
const JOBS_A_BATCH = 20;
const MOST_WAITING = 200;
/** Jobs that run until they are told to end: more than the limit of all. */
const HELD = LIMIT_OF_ALL + 4;
/** One group has as many jobs as all others together. */
const NOISY_SHARE = 0.5;
/** Past the lease of these processes, by the clock of the server. */
const LONG_PAUSE_MS = 4_500;
const GENEROUS_MS = 300_000;

/** What a handler has noted. */
interface Run {
  readonly jobId: string;
  readonly group?: string;
  readonly order?: string;
  readonly seq: number;
  readonly pid: number;
  readonly lease: string;
  readonly begunAt: Date;
  /** Absent for one whose process was killed. */
  readonly endedAt?: Date;
}

/** From then on nobody counts what the process did under the leases that it had: it was killed, or stood still too long. */
interface Cut {
  readonly pid: number;
  readonly at: Date;
}

/** A run as it counts. */
interface Span extends Run {
  readonly fromMs: number;
  readonly toMs: number;
}

describeWithMongo('a global limit, groups and orders over processes', () => {
  const processes = useProcesses('flow-control-process.mjs', 'flow_control_processes');

  async function startProcess(): Promise<ChildProcess> {
    const child = processes.start(String(LIMIT_OF_GROUP));
    await once(child, 'message');
    return child;
  }

  const serverTime = async (): Promise<Date> =>
    (await processes.db.admin().command({ hello: 1 })).localTime as Date;
  const hasPassed = (since: Date, ms: number) => async (): Promise<boolean> =>
    (await serverTime()).getTime() - since.getTime() >= ms;
  const ended = (): Promise<number> =>
    processes.db.collection('jobs').countDocuments({ status: 'completed' });

  test('are kept while processes are killed and stand still, by what the handlers noted', async () => {
    const random = new SeededRandom(7);
    const producer = new Monque(processes.db, { collectionName: 'jobs', logger: false });
    await producer.setLimit('all', { concurrency: LIMIT_OF_ALL });
    const running = await Promise.all(Array.from({ length: PROCESSES }, startProcess));
    let stored = 0;
    let isOver = false;
    // Of a key no two are in one batch, and a batch is enqueued when the one before it was acknowledged.
    const produce = async (): Promise<void> => {
      while (!isOver) {
        const data = (seq: number) => ({ seq, ms: 100 + Math.floor(random.fraction() * 200) });
        const groupOf = (seq: number) =>
          `group ${random.fraction() < NOISY_SHARE ? 0 : seq % GROUPS}`;
        const batch = Array.from({ length: JOBS_A_BATCH }, (_, index) => stored / 2 + index);
        await producer.enqueueMany(
          batch.flatMap((seq) => [
            { name: 'sync', data: data(seq), options: { group: groupOf(seq) } },
            { name: 'ship', data: data(seq), options: { order: `key ${seq % KEYS}` } },
          ]),
        );
        stored += 2 * JOBS_A_BATCH;
        await until(
          'few wait',
          async () => isOver || stored - (await ended()) < MOST_WAITING,
          GENEROUS_MS,
        );
      }
    };
    const producing = produce();
    const cuts: Cut[] = [];
    const startedAt = await serverTime();
    const counts = { kills: 0, longPauses: 0, shortPauses: 0 };
    const next = (): ChildProcess => running.shift() as ChildProcess;
    do {
      const victim = next();
      cuts.push({ pid: Number(victim.pid), at: await serverTime() });
      victim.kill('SIGKILL');
      await once(victim, 'exit');
      running.push(await startProcess());
      counts.kills += 1;
      for (const isLong of [true, false]) {
        const sleeper = next();
        const at = await serverTime();
        sleeper.kill('SIGSTOP');
        await until('it stood still', hasPassed(at, isLong ? LONG_PAUSE_MS : 500), GENEROUS_MS);
        if (isLong) cuts.push({ pid: Number(sleeper.pid), at });
        sleeper.kill('SIGCONT');
        running.push(sleeper);
        counts[isLong ? 'longPauses' : 'shortPauses'] += 1;
      }
    } while (!(await hasPassed(startedAt, SECONDS * 1_000)()));
    isOver = true;
    await producing;
    // Beside jobs that are held, few places would be left for these.
    await until('the others have ended', async () => (await ended()) === stored, GENEROUS_MS);
    // However slow the machine is, they come to be there together, as far as the limit lets them.
    await producer.enqueueMany(
      Array.from({ length: HELD }, (_, index) => {
        const seq = stored / 2 + index;
        return {
          name: 'ship',
          data: { seq, ms: 0, holds: true },
          options: { order: `held ${index}` },
        };
      }),
    );
    stored += HELD;
    // By the handlers' notes and by the ledger: of a process that is taken for dead a handler may go on.
    const areHeld = async (): Promise<boolean> => {
      const open = { holds: true, endedAt: { $exists: false } };
      const jobs = await processes.db.collection('runs').distinct('jobId', open);
      const processing = { status: 'processing', 'data.holds': true };
      const claimed = await processes.db.collection('jobs').countDocuments(processing);
      return jobs.length >= LIMIT_OF_ALL && claimed === LIMIT_OF_ALL;
    };
    await until('as many run as may', areHeld, GENEROUS_MS);
    await processes.db.collection('words').insertOne({ word: 'go on' });
    await until('all jobs have ended', async () => (await ended()) === stored, GENEROUS_MS);
    const runs = await processes.db.collection<Run>('runs').find().toArray();
    expect(new Set(runs.map(({ jobId }) => String(jobId))).size).toBe(stored);
    const spans = spansOf(runs, cuts);
    const mostOfAll = mostAtOnce(spans);
    const mostOfGroup = Math.max(
      ...[...byKey(spans, ({ group }) => group).values()].map(mostAtOnce),
    );
    const rescued = await processes.db
      .collection('jobs')
      .countDocuments({ rescueCount: { $gt: 0 } });
    console.log(
      `flow control: ${JSON.stringify({ ...counts, stored, runs: runs.length, rescued, mostOfAll, mostOfGroup })}`,
    );
    // It was reached above, and never passed.
    expect(mostOfAll).toBeLessThanOrEqual(LIMIT_OF_ALL);
    expect(mostOfGroup).toBeLessThanOrEqual(LIMIT_OF_GROUP);
    expect(mostOfGroup).toBeGreaterThan(1);
    const keys = byKey(spans, ({ order }) => order);
    expect(keys.size).toBeGreaterThan(JOBS_A_BATCH);
    for (const [key, ofKey] of keys) expect(outOfOrder(ofKey), key).toEqual([]);
    await producer.stop();
  }, 900_000);
});

/** The times in which the runs count: those under a lease that a process had before a cut end there. */
function spansOf(runs: readonly Run[], cuts: readonly Cut[]): Span[] {
  const leaseBegan = new Map<string, number>();
  for (const { lease, begunAt } of runs) {
    leaseBegan.set(lease, Math.min(leaseBegan.get(lease) ?? Infinity, begunAt.getTime()));
  }
  return runs.flatMap((run) => {
    const cut = cuts.find(
      ({ pid, at }) => pid === run.pid && Number(leaseBegan.get(run.lease)) <= at.getTime(),
    );
    const fromMs = run.begunAt.getTime();
    const cutMs = cut?.at.getTime() ?? Number.POSITIVE_INFINITY;
    const toMs = Math.min(run.endedAt?.getTime() ?? cutMs, cutMs);
    return fromMs <= cutMs ? [{ ...run, fromMs, toMs }] : [];
  });
}

function byKey(
  spans: readonly Span[],
  keyOf: (span: Span) => string | undefined,
): Map<string, Span[]> {
  const found = new Map<string, Span[]>();
  for (const span of spans) {
    const key = keyOf(span);
    if (key) found.set(key, [...(found.get(key) ?? []), span]);
  }
  return found;
}

/** Runs that began before all those of an earlier job of their key had ended. */
function outOfOrder(ofKey: readonly Span[]): readonly Span[] {
  return ofKey.filter(({ seq, fromMs }) =>
    ofKey.some((other) => other.seq < seq && other.toMs > fromMs),
  );
}
