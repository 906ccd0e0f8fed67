/**
 * The log of all transitions, which a ledger keeps by option: what one entry says, and in which order they are given.
 *
 * What always holds: both ledgers write the same entries for the same verbs. An entry is written after the transition
 * that it describes, and before the verb is answered.
 *
 * @module
 */
import type { HistoryEntry, Job } from '../job/job.ts';
import { JOB_LIFECYCLE, type JobVerb } from '../job/job-lifecycle.ts';
import type { TransitionParams } from '../job/lifecycle.ts';
import { historyEntries, manualRecord } from './settle-answers.ts';
import type { ManualAct } from './verbs/call.ts';
import type { TransitionEntry } from './verbs/listing.ts';

/** What is known of the job of a transition beside the parameters of the verb. */
export type KnownOfJob = Pick<TransitionEntry, 'from' | 'fence' | 'claimToken'>;

/** The entry of one transition by a verb of the lifecycle table. */
export function transitionEntry(
  verb: JobVerb,
  params: TransitionParams,
  { from, fence, claimToken }: KnownOfJob,
): TransitionEntry {
  const row = JOB_LIFECYCLE.transitions[verb];
  const [only, ...others] = row.from;
  const before = from ?? (others.length === 0 ? only : undefined);
  const record = recordOf(params);
  const by = record.by ?? params.instanceId;
  const reason = record.reason ?? params.failReason;
  return {
    ...record,
    verb,
    at: params.now as Date,
    ...(before !== undefined && { from: before }),
    to: row.to,
    ...(typeof by === 'string' && { by }),
    ...(typeof reason === 'string' && { reason }),
    ...(claimToken !== undefined && { claimToken }),
    ...(fence !== undefined && { fence }),
  };
}

/** The verb by which a new job came. */
export function enqueueVerbOf({ status }: Pick<Job, 'status'>): JobVerb {
  return status === 'blocked' ? 'enqueueWaiting' : 'enqueue';
}

/** The entry of a claim, of a job as it was read after that. The time of one whose answer was lost is the job's own. */
export function claimEntry({ claimToken, fence, lockedAt, claimedBy }: Job): TransitionEntry {
  const params = { now: lockedAt, instanceId: claimedBy };
  return transitionEntry('claim', params, {
    fence,
    ...(claimToken !== undefined && { claimToken }),
  });
}

/** The entry of a job that somebody deleted; `job` is what it was. */
export function removalEntry(
  { status, fence }: Pick<Job, 'status' | 'fence'>,
  { now, ...given }: ManualAct & { readonly now: Date },
): TransitionEntry {
  const entries = historyEntries('remove', now, manualRecord(given));
  return transitionEntry('remove', { now, historyEntries: entries }, { from: status, fence });
}

/** The verbs whose parameters bring no entry of a history have none. */
function recordOf({ historyEntries = [] }: TransitionParams): Partial<HistoryEntry> {
  const [record = {}] = historyEntries as readonly HistoryEntry[];
  return record;
}

/** The oldest first; of one time, first what made the job, then its claims, then what became of them. */
export function inOrder(entries: readonly TransitionEntry[]): TransitionEntry[] {
  return [...entries].sort(
    (a, b) =>
      a.at.getTime() - b.at.getTime() || placeOf(a) - placeOf(b) || rankOf(a.verb) - rankOf(b.verb),
  );
}

/** What removes a job gives no fence, and comes last. */
function placeOf({ fence = Number.MAX_SAFE_INTEGER }: TransitionEntry): number {
  return fence;
}

const FIRST: readonly string[] = ['enqueue', 'enqueueWaiting', 'claim'] satisfies JobVerb[];

function rankOf(verb: string): number {
  const index = FIRST.indexOf(verb);
  return index < 0 ? FIRST.length : index;
}
