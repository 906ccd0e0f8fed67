/**
 * What an in-memory ledger keeps beside the states of its jobs: their metadata, and by option the log of all
 * transitions.
 *
 * What always holds: the log is bounded; of more entries the newest stay.
 *
 * @module
 */
import { type Job, MOST_HISTORY } from '../../job/job.ts';
import { mergeMetadata } from '../../job/metadata.ts';
import type {
  MendParams,
  MendResult,
  ReadHistoryParams,
  SetMetadataParams,
  SetMetadataResult,
  TransitionEntry,
} from '../ledger-repository.ts';
import { historyEntries } from '../settle-answers.ts';
import { inOrder } from '../transition-log.ts';
import type { JobStore } from './job-store.ts';
import { copyOf, copyOut, packed, type StoredJob } from './stored-job.ts';

/** How many entries the log keeps. */
const MOST_LOGGED = 10_000;

interface Logged {
  readonly id: string;
  readonly entry: TransitionEntry;
}

/** The log of all transitions. */
export class MemoryTransitions {
  #entries: Logged[] = [];

  /** Takes the entry of one transition. */
  add(id: string, entry: TransitionEntry): void {
    this.#entries.push({ id, entry: packed(entry) });
    // Cut seldom, since a list is cut as a whole.
    if (this.#entries.length >= 2 * MOST_LOGGED) this.#entries = this.#entries.slice(-MOST_LOGGED);
  }

  /** The newest entries of a job, the oldest of them first. */
  read(id: string, limit: number): TransitionEntry[] {
    const kept = this.#entries.slice(-MOST_LOGGED).filter((logged) => logged.id === id);
    return inOrder(kept.map(({ entry }) => packed(entry))).slice(-limit);
  }
}

/** Changes keys of a job's metadata; no state is touched. */
export function setMetadata(
  jobs: JobStore,
  { jobId, changes, now, claimToken }: SetMetadataParams,
): SetMetadataResult {
  const stored = jobs.find(jobId.toHexString());
  if (stored === undefined) return { outcome: 'missing', job: null };
  const { metadata: current, ...job } = stored.job;
  const isRefused = claimToken !== undefined && job.claimToken !== claimToken;
  const { metadata, isTooLarge } = mergeMetadata(current, copyOf(changes));
  if (isRefused || isTooLarge) {
    return { outcome: isRefused ? 'refused' : 'full', job: copyOut(stored) };
  }
  const hasAny = Object.keys(metadata).length > 0;
  const next: Job = { ...job, updatedAt: new Date(now), ...(hasAny && { metadata }) };
  const written = { id: stored.id, job: next };
  jobs.put(written);
  return { outcome: 'written', job: copyOut(written) };
}

/** Changes fields that break a rule, if the job is still as it was seen. */
export function mend(jobs: JobStore, { jobId, seen, changes, rule, now }: MendParams): MendResult {
  const stored = jobs.find(jobId.toHexString());
  if (stored === undefined) return { outcome: 'missing', job: null };
  if (!isAsSeen(stored.job, seen)) return { outcome: 'changed', job: copyOut(stored) };
  const { set = {}, clear = [] } = changes;
  const { history = [], ...job } = stored.job;
  const entries = historyEntries('mend', new Date(now), { reason: rule });
  const kept = Object.entries(job).filter(([field]) => !clear.includes(field as keyof Job));
  const next = {
    ...(Object.fromEntries(kept) as unknown as Job),
    ...packed(set),
    updatedAt: new Date(now),
    history: [...history, ...entries].slice(-MOST_HISTORY),
  };
  const written = { id: stored.id, job: next };
  jobs.put(written);
  return { outcome: 'mended', job: copyOut(written) };
}

function isAsSeen(job: Job, seen: MendParams['seen']): boolean {
  const isSameTime = Number(job.updatedAt) === Number(seen.updatedAt);
  return job.status === seen.status && job.fence === seen.fence && isSameTime;
}

/** What happened to a job: by the log where there is one, else by the job itself. */
export function readHistory(
  { jobId, limit }: ReadHistoryParams,
  log: MemoryTransitions | undefined,
  job: StoredJob | undefined,
): readonly TransitionEntry[] {
  if (log !== undefined) return log.read(jobId.toHexString(), limit);
  return job === undefined ? [] : (copyOut(job).history ?? []).slice(-limit);
}
