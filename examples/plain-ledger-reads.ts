/**
 * What changes no job in the plain ledger: reads, pauses, counts by minute and watches.
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
  sumThroughput,
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

  async countJobs({ archived = false, ...params }: verbs.CountJobsParams): Promise<number> {
    const jobs = (archived ? this.#archive : this.#jobs).all();
    return listJobs(jobs, { ...params, orderBy: '_id', direction: 'ascending' }).length;
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
  notify(hint: LedgerHint): void {
    for (const listener of this.#watches.values()) listener(hint);
  }
}

/** The names that are paused. */
export class PlainPauses implements verbs.PauseVerbs {
  readonly #pauses = new Map<string, verbs.PauseRecord>();
  readonly #watches: PlainWatches;

  constructor(watches: PlainWatches) {
    this.#watches = watches;
  }

  /** The first pause stands, with who asked for it. */
  async setPaused({ name, paused, now, by, reason }: verbs.SetPausedParams): Promise<void> {
    const pause = { name, at: now, ...(by && { by }), ...(reason && { reason }) };
    if (paused) this.#pauses.set(name, this.#pauses.get(name) ?? pause);
    else this.#pauses.delete(name);
    this.#watches.notify({ kind: 'pausesChanged' });
  }

  async readPaused(): Promise<readonly verbs.PauseRecord[]> {
    return structuredClone([...this.#pauses.values()]);
  }
}

/** What happened by minute. This small ledger forgets none of it. */
export class PlainThroughput implements verbs.ThroughputVerbs {
  readonly #rows: verbs.NamedCounts[] = [];

  async addThroughput({ rows }: verbs.AddThroughputParams): Promise<void> {
    this.#rows.push(...structuredClone(rows));
  }

  async readThroughput(
    params: verbs.ReadThroughputParams,
  ): Promise<readonly verbs.ThroughputPoint[]> {
    return sumThroughput(this.#rows, params);
  }
}
