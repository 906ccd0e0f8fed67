/**
 * Where a job that is processing stands: who claimed it, whether that instance is alive, and who gives the job back if
 * it is not.
 *
 * @module
 */
import type { Gathering } from '../engine/running/batch-choice.ts';
import type { LeaseRecord } from '../ledger/ledger-repository.ts';
import { because, type ClaimDetails, inWords, type Reason } from './explanation.ts';
import { type Facts, isAlive, momentOf } from './facts.ts';

/** What was claimed and cannot start goes back after this time, in milliseconds; what is claimed for longer runs. */
const LONGEST_START_MS = 2_000;

/** Instances without a lease are looked for within this part of a lease; dead ones sooner. */
const SEARCH_PART = 0.9;
const ROUND_PART = 0.3;

/** When a live lease that is not renewed is declared dead, and its jobs given back, in leases. */
const SILENCE_PART = 1.5;

/** How often the jobs of other tools are looked for, in milliseconds. */
const RECOVER_INTERVAL_MS = 60_000;

/** The reasons of a processing job, the decisive first. */
export function claimReasons(facts: Facts): readonly Reason[] {
  const { cancelRequestedAt: requestedAt } = facts.job;
  const claim = claimReason(facts);
  if (requestedAt === undefined) return [claim];
  const message = `It was asked to be cancelled at ${requestedAt.toISOString()} and ends as cancelled, unless its handler succeeds all the same`;
  return [because('cancelRequested', { requestedAt }, message), claim];
}

function claimReason(facts: Facts): Reason {
  const { job, leases, now } = facts;
  if (job.claimedBy === undefined) return lockedByTool(facts);
  const lease = leases.find(({ instanceId }) => instanceId === job.claimedBy);
  const details = detailsOf(facts, job.claimedBy, lease);
  if (lease !== undefined && isAlive(lease, now)) return atWork(facts, details);
  return nobodyAtWork(facts, details, lease);
}

function detailsOf(
  { job, now }: Facts,
  instanceId: string,
  lease: LeaseRecord | undefined,
): ClaimDetails {
  const { info, leaseDurationMs = 0 } = lease ?? {};
  const { lockedAt: claimedAt } = job;
  return {
    instanceId,
    ...(claimedAt && { claimedAt }),
    ...(info && {
      host: info.host,
      pid: info.pid,
      leaseEndsInMs: info.reportedAt.getTime() + leaseDurationMs - now.getTime(),
    }),
  };
}

/** Its batch starts when it is full, or when its first job has waited long enough. */
function gathers(
  { now }: Facts,
  details: ClaimDetails,
  { jobs, size, leftMs: inMs }: Gathering,
): Reason {
  const startsAt = new Date(now.getTime() + inMs);
  const others = jobs === 1 ? 'it alone so far' : `${jobs} jobs so far, it among them`;
  const message = `It is in a batch that gathers in ${nameOf(details)}, ${others}; that starts with ${size} jobs, or with those it has ${momentOf(startsAt, now)}, when there is a slot`;
  return because('gathering', { ...details, jobs, size, startsAt, inMs }, message);
}

function atWork(facts: Facts, details: ClaimDetails): Reason {
  const { job, now, own } = facts;
  const { leaseEndsInMs, claimedAt } = details;
  const sinceMs = claimedAt ? now.getTime() - claimedAt.getTime() : Number.POSITIVE_INFINITY;
  const presumed = sinceMs < LONGEST_START_MS ? 'waiting' : 'running';
  const progress = own === undefined ? presumed : own.progress;
  if (typeof progress === 'object') return gathers(facts, details, progress);
  const lease =
    leaseEndsInMs === undefined
      ? ''
      : `, whose lease ends in ${inWords(leaseEndsInMs)} if not renewed`;
  const where = `${nameOf(details)}${lease}`;
  const since = claimedAt ? ` since ${claimedAt.toISOString()}` : '';
  const fence = `run ${job.fence}`;
  switch (progress) {
    case 'running':
      return because('running', details, `It runs${since} (${fence}) in ${where}`);
    case 'waiting':
      return because(
        'starting',
        details,
        `It was claimed${since} by ${where}, and starts or goes back within a second`,
      );
    case 'ending':
      return because(
        'ending',
        details,
        `Its handler has ended in ${where}; that is being recorded`,
      );
    case undefined:
      return because(
        'strayClaim',
        details,
        `It was claimed by ${where}, which does not know of it: the answer was lost, and the job is given back with the next renewal`,
      );
  }
}

function nobodyAtWork(facts: Facts, details: ClaimDetails, lease: LeaseRecord | undefined): Reason {
  const { leaseEndsInMs = 0 } = details;
  const durationMs = lease?.leaseDurationMs ?? facts.leaseDurationMs;
  if (lease === undefined) {
    const withinMs = durationMs * SEARCH_PART;
    const condition = 'is not on record';
    return lost(facts, details, { reason: 'instanceUnknown', condition, withinMs });
  }
  if (lease.status === 'dead') {
    const withinMs = durationMs * ROUND_PART;
    return lost(facts, details, { reason: 'instanceDead', condition: 'is dead', withinMs });
  }
  const condition = `has been silent since its lease ended ${inWords(-leaseEndsInMs)} ago`;
  const withinMs = durationMs * SILENCE_PART;
  return lost(facts, details, { reason: 'instanceSilent', condition, withinMs });
}

/** An instance that does not work any more, and when its jobs are given back. */
interface Loss {
  readonly reason: 'instanceUnknown' | 'instanceDead' | 'instanceSilent';
  readonly condition: string;
  readonly withinMs: number;
}

function lost(facts: Facts, details: ClaimDetails, { reason, condition, withinMs }: Loss): Reason {
  const state = `It was claimed by ${nameOf(details)}, which ${condition}`;
  if (!hasRescuer(facts)) {
    const message = `${state}; no live instance gives jobs back, so start one with recoverStaleJobs`;
    return because(reason, details, message);
  }
  const givenBackWithinMs = Math.round(withinMs);
  const message = `${state}; it is given back within about ${inWords(givenBackWithinMs)}`;
  return because(reason, { ...details, givenBackWithinMs }, message);
}

function lockedByTool(facts: Facts): Reason {
  const { job, lockTimeoutMs, now } = facts;
  const { lockedAt } = job;
  const by = 'It was locked by a tool that keeps no lease';
  if (lockedAt === undefined || !hasRescuer(facts)) {
    const why = lockedAt ? 'no live instance gives jobs back' : 'the time of the lock is missing';
    return because('lockedByTool', { ...(lockedAt && { lockedAt }) }, `${by}; ${why}`);
  }
  const overMs = lockedAt.getTime() + lockTimeoutMs;
  const givenBackAt = new Date(Math.max(overMs, now.getTime()) + RECOVER_INTERVAL_MS);
  const message = `${by} at ${lockedAt.toISOString()}; with the lockTimeout of this scheduler it is given back by ${givenBackAt.toISOString()}`;
  return because('lockedByTool', { lockedAt, givenBackAt }, message);
}

/** An instance that does not say is taken for one that does what is the default. */
function hasRescuer({ leases, now }: Facts): boolean {
  return leases.some((lease) => isAlive(lease, now) && (lease.info?.recoverStaleJobs ?? true));
}

function nameOf({ instanceId, host, pid }: ClaimDetails): string {
  return host === undefined
    ? `instance ${instanceId}`
    : `instance ${instanceId} (${host}, pid ${pid})`;
}
