/**
 * `@Cron`: runs a job again and again.
 *
 * @module
 */
import type { Interval } from '@monque/core/types';
import { type CronOptions, changeHandler } from '../job-metadata.ts';
import { type Decorated, decorateHandler, type JobDecorator } from './decorated.ts';

/**
 * Makes a series of the job that `@Job` on the same class or method describes. However many processes boot, there is
 * one series; a process that boots with another expression, time zone or data changes it.
 *
 * @param pattern - a cron expression of 5 fields; 6 with seconds; or `@daily` and its like
 * @param options - `uniqueKey` tells several series of one job apart; with a single one it may be left out
 * @example
 * ```ts
 * \@Job('clean-up')
 * \@Cron('0 3 * * *', { timezone: 'Europe/Berlin' })
 * export class CleanUp {
 *   async handle(): Promise<void> {}
 * }
 * ```
 */
export function Cron(pattern: string, options: CronOptions = {}): JobDecorator {
  return decorateHandler('@Cron', (decorated) => addSeries(decorated, pattern, options));
}

/** Notes a series of what was decorated. */
export function addSeries(
  { target, method }: Decorated,
  pattern: string | Interval,
  options: CronOptions,
): void {
  changeHandler(target, method, (handler) => ({
    ...handler,
    // Decorators are carried out from the last to the first.
    crons: [{ pattern, options: { ...options } }, ...handler.crons],
  }));
}
