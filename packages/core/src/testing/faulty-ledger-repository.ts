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
import {
  type AnswerOf,
  type LedgerHint,
  LedgerRepository,
  type LedgerRepositoryOptions,
  type LedgerTransactions,
  type LedgerVerb,
  type LedgerVerbs,
  type LedgerWatch,
  type ParamsOf,
} from '../ledger/ledger-repository.ts';
import { surrounded } from '../ledger/verbs/around.ts';
import { isWrite, type Next } from '../ledger/verbs/verb-table.ts';
import type { CarriedOutCall, Fault, FaultyCall, FaultyVerb } from './faults.ts';

/** What a {@link FaultyLedgerRepository} is given. */
export interface FaultyLedgerOptions extends LedgerRepositoryOptions {
  readonly clock: Clock;
  /** The clock that delays run on, when it is not that of the caller: a request travels on while a process stands still. */
  readonly networkClock?: Clock;
  /** Chooses what goes wrong with a call; nothing by default. {@link seededFaults} makes one. */
  readonly chooseFault?: (call: FaultyCall) => Fault | undefined;
  /** Called with every call that the ledger behind answered, in the order of the answers. */
  readonly onCarriedOut?: (call: CarriedOutCall) => void;
}

/** Puts faults between an engine and its ledger. */
export class FaultyLedgerRepository extends LedgerRepository {
  protected override verbs: LedgerVerbs;
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
    this.verbs = surrounded(inner, (verb, params, next) => this.#call(verb, params, next));
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

  override get transactions(): LedgerTransactions | undefined {
    return this.#inner.transactions;
  }

  protected override performOpen(): Promise<void> {
    return this.#inner.open();
  }

  protected override performClose(): Promise<void> {
    return this.#inner.close();
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

  async #call<V extends LedgerVerb>(verb: V, params: ParamsOf<V>, next: Next<V>): Answer<V> {
    const fault = this.#faultFor({ verb, params });
    await this.#arrive(fault);
    const [answer] = await Promise.allSettled([this.#carryOutFaulty(verb, params, fault, next)]);
    await this.#comeBack(fault);
    if (fault.fail === undefined) {
      // What the ledger refuses is an answer too, as late as any other.
      if (answer.status === 'rejected') throw answer.reason;
      return answer.value as AnswerOf<V>;
    }
    const message = `The answer to ${verb} was lost, on purpose`;
    throw isWrite(verb) ? new UnknownOutcomeError(message) : new ConnectionError(message);
  }

  /** A read that fails is just lost; a write may be carried out all the same, as a whole or in part. */
  async #carryOutFaulty<V extends LedgerVerb>(
    verb: V,
    params: ParamsOf<V>,
    { fail, splitMs }: Fault,
    next: Next<V>,
  ): Promise<AnswerOf<V> | undefined> {
    const run = (part: ParamsOf<V>): Answer<V> => this.#carryOut(verb, part, () => next(part));
    const isLost = fail !== undefined && !isWrite(verb);
    if (fail === 'before' || isLost) return undefined;
    const split: Split<V> | undefined = SPLITS[verb];
    const [first = params, ...rest] = split?.parts(params) ?? [];
    if (fail === 'partial') return run(first);
    if (splitMs === undefined || split?.join === undefined) return run(params);
    const answers = [await run(first)];
    for (const part of rest) {
      await sleep(this.#networkClock, splitMs);
      answers.push(await run(part));
    }
    return split.join(answers);
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

type Answer<V extends LedgerVerb> = Promise<AnswerOf<V>>;

/** How a write is carried out in parts. */
interface Split<V extends LedgerVerb> {
  /** The calls that together make up this one, or only the first of them where the answers cannot be joined. */
  readonly parts: (params: ParamsOf<V>) => readonly ParamsOf<V>[];
  readonly join?: (answers: readonly AnswerOf<V>[]) => AnswerOf<V>;
}

function oneOf<P extends { readonly limit: number }>(params: P): readonly P[] {
  return [{ ...params, limit: 1 }];
}

function joined<T>(results: readonly { readonly answers: readonly T[] }[]): {
  readonly answers: readonly T[];
} {
  return { answers: results.flatMap(({ answers }) => answers) };
}

/** The verbs that can be carried out in part. */
const SPLITS: { readonly [V in LedgerVerb]?: Split<V> } = {
  enqueue: {
    parts: (params) => halves(params.jobs).map((jobs) => ({ ...params, jobs })),
    join: joined,
  },
  claim: {
    parts: ({ demand, ...rest }) => {
      const half = demand.map((wanted) => ({ ...wanted, limit: Math.ceil(wanted.limit / 2) }));
      return [{ ...rest, demand: half }];
    },
  },
  settle: {
    parts: (params) =>
      halves(params.settlements).map((settlements) => ({ ...params, settlements })),
    join: joined,
  },
  recover: { parts: oneOf },
  prune: { parts: oneOf },
  rescue: { parts: oneOf },
};

/** One part for a batch of one. */
function halves<T>(items: readonly T[]): (readonly T[])[] {
  const middle = Math.ceil(items.length / 2);
  return items.length < 2 ? [items] : [items.slice(0, middle), items.slice(middle)];
}
