import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { type Job, Monque } from '../../src/index.ts';
import { describeWithMongo } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';
import { useProcesses } from './processes.ts';

const STAGES = ['download', 'parse', 'store'];

interface Start {
  readonly jobId: Job['_id'];
  readonly stage: string;
}

describeWithMongo('a job of three stages with a gate', () => {
  const processes = useProcesses('stage-process.mjs', 'stages');

  function startProcess(stopIn = 'none'): ChildProcess {
    return processes.start(stopIn);
  }

  /** Starts a process that hangs in a stage, and kills it there. */
  async function killIn(stage: string): Promise<void> {
    const child = startProcess(stage);
    const startsBefore = await startsOf(stage);
    await until(
      `a process is in stage ${stage}`,
      async () => (await startsOf(stage)) > startsBefore,
      20_000,
    );
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  function startsOf(stage: string): Promise<number> {
    return processes.db.collection<Start>('starts').countDocuments({ stage });
  }

  test('whose process is killed in each stage records each stage once and completes', async () => {
    const producer = new Monque(processes.db);
    const { _id } = await producer.enqueue('import');
    const read = async (): Promise<Job> => (await producer.getJob(_id)) as Job;
    const recorded = async (): Promise<readonly string[]> =>
      ((await read()).stages ?? []).map(({ name }) => name);

    await killIn('download');
    expect(await recorded()).toEqual([]);

    const opener = startProcess('parse');
    await until(
      'the job waits at its gate',
      async () => (await read()).status === 'blocked',
      20_000,
    );
    expect(await recorded()).toEqual(['download']);
    await producer.openGate(_id, 'pdf-ready', { evidence: { pages: 3 }, by: 'test' });
    await until('a process is in stage parse', async () => (await startsOf('parse')) === 1, 20_000);
    opener.kill('SIGKILL');
    await once(opener, 'exit');
    expect(await recorded()).toEqual(['download']);

    await killIn('store');
    expect(await recorded()).toEqual(['download', 'parse']);

    const last = startProcess();
    await until('the job is completed', async () => (await read()).status === 'completed', 20_000);
    const { stages, gates, result, rescueCount, failCount } = await read();
    expect(stages).toEqual([
      { name: 'download', at: expect.any(Date), result: { name: 'download', before: [] } },
      { name: 'parse', at: expect.any(Date), result: { name: 'parse', before: ['download'] } },
      { name: 'store', at: expect.any(Date) },
    ]);
    expect(result).toEqual({ name: 'store', before: ['download', 'parse'] });
    expect(gates).toMatchObject([{ name: 'pdf-ready', evidence: { pages: 3 }, by: 'test' }]);
    expect({ rescueCount, failCount }).toEqual({ rescueCount: 3, failCount: 0 });
    // Each stage was killed once before its record; none ran again behind it.
    for (const stage of STAGES) expect(await startsOf(stage)).toBe(2);
    const exited = once(last, 'exit');
    last.send('stop');
    await exited;
  }, 120_000);
});
