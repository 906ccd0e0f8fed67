/**
 * What the plain ledger holds, and the verbs that change no job: reads, leases, pauses and watches.
 *
 * @module
 */

import type * as verbs from '@monque/core';
import { type Job, LedgerRepository, type LedgerRepositoryOptions } from '@monque/core';
import { countClaims, type LedgerHint } from '@monque/core/ledger';
import {
  countDue,
  countJobs,
  inClaimOrder,
  type JobRecord,
  JobTable,
  listJobs,
  listSeries,
  nextDue,
} from './plain-ledger-jobs.ts';
import { LeaseTable } from './plain-ledger-leases.ts';

/** The plain ledger without what changes its jobs. */
export abstract class PlainLedgerReads extends LedgerRepository {
  protected readonly jobs: JobTable = new JobTable();
  protected readonly archive: JobTable = new JobTable();
  protected readonly leases: LeaseTable = new LeaseTable();
  readonly #paused = new Set<string>();
  readonly #watches = new Map<verbs.LedgerWatch, (hint: LedgerHint) => void>();

  protected constructor(options: LedgerRepositoryOptions) {
    super(options);
  }

  protected async performOpen(): Promise<void> {}

  protected async performClose(): Promise<void> {}

  protected async performReadTime(): Promise<Date> {
    return new Date(this.clock.now());
  }

  protected async performGetJob({ jobId, archived }: verbs.GetJobParams): Promise<Job | null> {
    return this.jobs.get(jobId) ?? (archived ? this.archive.get(jobId) : undefined) ?? null;
  }

  protected async performReadHistory(
    params: verbs.ReadHistoryParams,
  ): Promise<readonly verbs.TransitionEntry[]> {
    const { jobId, limit } = params;
    const job = this.jobs.get(jobId) ?? this.archive.get(jobId);
    return job?.history?.slice(-limit) ?? [];
  }

  protected async performFindJobs(params: verbs.FindJobsParams): Promise<readonly Job[]> {
    return listJobs((params.archived ? this.archive : this.jobs).all(), params);
  }

  protected async performReadStats(
    params: verbs.ReadStatsParams,
  ): Promise<readonly verbs.StatsRow[]> {
    return countJobs(this.jobs.all(), params);
  }

  protected async performFindSeries(params: verbs.FindSeriesParams): Promise<readonly Job[]> {
    return listSeries(this.jobs.all(), params);
  }

  protected async performNextDue(params: verbs.NextDueParams): Promise<Date | null> {
    return nextDue(this.jobs.all(), params);
  }

  protected async performCountDue(params: verbs.CountDueParams): Promise<verbs.CountDueResult> {
    return countDue(this.jobs.all(), params);
  }

  protected async performReadClaim(params: verbs.ReadClaimParams): Promise<readonly Job[]> {
    const { instanceId, claimToken } = params;
    return this.claimsOf(instanceId)
      .filter((job) => job.claimToken === claimToken)
      .sort(inClaimOrder);
  }

  protected async performReadClaims(
    params: verbs.ReadClaimsParams,
  ): Promise<readonly verbs.StandingClaim[]> {
    return this.claimsOf(params.instanceId)
      .slice(0, params.limit)
      .map(({ _id: jobId, claimToken = '', fence, cancelRequestedAt }) => ({
        jobId,
        claimToken,
        fence,
        ...(cancelRequestedAt && { cancelRequestedAt }),
      }));
  }

  protected async performFindClaimants(
    params: verbs.FindClaimantsParams,
  ): Promise<readonly string[]> {
    const claimants = this.jobs.all().flatMap(({ claimedBy }) => claimedBy ?? []);
    return [...new Set(claimants)].filter((instanceId) => !params.except.includes(instanceId));
  }

  protected async performCountClaims(params: verbs.CountClaimsParams): Promise<verbs.ClaimCounts> {
    // No other tool writes here, so there is no claim without an instance.
    const claims = params.instanceId === undefined ? [] : this.claimsOf(params.instanceId);
    return countClaims(claims.slice(0, params.limit), claims.length >= params.limit);
  }

  protected async performOpenLease(params: verbs.OpenLeaseParams): Promise<void> {
    this.leases.open(params);
  }

  protected async performRenewLease(params: verbs.RenewLeaseParams): Promise<boolean> {
    return this.leases.renew(params);
  }

  protected async performReadLeases(
    params: verbs.ReadLeasesParams,
  ): Promise<readonly verbs.LeaseRecord[]> {
    return this.leases.read(params);
  }

  protected async performDeclareDead(params: verbs.DeclareDeadParams): Promise<boolean> {
    return this.leases.declareDead(params);
  }

  protected async performEndLease({ instanceId }: verbs.InstanceParams): Promise<void> {
    this.leases.end(instanceId);
    if (this.claimsOf(instanceId).length === 0) this.leases.remove(instanceId);
  }

  protected async performRemoveLease({ instanceId }: verbs.InstanceParams): Promise<void> {
    this.leases.remove(instanceId);
  }

  protected async performSetPaused({ name, paused }: verbs.SetPausedParams): Promise<void> {
    if (paused) this.#paused.add(name);
    else this.#paused.delete(name);
    this.tell({ kind: 'pausesChanged' });
  }

  protected async performReadPaused(): Promise<readonly string[]> {
    return [...this.#paused].sort();
  }

  protected async performWatch(listener: (hint: LedgerHint) => void): Promise<verbs.LedgerWatch> {
    const close = async (): Promise<void> => {
      this.#watches.delete(watch);
    };
    const watch: verbs.LedgerWatch = { close };
    this.#watches.set(watch, listener);
    // After the caller has the watch.
    this.clock.setImmediate(() => {
      if (this.#watches.has(watch)) listener({ kind: 'opened' });
    });
    return watch;
  }

  /** Sends a hint to everyone who watches. */
  protected tell(hint: LedgerHint): void {
    for (const listener of this.#watches.values()) listener(hint);
  }

  /** The jobs that an instance has claimed. */
  protected claimsOf(instanceId: string): JobRecord[] {
    return this.jobs.all().filter(({ claimedBy }) => claimedBy === instanceId);
  }
}
