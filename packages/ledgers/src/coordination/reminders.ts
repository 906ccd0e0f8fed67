/**
 * Reminders: what a team forgets becomes a job of the scheduler, at most once a day for each task and reason.
 *
 * @module
 */
import { type Clock, type Job, type Monque, systemClock } from '@monque/core';
import type { CoordinationLedger } from './coordination-ledger.ts';
import type { Task } from './task.ts';

/** Why somebody is reminded. */
export type ReminderKind = 'deadline near' | 'deadline passed' | 'no update' | 'review waiting';

/** One reminder: the data of its job. */
export interface Reminder {
  readonly kind: ReminderKind;
  readonly taskId: string;
  readonly title: string;
  /** Who has to do something: the reviewer for a review, otherwise the assignee; absent when that is nobody. */
  readonly to?: string;
  /** Since when, or the deadline: as text, such as `2026-03-01T09:30:00.000Z`. */
  readonly since: string;
}

/** What {@link scheduleReminders} is given. */
export interface ReminderOptions {
  readonly scheduler: Monque;
  /** Notifies whoever is meant: the handler of a reminder's job. Throwing means that it is tried again. */
  readonly notify: (reminder: Reminder) => void | Promise<void>;
  /** When tasks are looked at. @default every hour: '0 * * * *' */
  readonly cron?: string;
  /** How many hours before a deadline a reminder comes. @default 24 */
  readonly nearHours?: number;
  /** After how many hours without an update one comes. @default 24 */
  readonly silentHours?: number;
  /** After how many hours a review waits too long. @default 24 */
  readonly reviewHours?: number;
  /** The job name of reminders; the one that looks has `-scan` behind it. @default 'ledger-reminder' */
  readonly jobName?: string;
  readonly clock?: Clock;
}

/** The name of the jobs that remind. */
export const REMINDER_JOB = 'ledger-reminder';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The reminders that tasks call for at a time. */
export function remindersFor(
  tasks: readonly Task[],
  now: Date,
  {
    nearHours = 24,
    silentHours = 24,
    reviewHours = 24,
  }: Pick<ReminderOptions, 'nearHours' | 'silentHours' | 'reviewHours'> = {},
): Reminder[] {
  return tasks
    .filter(({ status }) => status !== 'completed')
    .flatMap((task) => {
      const { status, deadline, submittedAt, updatedAt } = task;
      const left =
        deadline === undefined ? Number.POSITIVE_INFINITY : deadline.getTime() - now.getTime();
      const isOlder = (time: Date | undefined, hours: number): boolean =>
        time !== undefined && now.getTime() - time.getTime() >= hours * HOUR_MS;
      const isWorkedOn = status === 'in_progress' || status === 'revisions';
      return [
        ...(left < 0 ? [reminder('deadline passed', task, deadline)] : []),
        ...(left >= 0 && left <= nearHours * HOUR_MS
          ? [reminder('deadline near', task, deadline)]
          : []),
        ...(isWorkedOn && isOlder(updatedAt, silentHours)
          ? [reminder('no update', task, updatedAt)]
          : []),
        ...(status === 'peer_review' && isOlder(submittedAt, reviewHours)
          ? [reminder('review waiting', task, submittedAt)]
          : []),
      ];
    });
}

function reminder(
  kind: ReminderKind,
  { id, title, assignee, reviewer }: Task,
  since: Date | undefined,
): Reminder {
  const to = kind === 'review waiting' ? reviewer : assignee;
  return {
    kind,
    taskId: id,
    title,
    ...(to !== undefined && { to }),
    since: String(since?.toISOString()),
  };
}

/** Looks at the tasks of a ledger on a cron, and reminds by jobs, in the processes that have started the scheduler. */
export async function scheduleReminders(
  ledger: CoordinationLedger,
  options: ReminderOptions,
): Promise<void> {
  const {
    scheduler,
    notify,
    cron = '0 * * * *',
    jobName = REMINDER_JOB,
    clock = systemClock,
  } = options;
  scheduler.worker(jobName, (job: Job<unknown>) => notify(job.data as Reminder), { maxRetries: 5 });
  const scan = async (): Promise<number> => {
    const tasks = (await ledger.records.all()) as readonly Task[];
    const due = remindersFor(tasks, new Date(clock.now()), options);
    for (const found of due) {
      const uniqueKey = `${found.taskId} ${found.kind}`;
      await scheduler.enqueue(jobName, found, { uniqueKey, uniqueHold: { window: DAY_MS } });
    }
    return due.length;
  };
  scheduler.worker(`${jobName}-scan`, scan, { concurrency: 1, maxRetries: 3 });
  await scheduler.schedule(cron, `${jobName}-scan`, {}, { uniqueKey: jobName });
}
