/**
 * Flows: jobs that wait for one another. What the verbs are given and answer.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { Session } from '../../foundation/driver-shapes.ts';
import type { JobStatus } from '../../job/job.ts';
import type { Bounded } from './call.ts';

/**
 * How a flow ended: `abandoned`: it was not stored to its end; else as the worst of its jobs did: `failed`, `cancelled`
 * or `completed`.
 */
export type FlowOutcome = 'completed' | 'failed' | 'cancelled' | 'abandoned';

/** The end of a flow. */
export interface FlowEnd {
  /** When it was noticed that none of its jobs was unfinished. */
  readonly endedAt: Date;
  readonly outcome: FlowOutcome;
}

/** What is known of a flow beside its jobs. */
export interface FlowRecord extends Partial<FlowEnd> {
  readonly flowId: ObjectId;
  /**
   * `storing`: its jobs are being stored, and none may start; `stored`: all are there; `abandoned`: whoever stored them
   * did not come to the end, and those that are there are cancelled. It changes once.
   */
  readonly state: 'storing' | 'stored' | 'abandoned';
  readonly createdAt: Date;
  /** How many jobs it has; those that were added while it ran do not count. */
  readonly size: number;
  /** While its jobs are not all finished, no second flow with this key is stored. */
  readonly uniqueKey?: string;
  /**
   * How often it ended and was opened again, 0 at first: who ends or opens it does so as it was read. Absent in a flow of
   * a version that knew of no ends; its end is not noticed.
   */
  readonly version?: number;
}

/** A flow that has ended. */
export type EndedFlow = FlowRecord & FlowEnd;

export interface OpenFlowParams extends Bounded {
  /** With an id made by the caller; in a session it is stored already, since all becomes visible at once. */
  readonly flow: FlowRecord;
  /** A flow with the same key that is older and still being stored is abandoned. */
  readonly createdBefore: Date;
  /** Open it inside this transaction of the user's. */
  readonly session?: Session;
}

export interface OpenFlowResult {
  /** `opened`: by this call or an earlier try of the same; `existing`: another flow has the key and is not finished. */
  readonly outcome: 'opened' | 'existing';
  readonly flow: FlowRecord;
}

export interface CloseFlowParams extends Bounded {
  readonly flowId: ObjectId;
  readonly state: Exclude<FlowRecord['state'], 'storing'>;
}

export interface CloseFlowResult {
  /** The state of the flow after the call: it is another than was asked for when it was closed before. */
  readonly state: FlowRecord['state'] | 'missing';
}

export interface ReadFlowParams extends Bounded {
  readonly flowId: ObjectId;
}

export interface FlowReading {
  readonly flow: FlowRecord;
  /** How many of its jobs are in each state; states without a job are left out. */
  readonly counts: Readonly<Partial<Record<JobStatus, number>>>;
}

export interface ReadFlowsParams extends Bounded {
  /** Those that are older than this one; from the newest on without it. */
  readonly after?: ObjectId;
  /** How many at most. */
  readonly limit: number;
}

/** A token, and how far the jobs that wait for it were looked at. */
export interface TokenPlace {
  readonly token: string;
  /** The jobs behind this one. */
  readonly after?: ObjectId;
}

export interface ReleaseWaitingParams extends Bounded {
  /** What may have come to an end. */
  readonly tokens: readonly TokenPlace[];
  readonly now: Date;
  /** How many jobs to look at in one call. */
  readonly limit: number;
}

export interface ReleaseWaitingResult {
  /** How many jobs became pending, since nobody holds what they wait for. */
  readonly released: number;
  /** How many failed with a parent. */
  readonly failed: number;
  /** How many were cancelled, since their flow was abandoned. */
  readonly cancelled: number;
  /** The names of those that became pending, each once. */
  readonly names: readonly string[];
  /** What is to be looked at next, by another call; empty at the end. */
  readonly again: readonly TokenPlace[];
  /** The flows that this call ended; absent when there is none. Each end of a flow is told to one caller at most. */
  readonly ended?: readonly EndedFlow[];
}

export interface SweepFlowsParams extends Bounded {
  /** Where the last step of the walk ended. */
  readonly after?: string;
  /** How many tokens to find. */
  readonly limit: number;
  /** Flows that are older and still being stored are abandoned. */
  readonly createdBefore: Date;
  /** True to find only what jobs wait for, and pass over the ends of flows; the same in each step of a walk. */
  readonly waitingOnly?: boolean;
}

export interface SweepFlowsResult {
  /** Tokens that jobs wait for, and those of the ends of flows that have not ended, behind the place, in their order. */
  readonly tokens: readonly string[];
  /** Where to go on; absent when the walk has come to its end. */
  readonly position?: string;
}

/** The flows, and the jobs that wait for others in them. */
export interface FlowVerbs {
  /** Makes the record of a flow, before its jobs are stored, unless an unfinished flow has its key. */
  openFlow(params: OpenFlowParams): Promise<OpenFlowResult>;

  /** Says that all jobs of a flow are stored, or that they never will be; the first word counts. */
  closeFlow(params: CloseFlowParams): Promise<CloseFlowResult>;

  /** A flow with the number of its jobs in each state; null when there is none. */
  readFlow(params: ReadFlowParams): Promise<FlowReading | null>;

  /** A page of the flows, the newest ids first. */
  readFlows(params: ReadFlowsParams): Promise<readonly FlowRecord[]>;

  /**
   * Looks at who waits for tokens: makes those pending whom nobody holds up any more, and fails those of whom a parent
   * failed that they do not go on without. By the token of a flow's end it ends the flow when no job of it is
   * unfinished; and lets nobody who was redriven go on before the flow is open again. Sending it again is safe.
   */
  releaseWaiting(params: ReleaseWaitingParams): Promise<ReleaseWaitingResult>;

  /**
   * Finds what jobs wait for, and which flows have not ended, and abandons flows that were not stored to their end; one
   * step of a walk.
   */
  sweepFlows(params: SweepFlowsParams): Promise<SweepFlowsResult>;
}
