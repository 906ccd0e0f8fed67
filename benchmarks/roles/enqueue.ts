/**
 * Stores jobs for a while: one a call, with many calls under way, or many a call, one call after another.
 *
 * @module
 */
import { jobData, jobsFrom, type System } from '../adapter.ts';
import { percentile } from '../statistics.ts';
import { param, type Role } from './role.ts';

const WARM_UP_SHARE = 0.3;

/** `inFlight` calls of `batch` jobs each, for `durationMs`. */
export const enqueue: Role = async ({ open, place, params }) => {
  const system = await open(place);
  const inFlight = param(params, 'inFlight');
  const batch = param(params, 'batch');
  const durationMs = param(params, 'durationMs');
  await store(system, inFlight, batch, durationMs * WARM_UP_SHARE);
  const cpu = process.cpuUsage();
  const { jobs, tookMs, callsMs } = await store(system, inFlight, batch, durationMs);
  const { user, system: kernel } = process.cpuUsage(cpu);
  await system.close();
  return {
    jobsPerSecond: (jobs / tookMs) * 1_000,
    callP50Ms: percentile(callsMs, 0.5),
    clientUsAJob: (user + kernel) / jobs,
  };
};

async function store(system: System, inFlight: number, batch: number, durationMs: number) {
  const startedMs = performance.now();
  const callsMs: number[] = [];
  let jobs = 0;
  const lane = async (): Promise<void> => {
    for (;;) {
      const calledMs = performance.now();
      if (calledMs - startedMs >= durationMs) return;
      if (batch === 1) await system.enqueue(jobData(jobs));
      else await system.enqueueMany(jobsFrom(jobs, batch));
      jobs += batch;
      callsMs.push(performance.now() - calledMs);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return { jobs, callsMs, tookMs: performance.now() - startedMs };
}
