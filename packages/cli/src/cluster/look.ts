/**
 * The cluster as a whole: whether all is well, its instances, its names.
 *
 * @module
 */
import type { Inspection } from '@monque/core';
import type { InspectedInstance, InspectedName } from '@monque/core/types';
import type { Session } from '../context/context.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { plain } from '../context/json.ts';
import type { Output } from '../context/output.ts';
import { type ReasonOption, why } from '../context/reason.ts';
import type { Column } from '../context/table.ts';
import { counted, span } from '../context/words.ts';
import { type Finding, problemsOf } from './problems.ts';

/** `monque status` */
export async function status(
  { output, open }: Session,
  { maxQueueLag }: { readonly maxQueueLag: number },
): Promise<ExitCode> {
  const { jobs } = await open();
  const inspection = await jobs.inspect();
  const problems = problemsOf(inspection, { maxQueueLagMs: maxQueueLag });
  const mustAct = problems.some(({ weight }) => weight === 'act');
  const { at, instances, names } = inspection;
  const counts = {
    instances: instances.filter(({ state }) => state === 'alive').length,
    names: names.length,
    running: instances.reduce((sum, { info }) => sum + (info?.runningJobs ?? 0), 0),
    due: names.reduce((sum, { due }) => sum + due, 0),
    dueIsCut: names.some(({ dueIsCut }) => dueIsCut),
  };
  await output.record(plain({ at, isWell: !mustAct, ...counts, problems }) as object, () =>
    [
      summaryLine(output, mustAct, counts),
      ...problems.flatMap((problem) => findingLines(output, problem)),
    ].join('\n'),
  );
  return mustAct ? ExitCode.FOUND : ExitCode.DONE;
}

interface Counts {
  readonly instances: number;
  readonly running: number;
  readonly due: number;
  readonly dueIsCut: boolean;
}

function summaryLine(
  { colours }: Output,
  mustAct: boolean,
  { instances, running, due, dueIsCut }: Counts,
): string {
  const word = mustAct ? colours.red('problems') : colours.green('well');
  return `${word}  ${counted(instances, 'live instance')}, ${counted(running, 'running job')}, ${counted(due, 'due job', dueIsCut)}`;
}

/** A finding as people read it. */
export function findingLines({ colours }: Output, { weight, message, advice }: Finding): string[] {
  const mark = weight === 'act' ? colours.red('!') : colours.yellow('-');
  return [`${mark} ${message}`, colours.dim(`    ${advice}`)];
}

/** `monque names list` */
export async function listNames({ output, open }: Session): Promise<ExitCode> {
  const { jobs } = await open();
  const { names, namesAreCut } = await jobs.inspect();
  await output.table(names, nameColumns(output));
  if (names.length === 0) output.note('No name has jobs, a worker or a pause.');
  if (namesAreCut) output.note('There are more names with pending jobs.');
  return ExitCode.DONE;
}

/** The columns of names. */
export function nameColumns({ colours }: Pick<Output, 'colours'>): Column<InspectedName>[] {
  return [
    { title: 'NAME', text: ({ name }) => name },
    {
      title: 'STATE',
      text: ({ isPaused }) => (isPaused ? 'paused' : 'open'),
      paint: (text, { isPaused }) => (isPaused ? colours.yellow(text) : text),
    },
    { title: 'WORKERS', text: ({ instances }) => `${instances}`, isRight: true },
    { title: 'DUE', text: ({ due, dueIsCut }) => `${due}${dueIsCut ? '+' : ''}`, isRight: true },
    {
      title: 'LAG',
      text: ({ queueLagMs }) => (queueLagMs === 0 ? '' : span(queueLagMs)),
      isRight: true,
    },
  ];
}

/** `monque names pause` and `monque names resume` */
export async function setPaused(
  { output, open }: Session,
  name: string,
  isPaused: boolean,
  options: ReasonOption,
): Promise<ExitCode> {
  const { jobs } = await open();
  if (isPaused) await jobs.pause(name, why(options));
  else await jobs.resume(name, why(options));
  output.note(
    `'${name}' ${isPaused ? 'is paused' : 'goes on'}; that takes hold everywhere within two seconds.`,
  );
  return ExitCode.DONE;
}

/** `monque instances` */
export async function listInstances({ output, open }: Session): Promise<ExitCode> {
  const { jobs } = await open();
  const { instances, withoutLease, at }: Inspection = await jobs.inspect();
  if (output.isJson) {
    for (const instance of instances) await output.line(JSON.stringify(plain(instance)));
    return ExitCode.DONE;
  }
  await output.table(instances, instanceColumns(output, at));
  if (instances.length === 0) output.note('No instance is on record.');
  const { count, isCut } = withoutLease;
  if (count > 0) output.note(`Other tools without a lease hold ${counted(count, 'job', isCut)}.`);
  return ExitCode.DONE;
}

/** The columns of instances. */
export function instanceColumns(
  { colours }: Pick<Output, 'colours'>,
  at: Date,
): Column<InspectedInstance>[] {
  const since = (time: Date | undefined): string =>
    time === undefined ? '' : span(at.getTime() - time.getTime());
  return [
    { title: 'INSTANCE', text: ({ instanceId }) => instanceId },
    {
      title: 'STATE',
      text: ({ state }) => state,
      paint: (text, { state }) => (state === 'alive' ? colours.green(text) : colours.red(text)),
    },
    { title: 'HOST', text: ({ info }) => info?.host ?? '' },
    { title: 'PID', text: ({ info }) => `${info?.pid ?? ''}`, isRight: true },
    { title: 'VERSION', text: ({ info }) => info?.version ?? '' },
    { title: 'UP', text: ({ info }) => since(info?.startedAt), isRight: true },
    {
      title: 'SEEN',
      text: ({ leaseAgeMs }) => (leaseAgeMs === undefined ? '' : span(leaseAgeMs)),
      isRight: true,
    },
    { title: 'RUNS', text: ({ info }) => `${info?.runningJobs ?? ''}`, isRight: true },
    { title: 'HOLDS', text: ({ claims }) => `${claims?.count ?? ''}`, isRight: true },
    {
      title: 'WORKERS',
      text: ({ info }) => (info?.workers ?? []).map(({ name }) => name).join(','),
    },
  ];
}
