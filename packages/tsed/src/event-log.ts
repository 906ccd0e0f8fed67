/**
 * Logs with the logger of the application what the scheduler says in events and what somebody may have to act on. What a
 * job logs itself goes through the logger of its context.
 *
 * @module
 */
import type { Job, Monque, MonqueEventMap } from '@monque/core';
import type { DILogger } from '@tsed/di';

type Name = keyof MonqueEventMap;

interface Entry {
  readonly level: 'info' | 'warn' | 'error';
  readonly fields?: Readonly<Record<string, unknown>>;
}

type Describe<N extends Name> = (payload: MonqueEventMap[N][0]) => Entry;

/** The events that are logged; runs that go well are not. */
const LOGGED: { readonly [N in Name]?: Describe<N> } = {
  'job:fail': ({ job, error, willRetry }) => ({
    level: willRetry ? 'warn' : 'error',
    fields: {
      ...fieldsOfJob(job),
      ...fieldsOfError(error),
      failCount: job.failCount,
      willRetry,
      ...(willRetry && { nextRunAt: job.nextRunAt }),
    },
  }),
  'job:lost': ({ job, reason }) => ({ level: 'warn', fields: { ...fieldsOfJob(job), reason } }),
  'job:skipped': ({ job, skipped }) => ({
    level: 'warn',
    fields: { ...fieldsOfJob(job), skipped },
  }),
  'job:error': ({ job, error }) => ({
    level: 'error',
    fields: { ...(job && fieldsOfJob(job)), ...fieldsOfError(error) },
  }),
  'stale:recovered': ({ count, instanceId }) => ({
    level: 'warn',
    fields: { count, ...(instanceId !== undefined && { instanceId }) },
  }),
  'connection:lost': ({ error }) => ({ level: 'error', fields: fieldsOfError(error) }),
  'connection:restored': () => ({ level: 'info' }),
  'loop:delayed': ({ delayMs }) => ({ level: 'warn', fields: { delayMs } }),
};

/** Logs events from now on, each under its name in capitals, such as `MONQUE_JOB_FAIL`. */
export function logEvents(monque: Monque, logger: DILogger): void {
  for (const name of Object.keys(LOGGED) as Name[]) {
    const describe = LOGGED[name] as Describe<Name>;
    const event = `MONQUE_${name.replace(':', '_').toUpperCase()}`;
    monque.on(name, (payload: MonqueEventMap[Name][0]) => {
      const { level, fields } = describe(payload);
      logger[level]({ event, ...fields });
    });
  }
}

function fieldsOfJob(job: Job): Readonly<Record<string, unknown>> {
  return { jobId: job._id.toHexString(), jobName: job.name };
}

/** Named as in the other entries of Ts.ED. */
function fieldsOfError(error: Error): Readonly<Record<string, unknown>> {
  return { error_name: error.name, error_message: error.message, stack: error.stack };
}
