/**
 * Why a pending job does not run: it is not due, or nobody can take it, or everybody is busy.
 *
 * @module
 */
import type { HistoryEntry, Job } from '../job/job.ts';
import {
  type InstanceInfo,
  type LeaseRecord,
  SUSPECT_RESCUE_COUNT,
} from '../ledger/ledger-repository.ts';
import {
  type BusyInstance,
  because,
  type ExplanationDetails,
  inWords,
  type Reason,
} from './explanation.ts';
import { type Facts, isAlive, momentOf, timesFailed } from './facts.ts';
import { type LimitedInstance, limitReasons } from './limit-reasons.ts';

/** The reasons of a pending job, the decisive first. */
export function waitingReasons(facts: Facts): readonly Reason[] {
  const isDue = facts.job.nextRunAt <= facts.now;
  const hindrances = [
    ...(isDue ? [] : [notDue(facts)]),
    ...orderReasons(facts),
    ...groupReasons(facts),
    ...pausedReasons(facts),
    ...instanceReasons(facts, isDue),
  ];
  const buried = deadLetterReasons(facts);
  if (!isDue) return [...hindrances, ...buried];
  const { failCount } = facts.job;
  return [
    ...(hindrances.length > 0 ? hindrances : [nextInTurn(facts)]),
    ...(failCount > 0 ? [failedBefore(facts)] : []),
    ...buried,
  ];
}

function notDue({ job, now }: Facts): Reason {
  const { nextRunAt: dueAt, failCount, failReason } = job;
  const inMs = dueAt.getTime() - now.getTime();
  const due = `it is due ${momentOf(dueAt, now)}`;
  const cause = causeOf(job);
  if (cause === 'retry') {
    const details = { dueAt, inMs, failCount, ...(failReason !== undefined && { failReason }) };
    const lastReason = failReason === undefined ? '' : `: ${failReason}`;
    return because('retryWaits', details, `After ${timesFailed(failCount)} ${due}${lastReason}`);
  }
  return because('notDue', { dueAt, inMs, cause }, `${NOT_DUE[cause]}; ${due}`);
}

const NOT_DUE = {
  later: 'It was enqueued for a later time',
  series: 'It waits for the next time of its series',
  snoozed: 'Its handler put it off',
  amended: 'It was changed since it was enqueued',
} as const;

/** Why it is due later: what was noted down with its last change, if anything was. */
function causeOf({
  nextRunAt,
  scheduledFor,
  updatedAt,
  history = [],
  startedAt,
}: Job): keyof typeof NOT_DUE | 'retry' {
  const last: HistoryEntry | undefined = history.at(-1);
  const verb = last && Number(last.at) === Number(updatedAt) ? last.verb : undefined;
  if (verb === 'retry') return 'retry';
  if (scheduledFor?.getTime() === nextRunAt.getTime()) return 'series';
  if (verb !== undefined) return 'amended';
  return startedAt === undefined ? 'later' : 'snoozed';
}

function deadLetterReasons({ job: { source } }: Facts): readonly Reason[] {
  if (source === undefined) return [];
  const { name, failedAt, reason: failReason } = source;
  const message = `It is a dead letter: it failed for good as '${name}' at ${failedAt.toISOString()}: ${failReason}; redriveDeadLetter runs it there again`;
  return [because('deadLetter', { source: name, failedAt, failReason }, message)];
}

function orderReasons({ job: { _id, order = '' }, ahead }: Facts): readonly Reason[] {
  if (ahead === undefined || ahead.jobId.equals(_id)) return [];
  const { jobId: holder, status } = ahead;
  const until =
    status === 'failed'
      ? 'which has failed; retryJob or deleteJob of that one ends that'
      : `which is ${status}`;
  const message = `It waits behind job ${holder.toHexString()} of its order '${order}', ${until}`;
  return [because('behindInOrder', { order, holder, status }, message)];
}

function groupReasons({ group: facts, job: { name }, now }: Facts): readonly Reason[] {
  if (facts === undefined) return [];
  const { group, concurrency = Number.POSITIVE_INFINITY, running, holders, nextStartAt } = facts;
  const reasons: Reason[] = [];
  if (facts.paused) {
    const message = `Its group '${group}' is paused; setGroup('${name}', '${group}', { paused: false }) ends that`;
    reasons.push(because('groupPaused', { group }, message));
  }
  if (running >= concurrency) {
    const details = { group, concurrency, running, holders };
    reasons.push(because('groupFull', details, fullGroupMessage(name, details)));
  }
  if (nextStartAt !== undefined && nextStartAt > now) {
    const inMs = nextStartAt.getTime() - now.getTime();
    const message = `Its group '${group}' started as many jobs as its rate allows; the next starts ${momentOf(nextStartAt, now)}`;
    reasons.push(because('groupRate', { group, startsAt: nextStartAt, inMs }, message));
  }
  return reasons;
}

