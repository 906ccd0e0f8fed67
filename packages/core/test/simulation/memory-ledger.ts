/** The in-memory ledger itself, watched: each verb is one step, and every write is told. */

import type { Job } from '../../src/index.ts';
import { isClaimed } from '../../src/job/job.ts';
import type { JobVerb } from '../../src/job/job-lifecycle.ts';
import type { TransitionParams } from '../../src/job/lifecycle.ts';
import { chooseExpiry } from '../../src/ledger/expiry-choice.ts';
import type {
  AmendParams,
  AmendResult,
  CancelParams,
  CancelResult,
  CheckpointParams,
  CheckpointResult,
  ClaimParams,
  ClaimResult,
  DeclareDeadParams,
  EndSeriesParams,
  EnqueueParams,
  EnqueueResult,
  ExpireGatesParams,
  ExpireGatesResult,
  InstanceParams,
  JobParams,
  LedgerHint,
  LedgerWatch,
  NoteParams,
  OpenGateParams,
  OpenGateResult,
  OpenLeaseParams,
  PruneParams,
  PruneResult,
  RedriveParams,
  RedriveResult,
  RemoveResult,
  ReplanParams,
  RescueParams,
  RescueResult,
  SeriesResult,
  SetPausedParams,
  SettleParams,
  SettleResult,
} from '../../src/ledger/ledger-repository.ts';
import { InMemoryLedgerRepository } from '../../src/ledger/memory/in-memory-ledger-repository.ts';
import { chooseRescue } from '../../src/ledger/rescue-choice.ts';
import { settlementParams } from '../../src/ledger/settle-answers.ts';
import { checkpointParams, GATE_VERBS, openGateParams } from '../../src/ledger/stage-answers.ts';
import { SETTLE_VERBS } from './facts.ts';
import type { Observer } from './observer.ts';
import { NO_HINTS, type SteppedLedgerParams } from './stepped-ledger.ts';

const TELLING_FIELDS = ['status', 'claimToken', 'lastToken', 'fence', 'failCount'] as const;

const RECORDS = ['stages', 'gates'] as const;

/** The verbs that are told only where the ledger said that they were carried out. */
const ALWAYS_TOLD = new Set<JobVerb>([
  'note',
  'skipRun',
  'redrive',
  'amend',
  'replan',
  'replanRunning',
  'endSeries',
  'endSeriesAfterRun',
]);

/** Tells of every write. One write is carried out at a time, so that what is read around it belongs to it. */
export class MemoryLedger extends InMemoryLedgerRepository {
  readonly #observer: Observer;
  readonly #canHint: boolean;
  #last: Promise<unknown> = Promise.resolve();

  constructor(params: Pick<SteppedLedgerParams, 'clock' | 'observer' | 'canHint'>) {
    super({ clock: params.clock });
    this.#observer = params.observer;
    this.#canHint = params.canHint;
  }

