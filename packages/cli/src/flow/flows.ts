/**
 * Flows: how they stand, and what is done to all jobs of one.
 *
 * What always holds: nothing is changed that was not counted and asked for, unless `--yes` was given.
 *
 * @module
 */
import type { BulkResult, FlowInfo, Job, JobStatus, MonqueManagement } from '@monque/core';
import type { FlowSummary } from '@monque/core/types';
import type { Session } from '../context/context.ts';
import { missingError } from '../context/errors.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { plain } from '../context/json.ts';
import { type ReasonOption, why } from '../context/reason.ts';
import type { Column } from '../context/table.ts';
import { beside, counted } from '../context/words.ts';
import { reportResult } from '../jobs/bulk-result.ts';
import { withId } from '../jobs/look.ts';

/** Options of `flows show`. */
export interface FlowShowOptions {
  readonly limit: number;
  readonly after?: string;
}

/** Options of `flows list`. */
export type FlowListOptions = FlowShowOptions;

/** Options of the verbs on flows. */
export interface FlowVerbOptions extends ReasonOption {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** `monque flows list` */
export async function listFlows(
  { output, open }: Session,
  { limit, after }: FlowListOptions,
): Promise<ExitCode> {
  const { jobs, ledger } = await open();
  const flows = await jobs.getFlows({ limit, ...(after !== undefined && { after }) });
  if (output.isJson) {
    for (const flow of flows) await output.line(JSON.stringify(plain(flow)));
  } else await output.table(flows, listColumns(await ledger.readTime()));
  const last = flows.at(-1);
  if (last === undefined) output.note('There is no flow.');
  else if (flows.length === limit)
    output.note(`There may be more: --after ${last.id.toHexString()}`);
  return ExitCode.DONE;
}

/** How the jobs of a flow stand is known when they are counted, as `flows show` does. */
const STORED: Readonly<Record<FlowSummary['state'], string>> = {
  ...{ stored: 'yes', storing: 'not yet', abandoned: 'abandoned' },
};

function listColumns(now: Date): Column<FlowSummary>[] {
  return [
    { title: 'FLOW', text: ({ id }) => id.toHexString() },
    { title: 'STORED', text: ({ state }) => STORED[state] },
    { title: 'CREATED', text: ({ createdAt }) => beside(createdAt, now) },
    { title: 'JOBS', text: ({ size }) => String(size), isRight: true },
    { title: 'KEY', text: ({ uniqueKey = '' }) => uniqueKey },
  ];
}

/** `monque flows show` */
export async function showFlow(
  { output, open }: Session,
  id: string,
  { limit, after }: FlowShowOptions,
): Promise<ExitCode> {
  const { jobs, ledger } = await open();
  const page = { limit, ...(after !== undefined && { after }) };
  const flow = (await jobs.getFlow(id, page)) ?? missing(id);
  if (output.isJson) {
    const record = { ...flow, jobs: flow.jobs.map(withId) };
    await output.line(JSON.stringify(plain(record)));
  } else {
    await output.line(summaryOf(flow, output.colours.bold));
    await output.table(flow.jobs, columnsOf(await ledger.readTime()));
  }
  if (flow.next !== null) output.note(`More: --after ${flow.next.toHexString()}`);
  return ExitCode.DONE;
}

function missing(id: string): never {
  throw missingError(`There is no flow ${id}`);
}

function summaryOf({ state, counts }: FlowInfo, bold: (text: string) => string): string {
  const states = Object.entries(counts);
  const sum = states.reduce((before, [, count]) => before + count, 0);
  const parts = states.map(([status, count]) => `${count} ${status}`).join(', ');
  return `${bold(state)}  ${counted(sum, 'job')}${parts === '' ? '' : `: ${parts}`}`;
}

function columnsOf(now: Date): Column<Job>[] {
  return [
    { title: 'JOB', text: ({ ref }) => String(ref) },
    { title: 'ID', text: ({ _id }) => _id.toHexString() },
    { title: 'NAME', text: ({ name }) => name },
    { title: 'STATUS', text: ({ status }) => status },
    { title: 'FINISHED', text: ({ finishedAt }) => beside(finishedAt, now) },
    { title: 'LAST FAILURE', text: ({ failReason = '' }) => failReason },
  ];
}

/** What is done to the jobs of a flow. */
interface FlowVerb {
  /** In the imperative, such as `redrive`. */
  readonly verb: string;
  /** In the past, such as `redriven`. */
  readonly done: string;
  /** The states of the jobs that it is for. */
  readonly of: readonly JobStatus[];
  readonly apply: (
    jobs: MonqueManagement,
    options: Parameters<MonqueManagement['cancelFlow']>[1],
  ) => Promise<BulkResult>;
}

/** `monque flows cancel` */
export function cancelFlow(
  session: Session,
  id: string,
  options: FlowVerbOptions,
): Promise<ExitCode> {
  return act(session, id, options, {
    ...{ verb: 'cancel', done: 'cancelled, or asked to end' },
    of: ['pending', 'blocked', 'processing'],
    apply: (jobs, given) => jobs.cancelFlow(id, given),
  });
}

/** `monque flows redrive` */
export function redriveFlow(
  session: Session,
  id: string,
  options: FlowVerbOptions,
): Promise<ExitCode> {
  return act(session, id, options, {
    ...{ verb: 'redrive', done: 'to run again' },
    of: ['failed', 'cancelled'],
    apply: (jobs, given) => jobs.redriveFlow(id, given),
  });
}

async function act(
  session: Session,
  id: string,
  { yes = false, dryRun = false, ...reason }: FlowVerbOptions,
  { verb, done, of, apply }: FlowVerb,
): Promise<ExitCode> {
  const { output } = session;
  const { jobs } = await session.open();
  const { counts } = (await jobs.getFlow(id, { limit: 1 })) ?? missing(id);
  const count = of.reduce((sum, status) => sum + (counts[status] ?? 0), 0);
  if (count === 0) {
    output.note(`The flow has no job to ${verb}.`);
    return ExitCode.DONE;
  }
  if (dryRun) {
    output.note(`Would ${verb} ${counted(count, 'job')}. Nothing was changed (dry run).`);
    return ExitCode.DONE;
  }
  const [first = '', ...rest] = verb;
  const imperative = `${first.toUpperCase()}${rest.join('')}`;
  if (!yes && !(await session.confirm(`${imperative} ${counted(count, 'job')} of the flow?`))) {
    output.note('Nothing was changed.');
    return ExitCode.DONE;
  }
  const signal = session.watchInterrupt();
  const progress = output.progress(imperative, count);
  progress.update(0);
  const onProgress = ({ matched }: BulkResult): void => progress.update(matched);
  const result = await apply(jobs, { ...why(reason), signal, onProgress });
  progress.end();
  return reportResult(session, result, { noun: 'job', done, isInterrupted: signal.aborted });
}
