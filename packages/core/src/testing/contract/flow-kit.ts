/**
 * Jobs of one flow, for tests of the contract.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { ObjectId } from 'mongodb';
import { type OnParentFailure, tokenOf } from '../../job/flow-tokens.ts';
import type { Job } from '../../job/job.ts';
import type { FlowRecord, ReleaseWaitingResult } from '../../ledger/ledger-repository.ts';
import { only, type Subject } from './subject.ts';

/** Ids in the order of their numbers. */
export function idOf(number: number): ObjectId {
  return ObjectId.createFromHexString(number.toString(16).padStart(24, '0'));
}

/** The flow of all of them. */
export const FLOW: ObjectId = idOf(0xf10);

/** What its children wait for. */
export function tokenFor(onFailure: OnParentFailure): string {
  return tokenOf(FLOW, onFailure, 0);
}

/** A job of the flow that waits for nobody. */
export function parent(...feeds: string[]): Partial<Job> {
  return { flow: FLOW, ref: 'parent', feeds };
}

/** A job of the flow that waits. */
export function child(...waitsFor: string[]): Partial<Job> {
  return { flow: FLOW, ref: 'child', waitsFor };
}

/** Stores the flow itself. */
export async function open(
  subject: Subject,
  changes: Partial<FlowRecord> = {},
): Promise<FlowRecord> {
  const flow: FlowRecord = {
    ...{ flowId: FLOW, state: 'stored', createdAt: subject.at(0), size: 2 },
    ...changes,
  };
  const opened = await subject.ledger.openFlow({ flow, createdBefore: subject.at(-1_000) });
  assert.equal(opened.outcome, 'opened');
  return flow;
}

/** Stores a job that waits. */
export async function wait(subject: Subject, changes: Partial<Job>): Promise<Job> {
  const job: Job = { ...subject.newJob(changes), status: 'blocked' };
  const answer = only(await subject.enqueue(job));
  assert.equal(answer.outcome, 'enqueued');
  return job;
}

/** Lets those go on who wait for these tokens. */
export async function release(
  subject: Subject,
  ...tokens: string[]
): Promise<ReleaseWaitingResult> {
  return subject.ledger.releaseWaiting({
    tokens: tokens.map((token) => ({ token })),
    now: subject.at(5_000),
    limit: 100,
  });
}
