/**
 * A ledger with faults: what a network and a database do on a bad day, done on purpose.
 *
 * It stands before another ledger and hands every call on, late, in part, not at all, or with its answer lost. A
 * write that failed here is reported with an unknown outcome whether it happened or not, as a real one would be.
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
  type LedgerRepositoryOptions,
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
import type { Random } from '../random.ts';

/** The verbs that faults can be put on: the methods of a ledger, and `hint` for each hint on its way to a watch. */
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
  | 'rescue'
  | 'hint';

/** What goes wrong with one call. */
export interface Fault {
  /** Milliseconds the request is on its way; with 0 it arrives at once. */
  readonly delayBeforeMs?: number;
  /** Milliseconds the answer is on its way; with 0 it comes back at once. */
  readonly delayAfterMs?: number;
  /**
   * `before`: the request is lost, nothing happens. `after`: it is carried out and the answer is lost. `partial`: a
   * part of the batch is carried out, then all is lost; like `after` for a call that is no batch. A read or a hint
   * that fails is just lost.
   */
  readonly fail?: 'before' | 'after' | 'partial';
  /** Carries an enqueue or a settle out in two parts, with this many milliseconds between them. */
  readonly splitMs?: number;
  /** Called, and waited for, when the call has arrived, before anything is carried out. */
  readonly onArrival?: () => unknown;
  /** Called, and waited for, when the answer or the failure has come back, before the caller is told of it. */
  readonly onReply?: () => unknown;
}

/** One call, as it is shown to who chooses the faults. */
export interface FaultyCall {
  readonly verb: FaultyVerb;
  readonly params: unknown;
}

/** One call as it was carried out; calling the same verbs with the same params in order does the same again. */
export interface CarriedOutCall extends FaultyCall {
  readonly answer: unknown;
}

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

/** How often which fault befalls a call: fractions of all calls. */
export interface FaultRates {
  /** The request is lost. @default 0 */
  readonly failBefore?: number;
  /** The call is carried out and reported as failed. @default 0 */
  readonly failAfter?: number;
  /** A part of a batch is carried out and all is reported as failed. @default 0 */
  readonly failPartial?: number;
  /** The longest delay of a request and of an answer, in milliseconds; each is drawn anew. @default 0 */
  readonly delayMs?: number;
}

/** Draws faults from a seeded source, so that a run can be repeated: `new SeededRandom(7)`. */
export function seededFaults(random: Random, rates: FaultRates): (call: FaultyCall) => Fault {
  const { failBefore = 0, failAfter = 0, failPartial = 0, delayMs = 0 } = rates;
  return () => {
    const delays = {
      delayBeforeMs: random.fraction() * delayMs,
      delayAfterMs: random.fraction() * delayMs,
    };
    const drawn = random.fraction();
    if (drawn < failBefore) return { ...delays, fail: 'before' };
    if (drawn < failBefore + failAfter) return { ...delays, fail: 'after' };
    if (drawn < failBefore + failAfter + failPartial) return { ...delays, fail: 'partial' };
    return delays;
  };
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

  protected override performRemove(params: JobParams): Promise<RemoveResult> {
    return this.#write('remove', params, { send: (part) => this.#inner.remove(part) });
  }

  protected override performGetJob(params: JobParams): Promise<Job | null> {
    return this.#read('getJob', params, () => this.#inner.getJob(params));
  }

  protected override performNextDue(params: NextDueParams): Promise<Date | null> {
    return this.#read('nextDue', params, () => this.#inner.nextDue(params));
  }

  protected override performOpenLease(params: OpenLeaseParams): Promise<void> {
    return this.#write('openLease', params, { send: (part) => this.#inner.openLease(part) });
  }

  protected override performRenewLease(params: InstanceParams): Promise<boolean> {
    return this.#write('renewLease', params, { send: (part) => this.#inner.renewLease(part) });
  }

  protected override performReadLeases(): Promise<readonly LeaseRecord[]> {
    return this.#read('readLeases', {}, () => this.#inner.readLeases());
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
