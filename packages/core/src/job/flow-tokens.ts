/**
 * Tokens: what the jobs of a flow wait for.
 *
 * A token stands for a set of parents together with all jobs that wait for that whole set. So one is enough for a
 * parent with ten thousand children, for a child with ten thousand parents, and for two layers of which each job waits
 * for all of the other. It says itself what it takes for a parent to hold it no more. Whether somebody holds it is read
 * off the parents; nothing is counted, and nothing is given back.
 *
 * @module
 */
import { ObjectId } from 'mongodb';
import type { Job, JobStatus } from './job.ts';
import { JOB_LIFECYCLE, UNFINISHED } from './job-lifecycle.ts';

/**
 * What a parent that does not complete does to a job that waits for it: `fail`: the job fails too; `wait`: it waits
 * until the parent is redriven and completes; `continue`: it goes on once the parent is finished, however that ended.
 */
export type OnParentFailure = 'fail' | 'wait' | 'continue';

const PREFIX: Readonly<Record<OnParentFailure, string>> = { fail: 'f', wait: 'w', continue: 'c' };

/** The first letter of the token of a flow that is being stored. */
const STORING = 'b';

/** What the token of the end of a flow begins with. */
export const END_PREFIX = 'e:';

const UNCOMPLETED = JOB_LIFECYCLE.states.filter((state) => state !== 'completed');
const FAILED = JOB_LIFECYCLE.terminal.filter((state) => state !== 'completed');

/** A token of a flow. */
export function tokenOf(
  flow: ObjectId,
  onFailure: OnParentFailure,
  index: number | string,
): string {
  return `${PREFIX[onFailure]}:${flow.toHexString()}:${index}`;
}

/** What the jobs without parents wait for: that the whole flow is stored. */
export function storingToken(flow: ObjectId): string {
  return `${STORING}:${flow.toHexString()}`;
}

/** What every job of a flow feeds and none waits for: while an unfinished one does, the flow has not ended. */
export function endToken(flow: ObjectId): string {
  return `${END_PREFIX}${flow.toHexString()}`;
}

/** The flow that a token belongs to. */
export function flowOfToken(token: string): ObjectId {
  return ObjectId.createFromHexString(token.slice(2, 26));
}

/** True for the token of those without parents. */
export function isStoringToken(token: string): boolean {
  return token.startsWith(STORING);
}

/** True for the token of the end of a flow. */
export function isEndToken(token: string): boolean {
  return token.startsWith(END_PREFIX);
}

/** The states in which a parent holds a token. */
export function statesThatHold(token: string): readonly JobStatus[] {
  return token.startsWith(PREFIX.continue) ? UNFINISHED : UNCOMPLETED;
}

/** The states in which a parent makes those fail who wait for a token; none for most tokens. */
export function statesThatFail(token: string): readonly JobStatus[] {
  return token.startsWith(PREFIX.fail) ? FAILED : [];
}

/** The tokens of a job's parents. */
export function parentTokens({ waitsFor = [] }: Pick<Job, 'waitsFor'>): readonly string[] {
  return waitsFor.filter((token) => !isStoringToken(token));
}
