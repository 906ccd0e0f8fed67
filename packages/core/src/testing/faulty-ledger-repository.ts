/**
 * A ledger with faults: what a network and a database do on a bad day, done on purpose.
 *
 * It stands before another ledger and hands every call on, late, in part, not at all, or with its answer lost. A
 * write that failed here is reported with an unknown outcome whether it happened or not, as a real one would be.
 *
 * @module
 */
import { type Clock, sleep } from '../foundation/clock.ts';
import { ConnectionError, UnknownOutcomeError } from '../foundation/errors.ts';
import type { Job } from '../job/job.ts';
import {
  type AmendParams,
  type AmendResult,
  type CancelParams,
  type CancelResult,
  type CheckpointParams,
  type CheckpointResult,
  type ClaimCounts,
  type ClaimParams,
  type ClaimResult,
  type CompleteInSessionParams,
  type CountClaimsParams,
  type CountDueParams,
  type CountDueResult,
  type DeclareDeadParams,
  type EndSeriesParams,
  type EnqueueParams,
  type EnqueueResult,
  type ExpireGatesParams,
  type ExpireGatesResult,
  type FindClaimantsParams,
  type FindJobsParams,
  type FindSeriesParams,
  type GetJobParams,
  type InstanceParams,
  type LeaseRecord,
  type LedgerHint,
  LedgerRepository,
  type LedgerRepositoryOptions,
  type LedgerWatch,
  type MendParams,
  type MendResult,
  type NextDueParams,
  type NoteParams,
  type OpenGateParams,
  type OpenGateResult,
  type OpenLeaseParams,
  type PruneParams,
  type PruneResult,
  type ReadClaimParams,
  type ReadClaimsParams,
  type ReadHistoryParams,
  type ReadLeasesParams,
  type ReadStatsParams,
  type RecoverParams,
  type RecoverResult,
  type RedriveParams,
  type RedriveResult,
  type RemoveParams,
  type RemoveResult,
  type RenewLeaseParams,
  type ReplanParams,
  type RescueParams,
  type RescueResult,
  type SeriesResult,
  type SetMetadataParams,
  type SetMetadataResult,
  type SetPausedParams,
  type SettleParams,
  type SettleResult,
  type StandingClaim,
  type StatsRow,
  type TransitionEntry,
} from '../ledger/ledger-repository.ts';
import type { CarriedOutCall, Fault, FaultyCall, FaultyVerb } from './faults.ts';

/** What a {@link FaultyLedgerRepository} is given. */
export interface FaultyLedgerOptions extends LedgerRepositoryOptions {
  readonly clock: Clock;
  /** The clock that delays run on, when it is not that of the caller: a request travels on while a process stands still. */
  readonly networkClock?: Clock;
  /** Chooses what goes wrong with a call; nothing by default. {@link seededFaults} makes one. */
  readonly chooseFault?: (call: FaultyCall) => Fault | undefined;
  /** Told of every call that the ledger behind answered, in the order of the answers. */
  readonly onCarriedOut?: (call: CarriedOutCall) => void;
}

/** Puts faults between an engine and its ledger. */
export class FaultyLedgerRepository extends LedgerRepository {
  readonly #inner: LedgerRepository;
  readonly #networkClock: Clock;
  readonly #chooseFault: (call: FaultyCall) => Fault | undefined;
  readonly #onCarriedOut: (call: CarriedOutCall) => void;
  readonly #planned: { readonly verb: FaultyVerb; readonly fault: Fault }[] = [];
  readonly #counts = new Map<FaultyVerb, number>();

  /** @param inner - the ledger that carries the calls out */
  constructor(inner: LedgerRepository, options: FaultyLedgerOptions) {
    super(options);
    this.#inner = inner;
    this.#networkClock = options.networkClock ?? options.clock;
    this.#chooseFault = options.chooseFault ?? (() => undefined);
    this.#onCarriedOut = options.onCarriedOut ?? (() => undefined);
  }

