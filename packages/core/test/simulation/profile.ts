/** What is simulated: the options of the engine, and what goes wrong how often. */
import type { MonqueOptions } from '../../src/index.ts';
import type { Chance } from './chance.ts';

export const LEASE_MS = 3_000;
export const OPERATION_TIMEOUT_MS = 1_000;
export const RESCUE_LIMIT = 3;
export const MAX_RETRIES = 4;
export const SHUTDOWN_TIMEOUT_MS = 1_500;
/** The longest that a handler takes. */
export const LONGEST_RUN_MS = 4_500;
/** How long finished jobs are kept where they are pruned. */
export const RETENTION_MS = 500;

/** The engine's options that are the same in every run: short times, so that much happens in little virtual time. */
const ENGINE_OPTIONS: MonqueOptions = Object.freeze({
  leaseDuration: LEASE_MS,
  pollInterval: 500,
  operationTimeout: OPERATION_TIMEOUT_MS,
  shutdownTimeout: SHUTDOWN_TIMEOUT_MS,
  maxRetries: MAX_RETRIES,
  baseRetryInterval: 40,
  maxBackoffDelay: 2_000,
  rescueLimit: RESCUE_LIMIT,
  logger: false,
});

/** The options of the engine in one run. */
export function engineOptions({
  hasRetention,
  resendLimitMs,
  claimsOnEnqueue: claimOnEnqueue,
}: Profile): MonqueOptions {
  const keptMs = hasRetention ? RETENTION_MS : (false as const);
  const jobRetention = { completed: keptMs, failed: keptMs, cancelled: keptMs };
  return { ...ENGINE_OPTIONS, resendLimit: resendLimitMs, jobRetention, claimOnEnqueue };
}

/** How often the network misbehaves, by message. */
export interface NetworkRates {
  /** A request or its answer is lost. */
  readonly lossRate: number;
  /** A message takes up to `longestLateMs`. */
  readonly lateRate: number;
  /** A part of a batch is carried out and then all is lost, or a batch is carried out in two parts. */
  readonly partRate: number;
}

/** What goes wrong in one run. */
export interface Profile extends NetworkRates {
  /** How long faults happen, in milliseconds. */
  readonly faultyMs: number;
  readonly jobs: number;
  /** Machines that run workers. */
  readonly workers: number;
  /** Machines that only enqueue. */
  readonly producers: number;
  /** Of all that a machine does. */
  readonly crashRate: number;
  readonly pauseRate: number;
  /** Whether machines are suspended too, or their wall clocks moved; never both on one machine. */
  readonly hasSuspends: boolean;
  readonly wallSteps: number;
  /** Times in which nothing gets through, for one machine or for all. */
  readonly outages: number;
  /** Instances that are stopped in order, and started again. */
  readonly stops: number;
  /** Jobs that crash whatever machine runs them. */
  readonly poisonRate: number;
  /** `memory` is the in-memory ledger itself; `stepped` lets others in between the commands of a verb, as MongoDB does. */
  readonly ledger: 'memory' | 'stepped';
  /** Of the steps of a stepped ledger. */
  readonly slowStepRate: number;
  /** Whether the ledger tells of jobs by hints; `lossy` loses half of them. */
  readonly hints: 'all' | 'lossy' | 'none';
  /** Series that are asked for by all machines. */
  readonly series: number;
  /** Whether half of the plans that are asked for are intervals. */
  readonly hasIntervals: boolean;
  /** Times that a name is paused, and resumed after a while. */
  readonly pausedNames: number;
  /** Whether finished jobs leave soon; where they do, messages are not late by more than the engine allows for. */
  readonly hasRetention: boolean;
  /** Jobs with stages, and gates between them. */
  readonly stagedJobs: number;
  /** Whether jobs that failed for good become dead letters, and how many of those are redriven. */
  readonly deadLetters: number;
  /** Jobs that take turns in groups with limits. */
  readonly groupedJobs: number;
  /** Whether those groups have no limit but what people set for one of them, and take away again. */
  readonly hasFreeGroups: boolean;
  /** How often people set the limit that names share, the first time included; none where names have no limits. */
  readonly limits: number;
  /** Whether that limit is nothing but a slow rate that lets many start at once after a rest. */
  readonly hasSlowRate: boolean;
  /** Jobs that run one after the other by key. */
  readonly orders: number;
  /** Whether one of those that failed holds up the others of its key. */
  readonly orderHalts: boolean;
  /** Flows, of a few jobs each. */
  readonly flows: number;
  /** Jobs that supersede those before them. */
  readonly superseding: number;
  /** Jobs that a handler is given several at a time; where there are any, half of the workers of groups and orders run batches too. */
  readonly batchedJobs: number;
  /** Messages of an outbox. */
  readonly messages: number;
  readonly outboxOrder: 'stamp' | 'commit';
  /** Times that another member becomes the primary, where there are messages. */
  readonly failovers: number;
  /** Jobs that come in crowds to a worker with patience; where there are any, another name's worker has patience too. */
  readonly patientJobs: number;
  /** Whether who enqueues starts what it can itself. */
  readonly claimsOnEnqueue: boolean;
  /** How long an enqueue is sent again. */
  readonly resendLimitMs: number;
  /** How late a message comes at most. */
  readonly longestLateMs: number;
}

