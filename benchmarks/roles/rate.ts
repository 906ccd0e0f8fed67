/**
 * Enqueues at a rate that is fixed in advance, works, or both. Latencies are counted by the process that measures, from
 * the time at which a job was to be enqueued, so a system that falls behind cannot hide it.
 *
 * @module
 */
import { type JobData, jobData, type System } from '../adapter.ts';
import { param, type Role, sharedNowNs } from './role.ts';

const SEND_EVERY_MS = 1;

/**
 * `isWorking` and `isEnqueuing` are 1 or 0; `jobsPerSecond`, `jobs` in all, `handlerMs` for each. Works until the word
 * `end`.
 */
export const rate: Role = async ({ open, place, params, link }) => {
  const system = await open(place);
  const handlerMs = param(params, 'handlerMs');
  /** When each job was started, by the clock that all processes share; left empty by those that did not. */
  const startedNs: number[] = [];
  if (param(params, 'isWorking') === 1) {
    await system.work({
      started: ({ index }: JobData) => {
        startedNs[index] = sharedNowNs();
        return handlerMs > 0 ? pause(handlerMs) : undefined;
      },
      recorded: () => {},
    });
  }
  link.note({ ready: true });
  await link.receive();
  const cpu = process.cpuUsage();
  const begunNs = sharedNowNs();
  if (param(params, 'isEnqueuing') === 1) {
    await sendAll(system, param(params, 'jobsPerSecond'), param(params, 'jobs'));
    link.note({ sentNs: sharedNowNs() });
  }
  while ((await link.receive()) !== 'end');
  const { user, system: kernel } = process.cpuUsage(cpu);
  await system.close();
  return { begunNs, startedNs, cpuUs: user + kernel };
};

/** Sends each job at its time, or as soon after it as this process gets to it. Nobody waits for an answer to send. */
async function sendAll(system: System, jobsPerSecond: number, jobs: number): Promise<void> {
  const beganMs = performance.now();
  const failures: unknown[] = [];
  const onFailure = (error: unknown): void => void failures.push(error);
  for (let sent = 0; sent < jobs; await pause(SEND_EVERY_MS)) {
    const dueCount = ((performance.now() - beganMs) * jobsPerSecond) / 1_000;
    for (; sent < jobs && sent <= dueCount; sent += 1)
      system.enqueue(jobData(sent)).catch(onFailure);
  }
  if (failures.length > 0) throw failures[0];
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
