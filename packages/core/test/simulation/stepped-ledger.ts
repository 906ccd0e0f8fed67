/**
 * A ledger in memory that takes its time as MongoDB does: a verb is several commands, each one step, and others get
 * their turn in between. States and guards are those of the lifecycle table; leases are those of the in-memory ledger.
 */

import type { Clock } from '../../src/foundation/clock.ts';
import { invariant } from '../../src/foundation/errors.ts';
import type { Job } from '../../src/index.ts';
import type {
  ClaimGroupsParams,
  ClaimGroupsResult,
  CloseFlowParams,
  CloseFlowResult,
  FindJobsParams,
  FlowReading,
  OpenFlowParams,
  OpenFlowResult,
  ReadFlowParams,
  ReleaseWaitingParams,
  ReleaseWaitingResult,
  SetGroupParams,
  SweepFlowsParams,
  SweepFlowsResult,
  SweepOrdersParams,
} from '../../src/ledger/ledger-repository.ts';
import {
  type AmendParams,
  type AmendResult,
  type BackOffParams,
  type CancelParams,
  type CancelResult,
  type CheckpointParams,
  type CheckpointResult,
  type ClaimOrdersParams,
  type ClaimParams,
  type ClaimResult,
  type DeclareDeadParams,
  type EndSeriesParams,
  type EnqueueAnswer,
  type EnqueueParams,
  type EnqueueResult,
  type ExpireGatesParams,
  type ExpireGatesResult,
  type FindClaimantsParams,
  type FindSeriesParams,
  type InstanceParams,
  type JobParams,
  type LeaseRecord,
  type LedgerHint,
  LedgerRepository,
  type LedgerVerbs,
  type LedgerWatch,
  type LimitRecord,
  type NextDueParams,
  type NoteParams,
  type OpenGateParams,
  type OpenGateResult,
  type OpenLeaseParams,
  type PauseRecord,
  type PruneParams,
  type PruneResult,
  type ReadClaimParams,
  type ReadClaimsParams,
  type RedriveParams,
  type RedriveResult,
  type RemoveResult,
  type RenewLeaseParams,
  type ReplanParams,
  type RescueParams,
  type RescueResult,
  type SeriesResult,
  type SetLimitParams,
  type SetPausedParams,
  type SettleParams,
  type SettleResult,
  type StandingClaim,
  SUSPECT_RESCUE_COUNT,
  type SweepOrdersResult,
  type TakeShareParams,
  type TakeShareResult,
} from '../../src/ledger/ledger-repository.ts';
import { Hints } from '../../src/ledger/memory/hints.ts';
import { MemoryLeases } from '../../src/ledger/memory/leases.ts';
import { chooseRescue } from '../../src/ledger/rescue-choice.ts';
import { answerUnmatched, settlementParams } from '../../src/ledger/settle-answers.ts';
import { SteppedFlows } from './flows/stepped-flows.ts';
import type { Observer } from './observer.ts';
import { SteppedControl } from './stepped-control.ts';
import { SteppedGroups } from './stepped-groups.ts';
import { SteppedJobs } from './stepped-jobs.ts';
import { SteppedLimits } from './stepped-limits.ts';
import { SteppedOrders } from './stepped-orders.ts';
import { SteppedStages } from './stepped-stages.ts';
import { UnsimulatedVerbs } from './unsimulated-verbs.ts';

const RESCUE_VERBS = [
  'rescue',
  'rescueToNextRun',
  'rescueToDeadLetter',
  'rescueToFailed',
  'rescueToCancelled',
] as const;
const MOST_RACES = 10;

/** What is answered to who wants to watch a ledger that gives no hints. */
export const NO_HINTS: LedgerWatch = Object.freeze({
  unsupported: 'it is simulated without',
  close: async () => undefined,
});

/** What a stepped ledger is given. */
export interface SteppedLedgerParams {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly canHint: boolean;
  /** Waits between two commands. */
  readonly letOthersIn: () => Promise<void>;
  /** Takes that many of the items, by chance. */
  readonly sample: <T>(items: readonly T[], count: number) => readonly T[];
}

/** A ledger whose verbs take the steps of the MongoDB ledger. */
export class SteppedLedger extends LedgerRepository {
  protected override verbs: LedgerVerbs;
  readonly #hints: Hints;
  readonly #canHint: boolean;

