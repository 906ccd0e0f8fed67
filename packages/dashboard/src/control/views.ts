/**
 * Limits, groups, orders, flows and dead letters as one actor sees them.
 *
 * @module
 */
import type { FlowInfo, GroupInfo, LimitInfo, OrderInfo } from '@monque/core';
import type {
  DeadLetterGroup,
  FlowRow,
  GroupRow,
  JobSummary,
  LimitRow,
  OrderRow,
  RateOfStarts,
} from '../api/types.ts';
import { timeOf } from '../clock.ts';
import { byPattern } from '../server/error-groups.ts';
import type { Eyes } from '../server/redaction.ts';

/** The most jobs that are counted as waiting. */
const MOST_WAITING = 1_000;
/** The most ids that a bulk action takes. */
const MOST_IDS = 1_000;

function rateOf({ limit, perMs, burst }: NonNullable<LimitInfo['rate']>): RateOfStarts {
  return { limit, per: perMs, burst };
}

function boundsOf({ concurrency, rate }: Pick<LimitInfo, 'concurrency' | 'rate'>) {
  return {
    ...(concurrency !== undefined && { concurrency }),
    ...(rate && { rate: rateOf(rate) }),
  };
}

/** A limit. Instances that hold and want nothing are left out. */
export function limitRow(info: LimitInfo): LimitRow {
  const { key, held, wanted, free, shares, blockedUntil, nextStartAt } = info;
  return {
    ...{ key, isOfWorker: key.startsWith('worker:'), held, wanted },
    ...boundsOf(info),
    ...(free !== undefined && { free }),
    holders: shares
      .filter(({ count, wants }) => count > 0 || wants > 0)
      .map(({ instanceId, count, wants }) => ({ instanceId, count, wants })),
    ...(blockedUntil && { blockedUntil: timeOf(blockedUntil) }),
    ...(nextStartAt && { nextStartAt: timeOf(nextStartAt) }),
  };
}

function waitingOf(value: number): GroupRow['waiting'] {
  return { value, isAtLeast: value >= MOST_WAITING };
}

/** A group of a name. */
export function groupRow(name: string, info: GroupInfo, { redaction, actor }: Eyes): GroupRow {
  const { waiting, oldestDueAt, running, holders, paused, weight, nextStartAt } = info;
  const [holder = ''] = holders;
  const group = redaction.text(info.group, 'group', { _id: holder, name }, actor);
  return {
    ...{ name, group, running, paused },
    ...(group !== info.group && { isRedacted: true as const }),
    waiting: waitingOf(waiting),
    holders: holders.map(String),
    ...boundsOf(info),
    ...(oldestDueAt && { oldestDueAt: timeOf(oldestDueAt) }),
    ...(weight !== undefined && { weight }),
    ...(nextStartAt && { nextStartAt: timeOf(nextStartAt) }),
  };
}

/** An order of a name. */
export function orderRow(name: string, info: OrderInfo, { redaction, actor }: Eyes): OrderRow {
  const { jobId, status, waiting } = info;
  return {
    name,
    order: redaction.text(info.order, 'order', { _id: jobId, name }, actor),
    ...{ jobId: String(jobId), status, isHalted: status === 'failed' },
    waiting: waitingOf(waiting),
  };
}

/** A flow, without its jobs. */
export function flowRow(info: FlowInfo, { redaction, actor }: Eyes): FlowRow {
  const { id, state, createdAt, size, uniqueKey, counts } = info;
  return {
    ...{ id: String(id), state, createdAt: timeOf(createdAt), size, counts: { ...counts } },
    ...(uniqueKey !== undefined && {
      uniqueKey: redaction.text(uniqueKey, 'uniqueKey', { _id: id, name: '' }, actor),
    }),
  };
}

type DeadLetter = JobSummary & Required<Pick<JobSummary, 'source'>>;

function timeOfFailure({ source }: DeadLetter): number {
  return Date.parse(source.failedAt);
}

function isDeadLetter(job: JobSummary): job is DeadLetter {
  return job.source !== undefined;
}

/** The dead letters among these jobs: those together that failed alike under one name. The largest group first. */
export function deadLetterGroups(jobs: readonly JobSummary[]): DeadLetterGroup[] {
  const grouped = byPattern(jobs.filter(isDeadLetter), ({ name, source }) => ({
    names: [name, source.name],
    message: source.reason,
  }));
  return grouped.map(({ pattern, members }) => {
    const newestFirst = [...members].sort((a, b) => timeOfFailure(b) - timeOfFailure(a));
    const [sample, last] = [newestFirst[0], newestFirst.at(-1)] as [DeadLetter, DeadLetter];
    return {
      ...{ name: sample.name, source: sample.source.name, pattern, count: members.length },
      ...{ firstAt: last.source.failedAt, lastAt: sample.source.failedAt, sample },
      ids: newestFirst.slice(0, MOST_IDS).map(({ id }) => id),
    };
  });
}
