/**
 * Limits: who holds and wants what of them, and what they allow.
 *
 * @module
 */
import type { LimitInfo } from '@monque/core';
import type { RateOptions } from '@monque/core/types';
import type { Session } from '../context/context.ts';
import { usageError } from '../context/errors.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { plain } from '../context/json.ts';
import { type ReasonOption, why } from '../context/reason.ts';
import type { Column } from '../context/table.ts';
import { beside, span } from '../context/words.ts';

/** `monque limits list` */
export async function listLimits({ output, open }: Session): Promise<ExitCode> {
  const { jobs, ledger } = await open();
  const limits = await jobs.limits();
  if (output.isJson) {
    for (const limit of limits) await output.line(JSON.stringify(plain(limit)));
    return ExitCode.DONE;
  }
  await output.table(limits, limitColumns(await ledger.readTime()));
  if (limits.length === 0) output.note('There are no limits.');
  return ExitCode.DONE;
}

function limitColumns(now: Date): Column<LimitInfo>[] {
  const holders = ({ shares }: LimitInfo): string[] =>
    shares.flatMap(({ instanceId, count }) => (count > 0 ? [`${instanceId}:${count}`] : []));
  return [
    { title: 'LIMIT', text: ({ key }) => key },
    { title: 'AT ONCE', text: ({ concurrency }) => `${concurrency ?? 'any'}`, isRight: true },
    {
      title: 'STARTS',
      text: ({ rate }) => (rate ? `${rate.limit} in ${span(rate.perMs)}` : 'any'),
      isRight: true,
    },
    { title: 'HELD', text: ({ held }) => `${held}`, isRight: true },
    { title: 'WANTED', text: ({ wanted }) => `${wanted}`, isRight: true },
    { title: 'NEXT START', text: (limit) => beside(nextStart(limit, now), now) },
    { title: 'HELD BY', text: (limit) => holders(limit).join(',') },
  ];
}

/** When something may start again, while that is to come. */
function nextStart({ nextStartAt, blockedUntil }: LimitInfo, now: Date): Date | undefined {
  const times = [nextStartAt, blockedUntil].flatMap((time) =>
    time !== undefined && time > now ? [time.getTime()] : [],
  );
  return times.length > 0 ? new Date(Math.max(...times)) : undefined;
}

/** Options of `limits set`. */
export interface LimitSetOptions extends ReasonOption {
  readonly concurrency?: number;
  readonly rate?: RateOptions;
  readonly burst?: number;
  readonly unbounded?: boolean;
}

/** `monque limits set` */
export async function setLimit(
  { output, open }: Session,
  key: string,
  { concurrency, rate, burst, unbounded = false, ...reason }: LimitSetOptions,
): Promise<ExitCode> {
  const isBounded = concurrency !== undefined || rate !== undefined;
  if (isBounded === unbounded) {
    throw usageError('Give --concurrency, --rate or both, or --unbounded alone');
  }
  if (burst !== undefined && rate === undefined) throw usageError('--burst goes with --rate');
  const { jobs } = await open();
  const limit = {
    ...(concurrency !== undefined && { concurrency }),
    ...(rate && { rate: { ...rate, ...(burst !== undefined && { burst }) } }),
  };
  await jobs.setLimit(key, limit, why(reason));
  output.note(
    `The limit '${key}' is set; it holds for what starts from now on, and stops nothing that runs.`,
  );
  return ExitCode.DONE;
}
