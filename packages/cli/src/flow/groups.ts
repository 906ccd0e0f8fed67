/**
 * Groups: what waits and runs in each, and what each may do.
 *
 * @module
 */
import type { GroupInfo } from '@monque/core';
import type { GroupOptions, RateOptions } from '@monque/core/types';
import type { Session } from '../context/context.ts';
import { usageError } from '../context/errors.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { plain } from '../context/json.ts';
import { type ReasonOption, why } from '../context/reason.ts';
import type { Column } from '../context/table.ts';
import { beside, span } from '../context/words.ts';

/** Options of `groups list`. */
export interface GroupListOptions {
  readonly after?: string;
  readonly limit: number;
}

/** Options of `groups set`; `default` takes a setting back. */
export interface GroupSetOptions extends ReasonOption {
  readonly concurrency?: number | 'default';
  readonly rate?: RateOptions | 'default';
  readonly burst?: number;
  readonly weight?: number | 'default';
}

const MOST_COUNTED = 1_000;

/** `monque groups list` */
export async function listGroups(
  { output, open }: Session,
  name: string,
  { after, limit }: GroupListOptions,
): Promise<ExitCode> {
  const { jobs, ledger } = await open();
  const groups = await jobs.groups(name, { limit, ...(after !== undefined && { after }) });
  if (output.isJson) {
    for (const group of groups) await output.line(JSON.stringify(plain(group)));
  } else await output.table(groups, columnsOf(await ledger.readTime()));
  const last = groups.at(-1);
  if (last === undefined) output.note(`No group of '${name}' has jobs or settings.`);
  else if (groups.length === limit) output.note(`There may be more: --after ${last.group}`);
  return ExitCode.DONE;
}

function columnsOf(now: Date): Column<GroupInfo>[] {
  const toCome = (time: Date | undefined) => (time !== undefined && time > now ? time : undefined);
  return [
    { title: 'GROUP', text: ({ group }) => group },
    { title: 'STATE', text: ({ paused }) => (paused ? 'paused' : 'open') },
    {
      title: 'WAITING',
      text: ({ waiting }) => `${waiting}${waiting === MOST_COUNTED ? '+' : ''}`,
      isRight: true,
    },
    { title: 'OLDEST DUE', text: ({ oldestDueAt }) => beside(oldestDueAt, now) },
    { title: 'RUNS', text: ({ running }) => `${running}`, isRight: true },
    { title: 'AT ONCE', text: ({ concurrency }) => `${concurrency ?? 'any'}`, isRight: true },
    {
      title: 'STARTS',
      text: ({ rate }) => (rate ? `${rate.limit} in ${span(rate.perMs)}` : 'any'),
      isRight: true,
    },
    { title: 'WEIGHT', text: ({ weight = 1 }) => `${weight}`, isRight: true },
    { title: 'NEXT START', text: ({ nextStartAt }) => beside(toCome(nextStartAt), now) },
  ];
}

/** `monque groups set` */
export async function setGroup(
  { output, open }: Session,
  [name, group]: readonly [string, string],
  { concurrency, rate, burst, weight, ...reason }: GroupSetOptions,
): Promise<ExitCode> {
  if (burst !== undefined && typeof rate !== 'object') throw usageError('--burst goes with --rate');
  const settings: GroupOptions = {
    ...(concurrency !== undefined && { concurrency: orNull(concurrency) }),
    ...(rate === 'default' && { rate: null }),
    ...(typeof rate === 'object' && { rate: { ...rate, ...(burst !== undefined && { burst }) } }),
    ...(weight !== undefined && { weight: orNull(weight) }),
  };
  if (Object.keys(settings).length === 0) {
    throw usageError('Give --concurrency, --rate or --weight, or several of them');
  }
  const { jobs } = await open();
  await jobs.setGroup(name, group, settings, why(reason));
  output.note(
    `The group '${group}' of '${name}' is set; it holds for what starts from now on, and stops nothing that runs.`,
  );
  return ExitCode.DONE;
}

/** `monque groups pause` and `monque groups resume` */
export async function setGroupPaused(
  { output, open }: Session,
  [name, group]: readonly [string, string],
  paused: boolean,
  options: ReasonOption,
): Promise<ExitCode> {
  const { jobs } = await open();
  await jobs.setGroup(name, group, { paused }, why(options));
  const says = paused ? 'is paused; what runs goes on' : 'goes on';
  output.note(`The group '${group}' of '${name}' ${says}.`);
  return ExitCode.DONE;
}

/** As the library takes it: null takes a setting back. */
function orNull(value: number | 'default'): number | null {
  return value === 'default' ? null : value;
}
