// What a signal does to a process with a scheduler that handles signals.
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { describeWithMongo } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';
import { useProcesses } from './processes.ts';

describeWithMongo('a process that gets SIGTERM', () => {
  const processes = useProcesses('signal-process.mjs', 'signals');

  /** Starts one, and sends the signal once its job runs. */
  async function startAndAsk(listener: 'none' | 'once') {
    const child = processes.start(listener);
    const messages: unknown[] = [];
    child.on('message', (message) => messages.push(message));
    const ended = once(child, 'exit');
    await until('the job runs', () => messages.includes('running'), 30_000);
    child.kill('SIGTERM');
    return { child, messages, ended };
  }

  const statuses = () => processes.db.collection('monque_jobs').distinct('status');

  test('ends by it, after its job is done and recorded', async () => {
    const { child, ended } = await startAndAsk('none');
    child.send('go on');
    expect(await ended).toEqual([null, 'SIGTERM']);
    expect(await statuses()).toEqual(['completed']);
  });

  test('is ended by whoever listens for one time, and who may take longer than the scheduler', async () => {
    const { child, messages, ended } = await startAndAsk('once');
    await until('the listener is called', () => messages.includes('asked'), 30_000);
    child.send('go on');
    await until('the scheduler has stopped', () => messages.includes('stopped'), 30_000);
    expect(await statuses()).toEqual(['completed']);
    child.send('end');
    expect(await ended).toEqual([7, null]);
    expect(messages.at(-1)).toBe('cleaned up');
  });
});
