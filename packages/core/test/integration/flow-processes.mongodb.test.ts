import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import { Monque } from '../../src/index.ts';
import { SeededRandom } from '../../src/testing/index.ts';
import { describeWithMongo } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';
import { volume } from '../setup/volume.ts';
import { useProcesses } from './processes.ts';

const KILLS = volume(4, 2);
const JOBS_A_FLOW = 32;

interface Start {
  readonly jobId: ObjectId;
  readonly flow: ObjectId;
  readonly ref: string;
  readonly fence: number;
  /** The parents whose ends nobody had noted. */
  readonly early: readonly string[];
}

interface Message {
  readonly storing?: number;
  readonly stored?: string;
}

describeWithMongo('flows whose processes are killed', () => {
  const processes = useProcesses('flow-process.mjs', 'flow-processes');

  function startProcess(mode: 'work' | 'store'): ChildProcess {
    return processes.start(mode);
  }

  async function kill(child: ChildProcess): Promise<void> {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  test('while they store and while they release: nothing is lost, and no job starts early or twice', async () => {
    const random = new SeededRandom(11);
    const monque = new Monque(processes.db, { resendLimit: 2_000 });
    await monque.initialize();
    const acknowledged: string[] = [];
    const workers = [startProcess('work'), startProcess('work')];
    for (const worker of workers) await once(worker, 'message');
    let started: Promise<unknown> = Promise.resolve();
    for (let killed = 0; killed < KILLS; killed += 1) {
      const producer = startProcess('store');
      const before = acknowledged.length;
      let storing = 0;
      producer.on('message', ({ stored, storing: index }: Message) => {
        if (stored !== undefined) acknowledged.push(stored);
        if (index !== undefined) storing = index;
      });
      await until('some flows are stored', () => acknowledged.length >= before + 3, 30_000);
      const at = storing;
      await until('another is being stored', () => storing > at, 30_000);
      const dies = performance.now() + random.fraction() * 15;
      await until('its time comes', () => performance.now() >= dies);
      await kill(producer);
      // It has started while others stored.
      await started;
      const index = killed % workers.length;
      await kill(workers[index] as ChildProcess);
      workers[index] = startProcess('work');
      started = once(workers[index] as ChildProcess, 'message');
    }
    await started;
    for (const id of acknowledged) {
      const isDone = async (): Promise<boolean> =>
        (await monque.getFlow(id))?.state === 'completed';
      await until(`flow ${id} is completed`, isDone, 60_000);
    }
    await judge(monque, acknowledged);
  }, 240_000);

  async function judge(monque: Monque, acknowledged: readonly string[]): Promise<void> {
    const starts = await processes.db.collection<Start>('starts').find().toArray();
    expect(starts.filter(({ early }) => early.length > 0)).toEqual([]);
    const claims = starts.map(({ jobId, fence }) => `${jobId.toHexString()} ${fence}`);
    expect(claims.length - new Set(claims).size).toBe(0);
    const ran = new Map<string, Set<string>>();
    for (const { flow, ref } of starts) {
      const refs = ran.get(flow.toHexString()) ?? new Set<string>();
      ran.set(flow.toHexString(), refs.add(ref));
    }
    for (const id of acknowledged) expect(ran.get(id)?.size).toBe(JOBS_A_FLOW);
    expect(acknowledged.length).toBeGreaterThanOrEqual(KILLS * 3);
    // Beside the records lie the documents of flows that have not ended, whose ids are texts.
    const records = { _id: { $type: 'objectId' as const } };
    const flows = await processes.db.collection('monque_jobs.flows').find(records).toArray();
    const others = flows.filter(({ _id }) => !acknowledged.includes(String(_id)));
    for (const { _id } of others) {
      // What was not acknowledged was stored all the same, or none of it ever runs.
      const isOver = async (): Promise<boolean> => {
        const flow = await monque.getFlow(_id as ObjectId);
        const { blocked = 0, pending = 0, processing = 0 } = flow?.counts ?? {};
        return blocked + pending + processing === 0;
      };
      await until(`flow ${_id} is over`, isOver, 60_000);
      const flow = await monque.getFlow(_id as ObjectId);
      const ranOf = ran.get(String(_id))?.size ?? 0;
      if (flow?.state === 'completed') expect(flow.counts.completed).toBe(JOBS_A_FLOW);
      else expect(ranOf).toBe(0);
    }
  }
});
