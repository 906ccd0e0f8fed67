/**
 * The verbs on jobs: cancel, retry, reschedule, delete.
 *
 * @module
 */
import type { Session } from '../context/context.ts';
import type { ExitCode } from '../context/exit-codes.ts';
import { why } from '../context/reason.ts';
import { type BulkOptions, bulk } from './bulk.ts';

/** `monque jobs cancel` */
export function cancelJobs(
  session: Session,
  ids: readonly string[],
  options: BulkOptions,
): Promise<ExitCode> {
  return bulk(session, ids, options, {
    verb: 'cancel',
    done: 'cancelled, or asked to end',
    apply: (jobs, id) => jobs.cancelJob(id, why(options)),
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
    apply: (jobs, id) => jobs.retryJob(id, why(options)),
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
    apply: (jobs, id) => jobs.rescheduleJob(id, options.to, why(options)),
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
    apply: (jobs, id) => jobs.deleteJob(id, why(options)),
  });
}