  constructor(params: SteppedLedgerParams) {
    super({ clock: params.clock });
    this.#hints = new Hints(params.clock);
    this.#canHint = params.canHint;
    this.verbs = new SteppedVerbs(params, this.#hints);
  }

  protected async performOpen(): Promise<void> {}

  protected async performClose(): Promise<void> {}

  protected async performWatch(listener: (hint: LedgerHint) => void): Promise<LedgerWatch> {
    return this.#canHint ? this.#hints.watch(listener) : NO_HINTS;
  }
}

/** Carries every verb out in steps. */
class SteppedVerbs extends UnsimulatedVerbs implements LedgerVerbs {
  readonly #params: SteppedLedgerParams;
  readonly #jobs: SteppedJobs;
  readonly #control: SteppedControl;
  readonly #stages: SteppedStages;
  readonly #orders: SteppedOrders;
  readonly #flows: SteppedFlows;
  readonly #limits: SteppedLimits;
  readonly #leases = new MemoryLeases(() => false);
  readonly #hints: Hints;
  readonly #paused = new Set<string>();
  readonly #groups: SteppedGroups;

  constructor(params: SteppedLedgerParams, hints: Hints) {
    super();
    this.#params = params;
    this.#hints = hints;
    this.#jobs = new SteppedJobs(params.observer, this.#hints);
    this.#orders = new SteppedOrders(this.#jobs, params.letOthersIn);
    this.#limits = new SteppedLimits({
      ...params,
      hints,
      isLive: (instanceId) => this.#leases.isLive(instanceId),
      hasClaims: (instanceId) => this.#claimsOf(instanceId).length > 0,
    });
    this.#flows = new SteppedFlows(this.#jobs, params.letOthersIn);
    this.#control = new SteppedControl(this.#jobs, this.#orders, this.#flows, params.letOthersIn);
    this.#stages = new SteppedStages(this.#jobs, params.letOthersIn);
    this.#groups = new SteppedGroups({
      ...{ jobs: this.#jobs, observer: params.observer, letOthersIn: params.letOthersIn },
      readClaim: (claim) => this.readClaim(claim),
    });
  }

  async readTime(): Promise<Date> {
    return new Date(this.#params.clock.now());
  }

  async enqueue({ jobs }: EnqueueParams): Promise<EnqueueResult> {
    const answers: EnqueueAnswer[] = [];
    for (const job of jobs) answers.push(await this.#enqueueOne(job));
    return { answers };
  }

  async claim(params: ClaimParams): Promise<ClaimResult> {
    const { chosen, ...names } = this.#choose(params);
    const ids = chosen.sort(byClaimOrder).map(({ _id }) => _id);
    const attempted = ids.length;
    await this.#params.letOthersIn();
    let won = 0;
    const demanded = params.demand.map(({ name }) => name);
    for (const id of ids) {
      // One that was found may have another name by now.
      const isNamed = demanded.includes(this.#jobs.find(id)?.name ?? '');
      if (isNamed && this.#jobs.move('claim', id, { ...params }) !== null) won += 1;
    }
    if (won === 0) return { jobs: [], attempted, ...names };
    await this.#params.letOthersIn();
    return { jobs: await this.readClaim(params), attempted, ...names };
  }

  claimGroups(params: ClaimGroupsParams): Promise<ClaimGroupsResult> {
    return this.#groups.claimGroups(params);
  }

  setGroup(params: SetGroupParams): Promise<void> {
    return this.#groups.setGroup(params);
  }

  async claimOrders(params: ClaimOrdersParams): Promise<ClaimResult> {
    const answer = await this.#orders.claim(params);
    return { jobs: await this.readClaim(params), ...answer };
  }

  async sweepOrders(params: SweepOrdersParams): Promise<SweepOrdersResult> {
    const { swept } = await this.#groups.sweepOrders(params);
    const orders = await this.#orders.sweep();
    return { ...orders, swept: orders.swept + swept };
  }

  setLimit(params: SetLimitParams): Promise<void> {
    return this.#limits.setLimit(params);
  }

  readLimits(): Promise<readonly LimitRecord[]> {
    return this.#limits.readLimits();
  }

  takeShare(params: TakeShareParams): Promise<TakeShareResult> {
    return this.#limits.takeShare(params);
  }

  freeShares(params: InstanceParams): Promise<boolean> {
    return this.#limits.freeShares(params);
  }

  backOff(params: BackOffParams): Promise<boolean> {
    return this.#limits.backOff(params);
  }

  async readClaim(params: ReadClaimParams): Promise<readonly Job[]> {
    return this.#claimsOf(params.instanceId)
      .filter(({ claimToken }) => claimToken === params.claimToken)
      .sort(byClaimOrder);
  }

  async settle({ settlements, now }: SettleParams): Promise<SettleResult> {
    const answers = new Map<number, 'settled'>();
    for (const [index, settlement] of settlements.entries()) {
      const { verb, jobId } = settlement;
      const settled = this.#jobs.move(verb, jobId, settlementParams(settlement, now));
      if (settled !== null) answers.set(index, 'settled');
      if (index % 8 === 7) await this.#params.letOthersIn();
    }
    if (answers.size < settlements.length) await this.#params.letOthersIn();
    return {
      answers: settlements.map((settlement, index) => {
        const stored = this.#jobs.find(settlement.jobId);
        return answers.get(index) ?? answerUnmatched(settlement, stored);
      }),
    };
  }

  cancel(params: CancelParams): Promise<CancelResult> {
    return this.#control.cancel(params);
  }

  remove(params: JobParams): Promise<RemoveResult> {
    return this.#control.remove(params);
  }

  redrive(params: RedriveParams): Promise<RedriveResult> {
    return this.#control.redrive(params);
  }

  amend(params: AmendParams): Promise<AmendResult> {
    return this.#control.amend(params);
  }

  replan(params: ReplanParams): Promise<SeriesResult> {
    return this.#control.replan(params);
  }

  endSeries(params: EndSeriesParams): Promise<SeriesResult> {
    return this.#control.endSeries(params);
  }

  async findSeries(params: FindSeriesParams): Promise<readonly Job[]> {
    return this.#control.findSeries(params);
  }

  checkpoint(params: CheckpointParams): Promise<CheckpointResult> {
    return this.#stages.checkpoint(params);
  }

  openGate(params: OpenGateParams): Promise<OpenGateResult> {
    return this.#stages.openGate(params);
  }

  expireGates(params: ExpireGatesParams): Promise<ExpireGatesResult> {
    return this.#stages.expireGates(params);
  }

  prune(params: PruneParams): Promise<PruneResult> {
    return this.#control.prune(params);
  }

  openFlow(params: OpenFlowParams): Promise<OpenFlowResult> {
    return this.#flows.openFlow(params);
  }

  closeFlow(params: CloseFlowParams): Promise<CloseFlowResult> {
    return this.#flows.closeFlow(params);
  }

  readFlow(params: ReadFlowParams): Promise<FlowReading | null> {
    return this.#flows.readFlow(params);
  }

  releaseWaiting(params: ReleaseWaitingParams): Promise<ReleaseWaitingResult> {
    return this.#flows.releaseWaiting(params);
  }

  sweepFlows(params: SweepFlowsParams): Promise<SweepFlowsResult> {
    return this.#flows.sweepFlows(params);
  }

  async findJobs(params: FindJobsParams): Promise<readonly Job[]> {
    return this.#flows.findJobs(params);
  }

  async setPaused({ name, paused }: SetPausedParams): Promise<void> {
    if (paused) this.#paused.add(name);
    else this.#paused.delete(name);
    this.#params.observer.pauseWritten(name, paused);
    this.#hints.send({ kind: 'pausesChanged' });
  }

  async readPaused(): Promise<readonly PauseRecord[]> {
    return [...this.#paused].map((name) => ({ name, at: new Date(0) }));
  }

  async getJob({ jobId }: JobParams): Promise<Job | null> {
    return this.#jobs.find(jobId);
  }

  async note({ jobId, ...params }: NoteParams): Promise<boolean> {
    return this.#jobs.move('note', jobId, params) !== null;
  }

  async nextDue({ names, after, until }: NextDueParams): Promise<Date | null> {
    const times = [...this.#jobs.all()]
      .filter(({ status, name }) => status === 'pending' && names.includes(name))
      .map(({ nextRunAt }) => nextRunAt.getTime())
      .filter((dueMs) => dueMs > after.getTime() && dueMs <= until.getTime());
    return times.length > 0 ? new Date(Math.min(...times)) : null;
  }

  async openLease(params: OpenLeaseParams): Promise<void> {
    await this.#leases.openLease(params);
    this.#params.observer.leaseRenewed(params.instanceId);
  }

  async renewLease(params: RenewLeaseParams): Promise<boolean> {
    const isLive = await this.#leases.renewLease(params);
    if (isLive) this.#params.observer.leaseRenewed(params.instanceId);
    return isLive;
  }

  async readLeases(): Promise<readonly LeaseRecord[]> {
    return this.#leases.readLeases({ informed: true });
  }

  async declareDead(params: DeclareDeadParams): Promise<boolean> {
    const isDead = await this.#leases.declareDead(params);
    if (isDead) this.#params.observer.leaseDied(params.instanceId, true);
    return isDead;
  }

  async endLease({ instanceId }: InstanceParams): Promise<void> {
    this.#leases.end(instanceId);
    this.#params.observer.leaseDied(instanceId, false);
    await this.#params.letOthersIn();
    if (this.#claimsOf(instanceId).length > 0) return;
    await this.#params.letOthersIn();
    this.#leases.takeOff(instanceId);
  }

  async removeLease({ instanceId }: InstanceParams): Promise<void> {
    this.#leases.takeOff(instanceId);
  }

  async findClaimants({ except }: FindClaimantsParams): Promise<readonly string[]> {
    const claimants = new Set<string>();
    for (const { claimedBy } of this.#jobs.all()) if (claimedBy) claimants.add(claimedBy);
    return [...claimants].filter((instanceId) => !except.includes(instanceId)).sort();
  }

  async readClaims(params: ReadClaimsParams): Promise<readonly StandingClaim[]> {
    return this.#claimsOf(params.instanceId).slice(0, params.limit).map(toStandingClaim);
  }

  async rescue(params: RescueParams): Promise<RescueResult> {
    const { deadInstanceId, limit } = params;
    const moved = {
      ...{ rescue: 0, rescueToNextRun: 0, rescueToDeadLetter: 0 },
      ...{ rescueToFailed: 0, rescueToCancelled: 0 },
    };
    const refused = this.#leases.isLive(deadInstanceId);
    if (refused) return { pending: 0, failed: 0, cancelled: 0, more: false, refused };
    await this.#params.letOthersIn();
    const workers = this.#leases.workersOf(deadInstanceId);
    const claims = this.#claimsOf(deadInstanceId).slice(0, limit);
    const choices = claims.map((job) => ({
      jobId: job._id,
      ...chooseRescue(job, params, workers),
    }));
    for (const rescueVerb of RESCUE_VERBS) {
      await this.#params.letOthersIn();
      for (const { jobId, verb, params: values } of choices) {
        if (verb === rescueVerb && this.#jobs.move(verb, jobId, values) !== null) moved[verb] += 1;
      }
    }
    return {
      pending: moved.rescue + moved.rescueToNextRun + moved.rescueToDeadLetter,
      failed: moved.rescueToFailed,
      cancelled: moved.rescueToCancelled,
      more: claims.length === limit,
      refused,
    };
  }

  async #enqueueOne(job: Job): Promise<EnqueueAnswer> {
    for (let race = 0; race < MOST_RACES; race += 1) {
      if (this.#jobs.find(job._id) !== null) return { outcome: 'enqueued', job };
      if (this.#jobs.findHolder(job) === undefined) {
        this.#jobs.store(job);
        return { outcome: 'enqueued', job };
      }
      await this.#params.letOthersIn();
      const stillHolder = this.#jobs.findHolder(job);
      if (stillHolder?._id.equals(job._id)) return { outcome: 'enqueued', job };
      if (stillHolder !== undefined) return { outcome: 'existing', job: stillHolder };
    }
    invariant(false, 'a lock changes hands too often');
  }

  /** One look for all names; where it is cut short, one name may keep another's jobs out. */
  #choose(params: ClaimParams): { chosen: Job[]; saturated: string[]; drained: string[] } {
    const { demand, suspects, widening } = params;
    const demanded = demand.reduce((sum, { limit }) => sum + limit, 0);
    const wanted = suspects ? 1 : demanded * widening;
    const candidates = this.#findDue(params).slice(0, wanted);
    const chosen: Job[] = [];
    const saturated: string[] = [];
    const drained: string[] = [];
    for (const { name, limit } of demand) {
      const named = candidates.filter((job) => job.name === name);
      // Of the last jobs each of many rivals takes a part.
      const part = Math.ceil(named.length / (candidates.length < wanted ? widening : 1));
      const most = Math.min(limit, part);
      if (named.length >= limit || named.length > most) saturated.push(name);
      else if (candidates.length < wanted) drained.push(name);
      chosen.push(...(widening > 1 ? this.#params.sample(named, most) : named.slice(0, most)));
    }
    return { chosen, saturated, drained };
  }

  #findDue({ demand, now, suspects }: ClaimParams): Job[] {
    const names = new Set(demand.map(({ name }) => name));
    const due: Job[] = [];
    for (const job of this.#jobs.all()) {
      if (job.status !== 'pending' || job.nextRunAt > now || !names.has(job.name)) continue;
      if (job.lane !== undefined) continue;
      if ((job.rescueCount ?? 0) >= SUSPECT_RESCUE_COUNT === suspects) due.push(job);
    }
    return due.sort(byClaimOrder);
  }

  #claimsOf(instanceId: string): Job[] {
    return [...this.#jobs.all()].filter(
      ({ claimedBy, status }) => status === 'processing' && claimedBy === instanceId,
    );
  }
}

function byClaimOrder(a: Job, b: Job): number {
  return (
    a.priority - b.priority ||
    a.nextRunAt.getTime() - b.nextRunAt.getTime() ||
    (a._id.toHexString() < b._id.toHexString() ? -1 : 1)
  );
}

function toStandingClaim({ _id, claimToken, fence, cancelRequestedAt }: Job): StandingClaim {
  return {
    jobId: _id,
    claimToken: claimToken as string,
    fence,
    ...(cancelRequestedAt && { cancelRequestedAt }),
  };
}
