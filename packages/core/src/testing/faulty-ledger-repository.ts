/**
 * A ledger with faults: what a network and a database do on a bad day, done on purpose.
 *
 * It stands before another ledger and hands every call on, late, in part, twice, not at all, or with its answer lost.
 * A write that failed here is reported with an unknown outcome whether it happened or not, as a real one would be.
 *
 * @module
 */
import { type Clock, sleep } from '../clock.ts';
import { ConnectionError, UnknownOutcomeError } from '../errors.ts';
import type { Job } from '../job.ts';
import {
  type CancelParams,
  type CancelResult,
  type ClaimParams,
  type ClaimResult,
  type DeclareDeadParams,
  type EnqueueParams,
  type EnqueueResult,
  type FindClaimantsParams,
  type InstanceParams,
  type JobParams,
  type LeaseRecord,
  type LedgerHint,
  LedgerRepository,
  type LedgerWatch,
  type NextDueParams,
  type OpenLeaseParams,
  type ReadClaimParams,
  type ReadClaimsParams,
  type RemoveResult,
  type RescueParams,
  type RescueResult,
  type SettleParams,
  type SettleResult,
  type StandingClaim,
} from '../ledger/ledger-repository.ts';

/** The verbs that faults can be put on. */
export type FaultyVerb =
  | 'readTime'
  | 'enqueue'
  | 'claim'
  | 'readClaim'
  | 'settle'
  | 'cancel'
  | 'remove'
  | 'getJob'
  | 'nextDue'
  | 'openLease'
  | 'renewLease'
  | 'readLeases'
  | 'declareDead'
  | 'endLease'
  | 'removeLease'
  | 'findClaimants'
  | 'readClaims'
  | 'rescue';

/** What goes wrong with one call. */
export interface Fault {
  /** Milliseconds the request is on its way. */
  readonly delayBeforeMs?: number;
  /** Milliseconds the answer is on its way. */
  readonly delayAfterMs?: number;
  /**
   * `before`: the request is lost, nothing happens. `after`: it is carried out and the answer is lost. `partial`: a
   * part of the batch is carried out, then all is lost; like `after` for a call that is no batch.
   */
  readonly fail?: 'before' | 'after' | 'partial';
  /** Carries a batch out in two parts, with this many milliseconds between them. */
  readonly splitMs?: number;
  /** Called when the call has arrived, before anything is carried out. */
  readonly onArrival?: () => unknown;
}

/** One call, as it is shown to who chooses the faults. */
export interface FaultyCall {
  readonly verb: FaultyVerb;
  readonly params: unknown;
}

/** What a {@link FaultyLedgerRepository} is given. */
export interface FaultyLedgerOptions {
  readonly clock: Clock;
  /** Chooses what goes wrong with a call; nothing by default. Draw from a seeded source to be able to repeat a run. */
  readonly chooseFault?: (call: FaultyCall) => Fault | undefined;
}

/** Puts faults between an engine and its ledger. */
export class FaultyLedgerRepository extends LedgerRepository {
  readonly #inner: LedgerRepository;
  readonly #chooseFault: (call: FaultyCall) => Fault | undefined;
  readonly #planned: { readonly verb: FaultyVerb; readonly fault: Fault }[] = [];
  readonly #counts = new Map<FaultyVerb, number>();

