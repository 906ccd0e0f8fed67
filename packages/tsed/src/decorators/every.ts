/**
 * `@Every`: runs a job again and again after the same time.
 *
 * @module
 */
import type { Interval } from '@monque/core/types';
import type { CronOptions } from '../job-metadata.ts';
import { addSeries } from './cron.ts';
import { decorateHandler, type JobDecorator } from './decorated.ts';

/**
 * Makes a series of the job that `@Job` on the same class or method describes, as `@Cron` does, with an interval in
 * place of an expression. It is counted from `startAt`; without that, from when the series was made first.
 *
 * @param every - milliseconds, or a text such as `5 minutes`
 * @param options - `uniqueKey` tells several series of one job apart; with a single one it may be left out
 * @example
 * ```ts
 * \@Job('sweep')
 * \@Every('5 minutes')
 * export class Sweep {
 *   async handle(): Promise<void> {}
 * }
 * ```
 */
export function Every(
  every: Interval['every'],
  options: Omit<CronOptions, 'timezone'> = {},
): JobDecorator {
  return decorateHandler('@Every', (decorated) => addSeries(decorated, { every }, options));
}
