import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { Monque } from '../../src/index.ts';
import { SeededRandom } from '../../src/testing/index.ts';
import { describeWithMongo } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';
import { mostAtOnce, type TimeSpan, useProcesses } from './processes.ts';

const GROUPS = 20;
const LIMIT = 3;
const JOBS = 600;
const PROCESSES = 4;
const KILLS = 4;

/** What a handler has noted. */
interface Run {
  readonly group: string;
  readonly pid: number;
  readonly begunAt: Date;
  /** Absent for one whose process was killed. */
  readonly endedAt?: Date;
}

describeWithMongo('groups over processes', () => {
  const processes = useProcesses('group-process.mjs', 'group_processes');

  async function startProcess(): Promise<ChildProcess> {
    const child = processes.start(String(LIMIT));
    await once(child, 'message');
    return child;
  }

  const ended = (): Promise<number> =>
    processes.db.collection('jobs').countDocuments({ status: 'completed' });

  /** The first of these whose handler has noted a begin and no end. */
  async function oneThatRuns(children: readonly ChildProcess[]): Promise<ChildProcess | undefined> {
    const pids: unknown[] = await processes.db
      .collection('runs')
      .distinct('pid', { endedAt: { $exists: false } });
    return children.find(({ pid }) => pids.includes(pid));
  }

  test('never run more of one at once than its limit, while processes are killed, and all of them end', async () => {
    const random = new SeededRandom(7);
    const producer = new Monque(processes.db, { collectionName: 'jobs' });
    const entries = Array.from({ length: JOBS }, (_, index) => ({
      ...{ name: 'sync', data: { ms: 20 + Math.floor(random.fraction() * 60) } },
      options: { group: `group ${index % GROUPS}` },
    }));
    let stored = 0;
    const put = async (): Promise<void> => {
      await producer.enqueueMany(entries);
      stored += entries.length;
    };
    await put();
    const running = await Promise.all(Array.from({ length: PROCESSES }, startProcess));
    const killedAt = new Map<number, Date>();
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const enough = (JOBS * kill) / (KILLS + 2);
      await until('some jobs have ended', async () => (await ended()) >= enough, 60_000);
      const findVictim = async (): Promise<ChildProcess | undefined> => {
        // While a process starts, the others may have done all there is.
        if ((await ended()) === stored) await put();
        return oneThatRuns(running);
      };
      const victim = await until('one of them runs a job', findVictim, 60_000);
      running.splice(running.indexOf(victim), 1);
      const { localTime } = await processes.db.admin().command({ hello: 1 });
      killedAt.set(victim.pid ?? 0, localTime);
      victim.kill('SIGKILL');
      await once(victim, 'exit');
      running.push(await startProcess());
    }
    await until('all jobs have ended', async () => (await ended()) === stored, 60_000);
    const runs = await processes.db.collection<Run>('runs').find().toArray();
    expect(runs.length).toBeGreaterThan(stored);
    const most = Array.from({ length: GROUPS }, (_, group) =>
      mostAtOnce(
        runs.filter((run) => run.group === `group ${group}`).map((run) => spanOf(run, killedAt)),
      ),
    );
    // It was reached, so it is what held them.
    expect(Math.max(...most)).toBe(LIMIT);
    await producer.stop();
  }, 180_000);
});

/** From note to note; one that was killed ran until it was. */
function spanOf({ begunAt, endedAt, pid }: Run, killedAt: ReadonlyMap<number, Date>): TimeSpan {
  const end = endedAt ?? killedAt.get(pid) ?? begunAt;
  return { fromMs: begunAt.getTime(), toMs: end.getTime() };
}