  /** @param inner - the ledger that carries the calls out */
  constructor(inner: LedgerRepository, options: FaultyLedgerOptions) {
    super(options);
    this.#inner = inner;
    this.#chooseFault = options.chooseFault ?? (() => undefined);
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
    const run = (jobs: EnqueueParams['jobs']) => this.#inner.enqueue({ ...params, jobs });
    return this.#write('enqueue', params, {
      all: () => run(params.jobs),
      part: () => run(firstHalf(params.jobs)),
      split: async (pause) => {
        const first = await run(firstHalf(params.jobs));
        await pause();
        const second = await run(secondHalf(params.jobs));
        return { answers: [...first.answers, ...second.answers] };
      },
    });
  }

  protected override performClaim(params: ClaimParams): Promise<ClaimResult> {
    return this.#write('claim', params, {
      all: () => this.#inner.claim(params),
      part: () => {
        const demand = params.demand.map(({ name, limit }) => ({
          name,
          limit: Math.ceil(limit / 2),
        }));
        return this.#inner.claim({ ...params, demand });
      },
    });
  }

  protected override performReadClaim(params: ReadClaimParams): Promise<readonly Job[]> {
    return this.#read('readClaim', params, () => this.#inner.readClaim(params));
  }

  protected override performSettle(params: SettleParams): Promise<SettleResult> {
    const run = (settlements: SettleParams['settlements']) =>
      this.#inner.settle({ ...params, settlements });
    return this.#write('settle', params, {
      all: () => run(params.settlements),
      part: () => run(firstHalf(params.settlements)),
      split: async (pause) => {
        const first = await run(firstHalf(params.settlements));
        await pause();
        const second = await run(secondHalf(params.settlements));
        return { answers: [...first.answers, ...second.answers] };
      },
    });
  }

  protected override performCancel(params: CancelParams): Promise<CancelResult> {
    return this.#write('cancel', params, { all: () => this.#inner.cancel(params) });
  }

  protected override performRemove(params: JobParams): Promise<RemoveResult> {
    return this.#write('remove', params, { all: () => this.#inner.remove(params) });
  }

  protected override performGetJob(params: JobParams): Promise<Job | null> {
    return this.#read('getJob', params, () => this.#inner.getJob(params));
  }

  protected override performNextDue(params: NextDueParams): Promise<Date | null> {
    return this.#read('nextDue', params, () => this.#inner.nextDue(params));
  }

  protected override performOpenLease(params: OpenLeaseParams): Promise<void> {
    return this.#write('openLease', params, { all: () => this.#inner.openLease(params) });
  }

  protected override performRenewLease(params: InstanceParams): Promise<boolean> {
    return this.#write('renewLease', params, { all: () => this.#inner.renewLease(params) });
  }

  protected override performReadLeases(): Promise<readonly LeaseRecord[]> {
    return this.#read('readLeases', {}, () => this.#inner.readLeases());
  }

  protected override performDeclareDead(params: DeclareDeadParams): Promise<boolean> {
    return this.#write('declareDead', params, { all: () => this.#inner.declareDead(params) });
  }

  protected override performEndLease(params: InstanceParams): Promise<void> {
    return this.#write('endLease', params, { all: () => this.#inner.endLease(params) });
  }

  protected override performRemoveLease(params: InstanceParams): Promise<void> {
    return this.#write('removeLease', params, { all: () => this.#inner.removeLease(params) });
  }

  protected override performFindClaimants(params: FindClaimantsParams): Promise<readonly string[]> {
    return this.#read('findClaimants', params, () => this.#inner.findClaimants(params));
  }

  protected override performReadClaims(
    params: ReadClaimsParams,
  ): Promise<readonly StandingClaim[]> {
    return this.#read('readClaims', params, () => this.#inner.readClaims(params));
  }

  protected override performRescue(params: RescueParams): Promise<RescueResult> {
    return this.#write('rescue', params, {
      all: () => this.#inner.rescue(params),
      part: () => this.#inner.rescue({ ...params, limit: 1 }),
    });
  }

  protected override performWatch(listener: (hint: LedgerHint) => void): Promise<LedgerWatch> {
    return this.#inner.watch(listener);
  }

  async #read<T>(verb: FaultyVerb, params: unknown, all: () => Promise<T>): Promise<T> {
    const fault = this.#faultFor({ verb, params });
    await this.#arrive(fault);
    const result = fault.fail === undefined ? await all() : undefined;
    await sleepIfAny(this.clock, fault.delayAfterMs);
    if (fault.fail === undefined) return result as T;
    throw new ConnectionError(`The answer to ${verb} was lost, on purpose`);
  }

  async #write<T>(verb: FaultyVerb, params: unknown, carryOut: CarryOut<T>): Promise<T> {
    const fault = this.#faultFor({ verb, params });
    await this.#arrive(fault);
    const result = await this.#carryOut(fault, carryOut);
    await sleepIfAny(this.clock, fault.delayAfterMs);
    if (fault.fail === undefined) return result as T;
    throw new UnknownOutcomeError(`The answer to ${verb} was lost, on purpose`);
  }

  async #carryOut<T>(fault: Fault, { all, part, split }: CarryOut<T>): Promise<T | undefined> {
    if (fault.fail === 'before') return undefined;
    if (fault.fail === 'partial' && part) return part();
    const { splitMs } = fault;
    if (splitMs !== undefined && split) return split(() => sleep(this.clock, splitMs));
    return all();
  }

  async #arrive({ delayBeforeMs, onArrival }: Fault): Promise<void> {
    await sleepIfAny(this.clock, delayBeforeMs);
    await onArrival?.();
  }

  #faultFor(call: FaultyCall): Fault {
    this.#counts.set(call.verb, this.calls(call.verb) + 1);
    const index = this.#planned.findIndex(({ verb }) => verb === call.verb);
    const [planned] = index < 0 ? [] : this.#planned.splice(index, 1);
    return planned?.fault ?? this.#chooseFault(call) ?? {};
  }
}

/** The ways a write may be carried out. */
interface CarryOut<T> {
  readonly all: () => Promise<T>;
  readonly part?: () => Promise<T>;
  readonly split?: (pause: () => Promise<void>) => Promise<T>;
}

async function sleepIfAny(clock: Clock, delayMs: number | undefined): Promise<void> {
  if (delayMs !== undefined) await sleep(clock, delayMs);
}

function firstHalf<T>(items: readonly T[]): readonly T[] {
  return items.slice(0, Math.ceil(items.length / 2));
}

function secondHalf<T>(items: readonly T[]): readonly T[] {
  return items.slice(Math.ceil(items.length / 2));
}