/** For seeds that were kept before there was more to draw. */
export const BEFORE_LATER_FEATURES: Partial<Profile> = Object.freeze({
  hasIntervals: false,
  stagedJobs: 0,
  claimsOnEnqueue: false,
  deadLetters: 0,
  groupedJobs: 0,
  limits: 0,
  hasSlowRate: false,
  orders: 0,
  orderHalts: false,
  flows: 0,
  superseding: 0,
  batchedJobs: 0,
  messages: 0,
  outboxOrder: 'stamp',
  failovers: 0,
  patientJobs: 0,
  hasFreeGroups: false,
});

/** Everything at once in every seed. */
export const ALL_FEATURES: Partial<Profile> = Object.freeze({
  jobs: 120,
  series: 2,
  pausedNames: 2,
  stagedJobs: 15,
  claimsOnEnqueue: true,
  deadLetters: 10,
  groupedJobs: 40,
  limits: 5,
  orders: 40,
  flows: 4,
  superseding: 10,
  batchedJobs: 40,
  messages: 40,
  patientJobs: 60,
});

/** No faults at all. */
export const CALM: Partial<Profile> = Object.freeze({
  lossRate: 0,
  lateRate: 0,
  partRate: 0,
  crashRate: 0,
  pauseRate: 0,
  hasSuspends: false,
  wallSteps: 0,
  outages: 0,
  stops: 0,
  poisonRate: 0,
  slowStepRate: 0,
  failovers: 0,
});

/** Draws a profile; what is given is not drawn. */
export function drawProfile(chance: Chance, given: Partial<Profile>): Profile {
  const hasRetention = given.hasRetention ?? chance.happens(0.15);
  return {
    faultyMs: hasRetention ? 20_000 : 10_000,
    jobs: 200,
    workers: 5,
    producers: 1,
    lossRate: chance.pick([0, 0.01, 0.05]),
    lateRate: chance.pick([0, 0.01, 0.05]),
    partRate: chance.pick([0, 0.02]),
    crashRate: chance.pick([0, 0.0003, 0.001]),
    pauseRate: chance.pick([0, 0.0003, 0.001]),
    hasSuspends: chance.happens(0.4),
    wallSteps: chance.pick([0, 0, 3]),
    outages: chance.pick([0, 0, 1, 2]),
    stops: chance.pick([0, 2, 4]),
    poisonRate: chance.pick([0, 0.01]),
    ledger: chance.happens(0.7) ? 'stepped' : 'memory',
    slowStepRate: chance.pick([0, 0.01]),
    hints: chance.pick(['all', 'all', 'lossy', 'none'] as const),
    series: chance.pick([0, 1, 2, 3]),
    hasIntervals: true,
    pausedNames: chance.pick([0, 0, 1, 3]),
    hasRetention,
    // Drawn only where it is not given, so that a run without these is what it was before there were any.
    stagedJobs: given.stagedJobs ?? chance.pick([0, 15, 30]),
    claimsOnEnqueue: given.claimsOnEnqueue ?? chance.happens(0.6),
    deadLetters: given.deadLetters ?? chance.pick([0, 10, 30]),
    groupedJobs: given.groupedJobs ?? chance.pick([0, 30, 60]),
    limits: given.limits ?? chance.pick([0, 3, 8]),
    hasSlowRate: false,
    orders: given.orders ?? chance.pick([0, 20, 60]),
    orderHalts: given.orderHalts ?? chance.happens(0.3),
    flows: given.flows ?? chance.pick([0, 3, 6]),
    superseding: given.superseding ?? chance.pick([0, 8, 20]),
    batchedJobs: given.batchedJobs ?? chance.pick([0, 20, 60]),
    messages: given.messages ?? chance.pick([0, 20, 60]),
    outboxOrder: given.outboxOrder ?? chance.pick(['stamp', 'commit'] as const),
    failovers: given.failovers ?? chance.pick([0, 1, 3]),
    patientJobs: given.patientJobs ?? chance.pick([0, 30, 90]),
    hasFreeGroups: given.hasFreeGroups ?? chance.happens(0.4),
    resendLimitMs: hasRetention ? 2_000 : 60_000,
    longestLateMs: hasRetention ? 1_000 : 2 * LEASE_MS,
    ...given,
  };
}
