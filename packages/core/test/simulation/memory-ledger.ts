/** The in-memory ledger itself, watched: each verb is one step, and every write is told. */

import type { Job } from '../../src/index.ts';
import type {
  CancelParams,
  CancelResult,
  ClaimParams,
  ClaimResult,
  DeclareDeadParams,
  EnqueueParams,
  EnqueueResult,
  InstanceParams,
  JobParams,
  LedgerHint,
  LedgerWatch,
  OpenLeaseParams,
  RemoveResult,
  RescueParams,
  RescueResult,
  SettleParams,
  SettleResult,
} from '../../src/ledger/ledger-repository.ts';
import { InMemoryLedgerRepository } from '../../src/ledger/memory/in-memory-ledger-repository.ts';
import { settlementParams } from '../../src/ledger/settlement.ts';
import type { JobVerb, TransitionParams } from '../../src/lifecycle.ts';
import type { Observer } from './observer.ts';
import { NO_HINTS, type SteppedLedgerParams } from './stepped-ledger.ts';

const RESCUE_VERBS: Readonly<Record<string, JobVerb>> = {
  pending: 'rescue',
  failed: 'rescueToFailed',
  cancelled: 'rescueToCancelled',
};

const SETTLE_VERBS = new Set<JobVerb>(['complete', 'retry', 'release', 'fail', 'cancelled']);

const TELLING_FIELDS = ['status', 'claimToken', 'lastToken', 'fence', 'failCount'] as const;

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
      for (const job of params.jobs) await this.#tell('enqueue', job._id, {});
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
      const result = await super.performCancel(params);
      const verb = result.job?.status === 'cancelled' ? 'cancel' : 'requestCancel';
      await this.#tell(verb, params.jobId, {});
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

  protected override performRescue(params: RescueParams): Promise<RescueResult> {
    return this.#alone(async () => {
      const claims = await super.performReadClaims({
        instanceId: params.deadInstanceId,
        limit: params.limit,
      });
      const result = await super.performRescue(params);
      for (const { jobId } of claims) {
        const after = await super.performGetJob({ jobId });
        const verb = RESCUE_VERBS[after?.status ?? ''];
        if (verb !== undefined) await this.#tell(verb, jobId, {});
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
      TELLING_FIELDS.some((field) => before?.[field] !== after?.[field]) ||
      (before?.cancelRequestedAt === undefined) !== (after?.cancelRequestedAt === undefined);
    const isOther = SETTLE_VERBS.has(verb) && after?.lastToken !== params.claimToken;
    if (isChanged && !isOther) this.#observer.jobWritten({ verb, before, after, params });
  }
}
