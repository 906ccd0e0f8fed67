/**
 * A ledger in memory that takes its time as MongoDB does: a verb is several commands, each one step, and others get
 * their turn in between. States and guards are those of the lifecycle table; leases are those of the in-memory ledger.
 */

import type { Job } from '../../src/index.ts';
import type {
  ClaimGroupsParams,
  ClaimGroupsResult,
  CloseFlowParams,
  CloseFlowResult,
  FindAheadParams,
  FindJobsParams,
  FlowReading,
  JobAhead,
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
  type SweepOrdersResult,
  type TakeShareParams,
  type TakeShareResult,
} from '../../src/ledger/ledger-repository.ts';
import { Hints } from '../../src/ledger/memory/hints.ts';
import { answerUnmatched, settlementParams } from '../../src/ledger/settle-answers.ts';
import { SteppedFlows } from './flows/stepped-flows.ts';
import { byClaimOrder, chooseDue } from './stepped-claims.ts';
import { SteppedControl } from './stepped-control.ts';
import { SteppedGroups } from './stepped-groups.ts';
import { SteppedJobs } from './stepped-jobs.ts';
import { SteppedLeases } from './stepped-leases.ts';
import { SteppedLimits } from './stepped-limits.ts';
import { SteppedOrders } from './stepped-orders.ts';
import { NO_HINTS, type SteppedLedgerParams } from './stepped-params.ts';
import { SteppedStages } from './stepped-stages.ts';
import { SimulatedSession } from './transactions/host-transactions.ts';
import { TransactionServer } from './transactions/server-transactions.ts';
import { UnsimulatedVerbs } from './unsimulated-verbs.ts';

/** A ledger whose verbs take the steps of the MongoDB ledger. */
export class SteppedLedger extends LedgerRepository {
  readonly transactionServer: TransactionServer;
  protected override verbs: LedgerVerbs;
  readonly #hints: Hints;
  readonly #canHint: boolean;

  constructor(params: SteppedLedgerParams) {
    super({ clock: params.clock });
    this.#hints = new Hints(params.clock);
    this.#canHint = params.canHint;
    const verbs = new SteppedVerbs(params, this.#hints);
    this.verbs = verbs;
    this.transactionServer = verbs.transactionServer;
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
  readonly #leases: SteppedLeases;
  readonly #hints: Hints;
  readonly #paused = new Set<string>();
  readonly #groups: SteppedGroups;
  readonly transactionServer: TransactionServer;

  constructor(params: SteppedLedgerParams, hints: Hints) {
    super();
    this.#params = params;
    this.#hints = hints;
    this.#jobs = new SteppedJobs(params.observer, this.#hints);
    this.#leases = new SteppedLeases(this.#jobs, params);
    this.transactionServer = new TransactionServer(params.world, params.observer, {
      stamp: (job) => this.#jobs.stamp(job),
      store: (jobs) => {
        for (const job of jobs) this.#jobs.put(job);
      },
    });
    this.#orders = new SteppedOrders(this.#jobs, params.letOthersIn);
    this.#limits = new SteppedLimits({
      ...params,
      hints,
      isLive: (instanceId) => this.#leases.isLive(instanceId),
      hasClaims: (instanceId) => this.#leases.claimsOf(instanceId).length > 0,
    });
    this.#flows = new SteppedFlows(this.#jobs, params.observer, params.letOthersIn);
    this.#control = new SteppedControl(this.#jobs, this.#orders, this.#flows, params.letOthersIn);
    this.#stages = new SteppedStages(this.#jobs, params.letOthersIn);
    this.#groups = new SteppedGroups({
      ...params,
      jobs: this.#jobs,
      readClaim: (claim) => this.readClaim(claim),
    });
  }

  async readTime(): Promise<Date> {
    return new Date(this.#params.clock.now());
  }

  async enqueue({ jobs, session }: EnqueueParams): Promise<EnqueueResult> {
    if (session instanceof SimulatedSession) {
      this.transactionServer.insert(session.transaction, jobs);
      return { answers: jobs.map((job) => ({ outcome: 'enqueued', job })) };
    }
    const answers: EnqueueAnswer[] = [];
    const { letOthersIn } = this.#params;
    for (const job of jobs) answers.push(await this.#jobs.storeUnlessTaken(job, letOthersIn));
    return { answers };
  }

  async claim(params: ClaimParams): Promise<ClaimResult> {
    this.#params.observer.claimBegins(params.claimToken);
    const { chosen, ...names } = chooseDue(this.#jobs, params, this.#params.sample);
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
    this.#params.observer.claimEnds(params.claimToken);
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
    const orders = await this.#orders.sweep(params);
    return { ...orders, swept: orders.swept + swept };
  }

  findAhead(params: FindAheadParams): Promise<JobAhead | null> {
    return this.#orders.findAhead(params);
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
    return this.#leases
      .claimsOf(params.instanceId)
      .filter(({ claimToken }) => claimToken === params.claimToken)
      .sort(byClaimOrder);
  }

  async settle({ settlements, now }: SettleParams): Promise<SettleResult> {
    const answers = new Map<number, 'settled'>();
    for (const [index, settlement] of settlements.entries()) {
      const { verb, jobId } = settlement;
      const settled = this.#jobs.moveIfFree(verb, jobId, settlementParams(settlement, now));
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

  openLease(params: OpenLeaseParams): Promise<void> {
    return this.#leases.openLease(params);
  }

  renewLease(params: RenewLeaseParams): Promise<boolean> {
    return this.#leases.renewLease(params);
  }

  readLeases(): Promise<readonly LeaseRecord[]> {
    return this.#leases.readLeases();
  }

  declareDead(params: DeclareDeadParams): Promise<boolean> {
    return this.#leases.declareDead(params);
  }

  endLease(params: InstanceParams): Promise<void> {
    return this.#leases.endLease(params);
  }

  removeLease(params: InstanceParams): Promise<void> {
    return this.#leases.removeLease(params);
  }

  findClaimants(params: FindClaimantsParams): Promise<readonly string[]> {
    return this.#leases.findClaimants(params);
  }

  readClaims(params: ReadClaimsParams): Promise<readonly StandingClaim[]> {
    return this.#leases.readClaims(params);
  }

  rescue(params: RescueParams): Promise<RescueResult> {
    return this.#leases.rescue(params);
  }
}
