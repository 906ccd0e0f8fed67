/**
 * What changes no job in the plain ledger: reads, pauses and watches.
 *
 * @module
 */
import type * as verbs from '@monque/core/ledger';
import {
  type Clock,
  countClaims,
  type Job,
  type LedgerHint,
  type LedgerWatch,
} from '@monque/core/ledger';
import {
  countDue,
  countJobs,
  inClaimOrder,
  type JobTable,
  listJobs,
  listSeries,
  nextDue,
} from './plain-ledger-jobs.ts';

/** Reads jobs, claims and counts. */
export class PlainReads implements verbs.ClaimVerbs, verbs.CountVerbs {
  readonly #jobs: JobTable;
  readonly #archive: JobTable;

  constructor(jobs: JobTable, archive: JobTable) {
    this.#jobs = jobs;
    this.#archive = archive;
  }

  async getJob({ jobId, archived }: verbs.GetJobParams): Promise<Job | null> {
    return this.#jobs.get(jobId) ?? (archived ? this.#archive.get(jobId) : undefined) ?? null;
  }

  async readHistory(params: verbs.ReadHistoryParams): Promise<readonly verbs.TransitionEntry[]> {
    const { jobId, limit } = params;
    const job = this.#jobs.get(jobId) ?? this.#archive.get(jobId);
    return job?.history?.slice(-limit) ?? [];
  }

  async findJobs(params: verbs.FindJobsParams): Promise<readonly Job[]> {
    return listJobs((params.archived ? this.#archive : this.#jobs).all(), params);
  }

  async findSeries(params: verbs.FindSeriesParams): Promise<readonly Job[]> {
    return listSeries(this.#jobs.all(), params);
  }

  async nextDue(params: verbs.NextDueParams): Promise<Date | null> {
    return nextDue(this.#jobs.all(), params);
  }

  async readStats(params: verbs.ReadStatsParams): Promise<readonly verbs.StatsRow[]> {
    return countJobs(this.#jobs.all(), params);
  }

  async countDue(params: verbs.CountDueParams): Promise<verbs.CountDueResult> {
    return countDue(this.#jobs.all(), params);
  }

  async readClaim({ instanceId, claimToken }: verbs.ReadClaimParams): Promise<readonly Job[]> {
    const claims = this.#jobs.claimsOf(instanceId);
    return claims.filter((job) => job.claimToken === claimToken).sort(inClaimOrder);
  }

  async readClaims(params: verbs.ReadClaimsParams): Promise<readonly verbs.StandingClaim[]> {
    const claims = this.#jobs.claimsOf(params.instanceId).slice(0, params.limit);
    return claims.map(({ _id: jobId, claimToken = '', fence, cancelRequestedAt }) => ({
      jobId,
      claimToken,
      fence,
      ...(cancelRequestedAt && { cancelRequestedAt }),
    }));
  }

  async findClaimants(params: verbs.FindClaimantsParams): Promise<readonly string[]> {
    const claimants = this.#jobs.all().flatMap(({ claimedBy }) => claimedBy ?? []);
    return [...new Set(claimants)].filter((instanceId) => !params.except.includes(instanceId));
  }

  async countClaims({ instanceId, limit }: verbs.CountClaimsParams): Promise<verbs.ClaimCounts> {
    // No other tool writes here, so there is no claim without an instance.
    const claims = instanceId === undefined ? [] : this.#jobs.claimsOf(instanceId);
    return countClaims(claims.slice(0, limit), claims.length >= limit);
  }
}

/** Who watches the ledger. */
export class PlainWatches {
  readonly #clock: Clock;
  readonly #watches = new Map<LedgerWatch, (hint: LedgerHint) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  watch(listener: (hint: LedgerHint) => void): LedgerWatch {
    const close = async (): Promise<void> => {
      this.#watches.delete(watch);
    };
    const watch: LedgerWatch = { close };
    this.#watches.set(watch, listener);
    // After the caller has the watch.
    this.#clock.setImmediate(() => {
      if (this.#watches.has(watch)) listener({ kind: 'opened' });
    });
    return watch;
  }

  /** Sends a hint to everyone who watches. */
  tell(hint: LedgerHint): void {
    for (const listener of this.#watches.values()) listener(hint);
  }
}

/** The names that are paused. */
export class PlainPauses implements verbs.PauseVerbs {
  readonly #names = new Set<string>();
  readonly #watches: PlainWatches;

  constructor(watches: PlainWatches) {
    this.#watches = watches;
  }

  async setPaused({ name, paused }: verbs.SetPausedParams): Promise<void> {
    if (paused) this.#names.add(name);
    else this.#names.delete(name);
    this.#watches.tell({ kind: 'pausesChanged' });
  }

  async readPaused(): Promise<readonly string[]> {
    return [...this.#names].sort();
  }
}
