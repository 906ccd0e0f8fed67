/**
 * What this instance says of itself with each renewal of its lease, so that others know why a job does not run.
 *
 * What always holds: it is small, however many workers there are and however long their names; and it names no job
 * and no data.
 *
 * @module
 */
import { hostname } from 'node:os';
import manifest from '../../package.json' with { type: 'json' };
import type { InstanceInfo, InstanceVitals, WorkerInfo } from '../ledger/ledger-repository.ts';
import type { Worker } from '../workers/worker.ts';

const MOST_WORKERS = 500;
const MOST_NAME_CHARACTERS = 16_384;

/** What an info is made of. */
export interface InstanceInfoParams {
  readonly workers: Iterable<
    Pick<Worker, 'name' | 'concurrency' | 'running' | 'retry'> &
      Partial<Pick<Worker, 'groups' | 'limitKeys'>>
  >;
  readonly startedAt: Date;
  readonly reportedAt: Date;
  readonly runningJobs: number;
  readonly bufferedJobs: number;
  /** Infinite when there is no bound. */
  readonly instanceConcurrency: number;
  readonly recoverStaleJobs: boolean;
  readonly vitals: InstanceVitals;
}

/** Makes the info of this process at this time. */
export function makeInstanceInfo(params: InstanceInfoParams): InstanceInfo {
  const { workers: all, instanceConcurrency, ...rest } = params;
  const workers: WorkerInfo[] = [];
  let characters = 0;
  let unnamedWorkers = 0;
  for (const { name, concurrency, running, retry, groups, limitKeys: limits = [] } of all) {
    const { deadLetter = '' } = retry;
    characters += [name, deadLetter, ...limits].join('').length;
    const hasRoom = workers.length < MOST_WORKERS && characters <= MOST_NAME_CHARACTERS;
    const of = {
      ...(groups && ({ groups: true } as const)),
      ...(deadLetter && { deadLetter }),
      ...(limits.length > 0 && { limits }),
    };
    if (hasRoom) workers.push({ name, concurrency, running, ...of });
    else unnamedWorkers += 1;
  }
  return {
    host: hostname(),
    pid: process.pid,
    version: manifest.version,
    workers,
    unnamedWorkers,
    ...rest,
    ...(Number.isFinite(instanceConcurrency) && { instanceConcurrency }),
  };
}