  /** Puts a fault on the next call of a verb, or on its next `times` calls. */
  plan(verb: FaultyVerb, fault: Fault, times = 1): void {
    for (let count = 0; count < times; count += 1) this.#planned.push({ verb, fault });
  }

  /** How many calls of a verb were made so far. */
  calls(verb: FaultyVerb): number {
    return this.#counts.get(verb) ?? 0;
  }

  protected override performOpen(): Promise<void> {
    return this.#inner.open();
  }

  protected override performClose(): Promise<void> {
    return this.#inner.close();
  }

  protected override performReadTime(): Promise<Date> {
    return this.#read('readTime', {}, () => this.#inner.readTime());
  }

  protected override performEnqueue(params: EnqueueParams): Promise<EnqueueResult> {
    return this.#write('enqueue', params, {
      send: (part) => this.#inner.enqueue(part),
      parts: halves(params.jobs).map((jobs) => ({ ...params, jobs })),
      join: (results) => ({ answers: results.flatMap(({ answers }) => answers) }),
    });
  }

  protected override performClaim(params: ClaimParams): Promise<ClaimResult> {
    const demand = params.demand.map(({ name, limit }) => ({ name, limit: Math.ceil(limit / 2) }));
    return this.#write('claim', params, {
      send: (part) => this.#inner.claim(part),
      parts: [{ ...params, demand }],
    });
  }

  protected override performReadClaim(params: ReadClaimParams): Promise<readonly Job[]> {
    return this.#read('readClaim', params, () => this.#inner.readClaim(params));
  }

  protected override performSettle(params: SettleParams): Promise<SettleResult> {
    return this.#write('settle', params, {
      send: (part) => this.#inner.settle(part),
      parts: halves(params.settlements).map((settlements) => ({ ...params, settlements })),
      join: (results) => ({ answers: results.flatMap(({ answers }) => answers) }),
    });
  }

  protected override performCancel(params: CancelParams): Promise<CancelResult> {
    return this.#write('cancel', params, { send: (part) => this.#inner.cancel(part) });
  }

  protected override performRemove(params: RemoveParams): Promise<RemoveResult> {
    return this.#write('remove', params, { send: (part) => this.#inner.remove(part) });
  }

  protected override performRedrive(params: RedriveParams): Promise<RedriveResult> {
    return this.#write('redrive', params, { send: (part) => this.#inner.redrive(part) });
  }

  protected override performAmend(params: AmendParams): Promise<AmendResult> {
    return this.#write('amend', params, { send: (part) => this.#inner.amend(part) });
  }

  protected override performReplan(params: ReplanParams): Promise<SeriesResult> {
    return this.#write('replan', params, { send: (part) => this.#inner.replan(part) });
  }

  protected override performEndSeries(params: EndSeriesParams): Promise<SeriesResult> {
    return this.#write('endSeries', params, { send: (part) => this.#inner.endSeries(part) });
  }

  protected override performFindSeries(params: FindSeriesParams): Promise<readonly Job[]> {
    return this.#read('findSeries', params, () => this.#inner.findSeries(params));
  }

  protected override performSetMetadata(params: SetMetadataParams): Promise<SetMetadataResult> {
    return this.#write('setMetadata', params, { send: (part) => this.#inner.setMetadata(part) });
  }

  protected override performMend(params: MendParams): Promise<MendResult> {
    return this.#write('mend', params, { send: (part) => this.#inner.mend(part) });
  }

  protected override performReadHistory(
    params: ReadHistoryParams,
  ): Promise<readonly TransitionEntry[]> {
    return this.#read('readHistory', params, () => this.#inner.readHistory(params));
  }

  protected override performNote(params: NoteParams): Promise<boolean> {
    return this.#write('note', params, { send: (part) => this.#inner.note(part) });
  }

  protected override performCheckpoint(params: CheckpointParams): Promise<CheckpointResult> {
    return this.#write('checkpoint', params, { send: (part) => this.#inner.checkpoint(part) });
  }

  protected override performOpenGate(params: OpenGateParams): Promise<OpenGateResult> {
    return this.#write('openGate', params, { send: (part) => this.#inner.openGate(part) });
  }

  protected override performExpireGates(params: ExpireGatesParams): Promise<ExpireGatesResult> {
    return this.#write('expireGates', params, { send: (part) => this.#inner.expireGates(part) });
  }

  protected override performCompleteInSession(params: CompleteInSessionParams): Promise<boolean> {
    return this.#write('completeInSession', params, {
      send: (part) => this.#inner.completeInSession(part),
    });
  }

  protected override performFindJobs(params: FindJobsParams): Promise<readonly Job[]> {
    return this.#read('findJobs', params, () => this.#inner.findJobs(params));
  }

  protected override performReadStats(params: ReadStatsParams): Promise<readonly StatsRow[]> {
    return this.#read('readStats', params, () => this.#inner.readStats(params));
  }

  protected override performSetPaused(params: SetPausedParams): Promise<void> {
    return this.#write('setPaused', params, { send: (part) => this.#inner.setPaused(part) });
  }

  protected override performReadPaused(): Promise<readonly string[]> {
    return this.#read('readPaused', {}, () => this.#inner.readPaused());
  }

  protected override performRecover(params: RecoverParams): Promise<RecoverResult> {
    return this.#write('recover', params, {
      send: (part) => this.#inner.recover(part),
      parts: [{ ...params, limit: 1 }],
    });
  }

  protected override performPrune(params: PruneParams): Promise<PruneResult> {
    return this.#write('prune', params, {
      send: (part) => this.#inner.prune(part),
      parts: [{ ...params, limit: 1 }],
    });
  }

  protected override performGetJob(params: GetJobParams): Promise<Job | null> {
    return this.#read('getJob', params, () => this.#inner.getJob(params));
  }

  protected override performNextDue(params: NextDueParams): Promise<Date | null> {
    return this.#read('nextDue', params, () => this.#inner.nextDue(params));
  }

  protected override performOpenLease(params: OpenLeaseParams): Promise<void> {
    return this.#write('openLease', params, { send: (part) => this.#inner.openLease(part) });
  }

  protected override performRenewLease(params: RenewLeaseParams): Promise<boolean> {
    return this.#write('renewLease', params, { send: (part) => this.#inner.renewLease(part) });
  }

  protected override performReadLeases(params: ReadLeasesParams): Promise<readonly LeaseRecord[]> {
    return this.#read('readLeases', params, () => this.#inner.readLeases(params));
  }

  protected override performDeclareDead(params: DeclareDeadParams): Promise<boolean> {
    return this.#write('declareDead', params, { send: (part) => this.#inner.declareDead(part) });
  }

  protected override performEndLease(params: InstanceParams): Promise<void> {
    return this.#write('endLease', params, { send: (part) => this.#inner.endLease(part) });
  }

  protected override performRemoveLease(params: InstanceParams): Promise<void> {
    return this.#write('removeLease', params, { send: (part) => this.#inner.removeLease(part) });
  }

  protected override performFindClaimants(params: FindClaimantsParams): Promise<readonly string[]> {
    return this.#read('findClaimants', params, () => this.#inner.findClaimants(params));
  }

  protected override performReadClaims(
    params: ReadClaimsParams,
  ): Promise<readonly StandingClaim[]> {
    return this.#read('readClaims', params, () => this.#inner.readClaims(params));
  }

  protected override performCountClaims(params: CountClaimsParams): Promise<ClaimCounts> {
    return this.#read('countClaims', params, () => this.#inner.countClaims(params));
  }

  protected override performCountDue(params: CountDueParams): Promise<CountDueResult> {
    return this.#read('countDue', params, () => this.#inner.countDue(params));
  }

  protected override performRescue(params: RescueParams): Promise<RescueResult> {
    return this.#write('rescue', params, {
      send: (part) => this.#inner.rescue(part),
      parts: [{ ...params, limit: 1 }],
    });
  }

  protected override performWatch(listener: (hint: LedgerHint) => void): Promise<LedgerWatch> {
    return this.#inner.watch((hint) => {
      const fault = this.#faultFor({ verb: 'hint', params: hint });
      const isClean = Object.values(fault).every((part) => part === undefined);
      if (isClean) listener(hint);
      else void this.#passOn(hint, fault, listener);
    });
  }

  async #passOn(
    hint: LedgerHint,
    fault: Fault,
    listener: (hint: LedgerHint) => void,
  ): Promise<void> {
    await this.#arrive(fault);
    if (fault.fail !== undefined) return;
    await this.#comeBack(fault);
    listener(hint);
  }

  async #read<T>(verb: FaultyVerb, params: unknown, send: () => Promise<T>): Promise<T> {
    const fault = this.#faultFor({ verb, params });
    await this.#arrive(fault);
    const answer = fault.fail === undefined ? await this.#carryOut(verb, params, send) : undefined;
    await this.#comeBack(fault);
    if (fault.fail === undefined) return answer as T;
    throw new ConnectionError(`The answer to ${verb} was lost, on purpose`);
  }

  async #write<P, T>(verb: FaultyVerb, params: P, way: Way<P, T>): Promise<T> {
    const fault = this.#faultFor({ verb, params });
    await this.#arrive(fault);
    const answer = await this.#carryOutFaulty(verb, params, fault, way);
    await this.#comeBack(fault);
    if (fault.fail === undefined) return answer as T;
    throw new UnknownOutcomeError(`The answer to ${verb} was lost, on purpose`);
  }

  async #carryOutFaulty<P, T>(
    verb: FaultyVerb,
    params: P,
    fault: Fault,
    { send, parts = [params], join }: Way<P, T>,
  ): Promise<T | undefined> {
    const run = (part: P): Promise<T> => this.#carryOut(verb, part, () => send(part));
    if (fault.fail === 'before') return undefined;
    if (fault.fail === 'partial') return run(parts[0] as P);
    if (fault.splitMs === undefined || join === undefined) return run(params);
    const answers: T[] = [];
    for (const part of parts) {
      if (answers.length > 0) await sleep(this.#networkClock, fault.splitMs);
      answers.push(await run(part));
    }
    return join(answers);
  }

  async #carryOut<T>(verb: FaultyVerb, params: unknown, send: () => Promise<T>): Promise<T> {
    const answer = await send();
    this.#onCarriedOut({ verb, params, answer });
    return answer;
  }

  async #arrive({ delayBeforeMs, onArrival }: Fault): Promise<void> {
    if (delayBeforeMs) await sleep(this.#networkClock, delayBeforeMs);
    await onArrival?.();
  }

  async #comeBack({ delayAfterMs, onReply }: Fault): Promise<void> {
    if (delayAfterMs) await sleep(this.#networkClock, delayAfterMs);
    await onReply?.();
  }

  #faultFor(call: FaultyCall): Fault {
    this.#counts.set(call.verb, this.calls(call.verb) + 1);
    const index = this.#planned.findIndex(({ verb }) => verb === call.verb);
    const [planned] = index < 0 ? [] : this.#planned.splice(index, 1);
    return planned?.fault ?? this.#chooseFault(call) ?? {};
  }
}

/** How a write is carried out, as a whole or in parts. */
interface Way<P, T> {
  readonly send: (params: P) => Promise<T>;
  /** The calls that together make up this one, or only the first of them where the answers cannot be joined. */
  readonly parts?: readonly P[];
  readonly join?: (answers: readonly T[]) => T;
}

/** One part for a batch of one. */
function halves<T>(items: readonly T[]): (readonly T[])[] {
  const middle = Math.ceil(items.length / 2);
  return items.length < 2 ? [items] : [items.slice(0, middle), items.slice(middle)];
}