  protected override performEnqueue(params: EnqueueParams): Promise<EnqueueResult> {
    return this.#alone(async () => {
      const result = await super.performEnqueue(params);
      for (const job of params.jobs) {
        await this.#tell(isClaimed(job) ? 'enqueueClaimed' : 'enqueue', job._id, {});
      }
      return result;
    });
  }

  protected override performClaim(params: ClaimParams): Promise<ClaimResult> {
    return this.#alone(async () => {
      const result = await super.performClaim(params);
      for (const job of result.jobs) await this.#tell('claim', job._id, { ...params });
      return result;
    });
  }

  protected override performSettle(params: SettleParams): Promise<SettleResult> {
    return this.#alone(async () => {
      const result = await super.performSettle(params);
      for (const settlement of params.settlements) {
        const values = settlementParams(settlement, params.now);
        await this.#tell(settlement.verb, settlement.jobId, values);
      }
      return result;
    });
  }

  protected override performCancel(params: CancelParams): Promise<CancelResult> {
    return this.#alone(async () => {
      const before = this.#observer.facts.jobs.get(params.jobId.toHexString());
      const isEnded = before?.repeatInterval !== undefined;
      const result = await super.performCancel(params);
      if (result.outcome === 'skipped')
        await this.#tell('skipRun', params.jobId, { now: params.now });
      if (result.outcome === 'requested') await this.#tell('requestCancel', params.jobId, {});
      if (result.outcome === 'cancelled') {
        await this.#tell(isEnded ? 'endSeries' : 'cancel', params.jobId, { now: params.now });
      }
      return result;
    });
  }

  protected override performRemove(params: JobParams): Promise<RemoveResult> {
    return this.#alone(async () => {
      const result = await super.performRemove(params);
      await this.#tell('remove', params.jobId, {});
      return result;
    });
  }

  protected override performRedrive(params: RedriveParams): Promise<RedriveResult> {
    return this.#alone(async () => {
      const result = await super.performRedrive(params);
      if (result.outcome === 'redriven') await this.#tell('redrive', params.jobId, { ...params });
      return result;
    });
  }

  protected override performAmend(params: AmendParams): Promise<AmendResult> {
    return this.#alone(async () => {
      const result = await super.performAmend(params);
      const values = { ...params.changes, now: params.now };
      if (result.outcome === 'amended') await this.#tell('amend', params.jobId, values);
      return result;
    });
  }

  protected override performReplan(params: ReplanParams): Promise<SeriesResult> {
    const { jobId, series, nextRun, now } = params;
    return this.#alone(async () => {
      const result = await super.performReplan(params);
      const isRunning = result.job?.status === 'processing';
      const values = { ...series, ...(!isRunning && nextRun), now };
      if (result.outcome === 'written') {
        await this.#tell(isRunning ? 'replanRunning' : 'replan', jobId, values);
      }
      return result;
    });
  }

  protected override performEndSeries(params: EndSeriesParams): Promise<SeriesResult> {
    return this.#alone(async () => {
      const result = await super.performEndSeries(params);
      const isRunning = result.job?.status === 'processing';
      if (result.outcome === 'written') {
        await this.#tell(isRunning ? 'endSeriesAfterRun' : 'endSeries', params.jobId, {
          ...params,
        });
      }
      return result;
    });
  }

  protected override performCheckpoint(params: CheckpointParams): Promise<CheckpointResult> {
    return this.#alone(async () => {
      const result = await super.performCheckpoint(params);
      await this.#tell('checkpoint', params.jobId, checkpointParams(params));
      return result;
    });
  }

  protected override performOpenGate(params: OpenGateParams): Promise<OpenGateResult> {
    return this.#alone(async () => {
      const result = await super.performOpenGate(params);
      const done = GATE_VERBS.find(({ outcome }) => outcome === result.outcome);
      if (done) await this.#tell(done.verb, params.jobId, openGateParams(done.verb, params));
      return result;
    });
  }

  protected override performExpireGates(params: ExpireGatesParams): Promise<ExpireGatesResult> {
    return this.#alone(async () => {
      const before = [...this.#observer.facts.jobs.values()];
      const result = await super.performExpireGates(params);
      for (const job of before) {
        if (job.status !== 'blocked') continue;
        const { verb, params: values } = chooseExpiry(job, params.now);
        await this.#tell(verb, job._id, values);
      }
      return result;
    });
  }

  protected override performNote(params: NoteParams): Promise<boolean> {
    return this.#alone(async () => {
      const isNoted = await super.performNote(params);
      if (isNoted) await this.#tell('note', params.jobId, { ...params });
      return isNoted;
    });
  }

  protected override performSetPaused(params: SetPausedParams): Promise<void> {
    return this.#alone(async () => {
      await super.performSetPaused(params);
      this.#observer.pauseWritten(params.name, params.paused);
    });
  }

  protected override performPrune(params: PruneParams): Promise<PruneResult> {
    return this.#alone(async () => {
      const before = [...this.#observer.facts.jobs.values()];
      const result = await super.performPrune(params);
      if (result.pruned === 0) return result;
      for (const { _id, status } of before) {
        const values = { finishedBefore: params.finishedBefore[status], now: params.now };
        await this.#tell('prune', _id, values);
      }
      return result;
    });
  }

  protected override performRescue(params: RescueParams): Promise<RescueResult> {
    return this.#alone(async () => {
      const claims = await super.performReadClaims({
        instanceId: params.deadInstanceId,
        limit: params.limit,
      });
      const result = await super.performRescue(params);
      for (const { jobId } of claims) {
        const before = this.#observer.facts.jobs.get(jobId.toHexString());
        if (before === undefined || result.refused) continue;
        const { verb, params: values } = chooseRescue(before, params);
        await this.#tell(verb, jobId, values);
      }
      return result;
    });
  }

  protected override async performOpenLease(params: OpenLeaseParams): Promise<void> {
    await super.performOpenLease(params);
    this.#observer.leaseRenewed(params.instanceId);
  }

  protected override async performRenewLease(params: InstanceParams): Promise<boolean> {
    const isLive = await super.performRenewLease(params);
    if (isLive) this.#observer.leaseRenewed(params.instanceId);
    return isLive;
  }

  protected override async performDeclareDead(params: DeclareDeadParams): Promise<boolean> {
    const isDead = await super.performDeclareDead(params);
    if (isDead) this.#observer.leaseDied(params.instanceId, true);
    return isDead;
  }

  protected override async performEndLease(params: InstanceParams): Promise<void> {
    await super.performEndLease(params);
    this.#observer.leaseDied(params.instanceId, false);
  }

  protected override async performWatch(
    listener: (hint: LedgerHint) => void,
  ): Promise<LedgerWatch> {
    return this.#canHint ? super.performWatch(listener) : NO_HINTS;
  }

  #alone<T>(write: () => Promise<T>): Promise<T> {
    const result = this.#last.then(write);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** What was not changed is not told, nor what a settlement of another claim in the same call did. */
  async #tell(verb: JobVerb, jobId: Job['_id'], params: TransitionParams): Promise<void> {
    const before = this.#observer.facts.jobs.get(jobId.toHexString());
    const after = (await super.performGetJob({ jobId })) ?? undefined;
    if (before === undefined && after === undefined) return;
    const isChanged =
      ALWAYS_TOLD.has(verb) ||
      TELLING_FIELDS.some((field) => before?.[field] !== after?.[field]) ||
      RECORDS.some((field) => before?.[field]?.length !== after?.[field]?.length) ||
      (before?.cancelRequestedAt === undefined) !== (after?.cancelRequestedAt === undefined);
    const isOther = SETTLE_VERBS.has(verb) && after?.lastToken !== params.claimToken;
    if (isChanged && !isOther) this.#observer.jobWritten({ verb, before, after, params });
  }
}
