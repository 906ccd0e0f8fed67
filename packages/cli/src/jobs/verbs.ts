/**
 * The verbs on jobs: cancel, retry, reschedule, delete.
 *
 * @module
 */
import type { Session } from '../context/context.ts';
import type { ExitCode } from '../context/exit-codes.ts';
import { type BulkOptions, bulk } from './bulk.ts';

/** `monque jobs cancel` */
export function cancelJobs(
  session: Session,
  ids: readonly string[],
  options: BulkOptions & { readonly reason?: string },
): Promise<ExitCode> {
  const { reason } = options;
  return bulk(session, ids, options, {
    verb: 'cancel',
    done: 'cancelled, or asked to end',
    apply: (jobs, id) => jobs.cancelJob(id, reason === undefined ? {} : { reason }),
  });
}

/** `monque jobs retry` */
export function retryJobs(
  session: Session,
  ids: readonly string[],
  options: BulkOptions,
): Promise<ExitCode> {
  return bulk(session, ids, options, {
    verb: 'retry',
    done: 'pending again',
    apply: (jobs, id) => jobs.retryJob(id),
  });
}

/** `monque jobs reschedule` */
export function rescheduleJobs(
  session: Session,
  ids: readonly string[],
  options: BulkOptions & { readonly to: Date },
): Promise<ExitCode> {
  return bulk(session, ids, options, {
    verb: 'reschedule',
    done: `due at ${options.to.toISOString()}`,
    apply: (jobs, id) => jobs.rescheduleJob(id, options.to),
  });
}

/** `monque jobs delete` */
export function deleteJobs(
  session: Session,
  ids: readonly string[],
  options: BulkOptions,
): Promise<ExitCode> {
  return bulk(session, ids, options, {
    verb: 'delete',
    done: 'deleted',
    apply: (jobs, id) => jobs.deleteJob(id),
  });
}