function fullGroupMessage(
  name: string,
  { group, concurrency, running, holders }: ExplanationDetails['groupFull'],
): string {
  if (concurrency === 0) {
    return `Its group '${group}' lets no job start; setGroup('${name}', '${group}', …) with a higher concurrency ends that`;
  }
  const by = holders.slice(0, 1).map((holder) => `, such as ${holder.toHexString()}`);
  return `Its group '${group}' runs ${running} of the ${concurrency} jobs that it may run at once${by.join('')}`;
}

function pausedReasons({ job: { name }, pauses }: Facts): readonly Reason[] {
  const pause = pauses.find((each) => each.name === name);
  if (pause === undefined) return [];
  const { at: since, by, reason: why } = pause;
  const details = { name, since, ...(by && { by }), ...(why && { why }) };
  const whose = by === undefined ? '' : ` by '${by}'`;
  const message = `The name '${name}' is paused since ${since.toISOString()}${whose}; resume('${name}') ends that`;
  return [because('paused', details, message)];
}

function instanceReasons(facts: Facts, isDue: boolean): readonly Reason[] {
  const { job, leases, now } = facts;
  const { name } = job;
  const live = leases.filter((lease) => isAlive(lease, now));
  if (live.length === 0) {
    const message = 'No instance is alive; call start() in a process that has a worker for it';
    return [because('noInstance', {}, message)];
  }
  const able = live.flatMap((lease) => ableInstance(lease, name));
  if (able.length > 0) return isDue ? holdingReasons(facts, able) : [];
  const liveInstances = live.length;
  const silent = live.filter(({ info }) => info === undefined || info.unnamedWorkers > 0).length;
  if (silent === 0) {
    const nobody =
      liveInstances === 1
        ? 'The only live instance has no'
        : `None of the ${liveInstances} live instances has a`;
    const message = `${nobody} worker for '${name}'`;
    return [because('noWorker', { name, liveInstances }, message)];
  }
  const unknown = `No live instance says that it has a worker for '${name}', and ${silent} of ${liveInstances} do not name all of theirs`;
  return [because('workersUnknown', { name, liveInstances, silent }, unknown)];
}

/** An instance that could run a job, and the limits of its worker. */
interface AbleInstance extends LimitedInstance {
  readonly busy: BusyInstance;
}

/** The instance as far as it concerns a name; none when it names no worker for it. */
function ableInstance({ instanceId, info }: LeaseRecord, name: string): readonly AbleInstance[] {
  const worker = info?.workers.find((candidate) => candidate.name === name);
  if (info === undefined || worker === undefined) return [];
  const { host, pid, runningJobs, instanceConcurrency }: InstanceInfo = info;
  const { running, concurrency, limits = [] } = worker;
  const bound = instanceConcurrency === undefined ? {} : { instanceConcurrency };
  const busy = { instanceId, host, pid, running, concurrency, runningJobs, ...bound };
  return [{ instanceId, limits, busy }];
}

/** Limits count where they hold up each instance that has a free slot, or each one where none has. */
function holdingReasons(facts: Facts, able: readonly AbleInstance[]): readonly Reason[] {
  const { name } = facts.job;
  const free = able.filter(({ busy }) => !isBusy(busy));
  if (free.length > 0) return limitReasons(facts, free);
  const workers =
    able.length === 1 ? 'The only live instance' : `All ${able.length} live instances`;
  const message = `${workers} with a worker for '${name}' run as many handlers as they may`;
  const instances = able.map(({ busy }) => busy);
  return [...limitReasons(facts, able), because('atLimit', { name, instances }, message)];
}

function isBusy({ running, concurrency, runningJobs, instanceConcurrency }: BusyInstance): boolean {
  return running >= concurrency || runningJobs >= (instanceConcurrency ?? Infinity);
}

/** Nothing that is known stands in its way; a suspect waits for its turn among suspects. */
function nextInTurn({ job, now, isOneOfMany = false }: Facts): Reason {
  const { rescueCount = 0, nextRunAt: dueAt, lane } = job;
  if (rescueCount >= SUSPECT_RESCUE_COUNT) {
    const message = `Its instances died ${rescueCount} times, so it is claimed alone, one such job in a process at a time`;
    return because('suspect', { rescueCount }, message);
  }
  if (isOneOfMany && lane !== undefined) return turnUnknown(job);
  const sinceMs = now.getTime() - dueAt.getTime();
  return because(
    'due',
    { dueAt, sinceMs },
    `It has been due for ${inWords(sinceMs)} and is claimed in its turn, by priority and time`,
  );
}

function turnUnknown({ order, group }: Job): Reason {
  const details = { ...(order !== undefined && { order }), ...(group !== undefined && { group }) };
  const whose = group === undefined ? 'order' : 'group';
  const message = `It is due, and whether its ${whose} lets it start was not looked at; explain the job alone to see that`;
  return because('turnUnknown', details, message);
}

function failedBefore({ job: { failCount, failReason } }: Facts): Reason {
  const details = { failCount, ...(failReason !== undefined && { failReason }) };
  const last = failReason === undefined ? '' : `, the last one with: ${failReason}`;
  return because('failedBefore', details, `It has ${timesFailed(failCount)}${last}`);
}
