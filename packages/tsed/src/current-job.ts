/**
 * The job that runs now, for code that a handler calls.
 *
 * @module
 */
import type { Job, JobContext } from '@monque/core';
import { type DIContext, getContext } from '@tsed/di';

const JOB = 'monque:current-job';
const JOB_CONTEXT = 'monque:current-job-context';

/** The job whose handler, at whatever distance, called this; undefined outside of a job. */
export function currentJob<T = unknown>(): Job<T> | undefined {
  return getContext()?.get<Job<T>>(JOB);
}

/** What the handler of that job was given beside it: its signal, progress, log; undefined outside of a job. */
export function currentJobContext(): JobContext | undefined {
  return getContext()?.get<JobContext>(JOB_CONTEXT);
}

/** Makes a job the current one of a context. */
export function setCurrentJob($ctx: DIContext, job: Job, context: JobContext): void {
  $ctx.set(JOB, job);
  $ctx.set(JOB_CONTEXT, context);
}
