/**
 * The rules of a ledger, and what happens to writes that break them.
 *
 * What always holds: a write that an enforced rule refuses is never sent, alone out of its batch, and whoever sent it
 * is reported by an {@link InvariantViolationError}; while no rule wants to see a verb, its writes are not looked at.
 *
 * @module
 */
import {
  type Check,
  checkFields,
  checkFunction,
  fields,
  integer,
  oneOf,
  text,
} from '../../foundation/argument-checks.ts';
import type { Clock } from '../../foundation/clock.ts';
import { InvalidArgumentError, InvariantViolationError } from '../../foundation/errors.ts';
import type { Job } from '../../job/job.ts';
import { LARGEST_PAYLOAD_BYTES } from '../../job/payload.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { EnqueueAnswer, EnqueueParams, EnqueueResult } from '../verbs/enqueue.ts';
import { sendRest } from '../verbs/partial-send.ts';
import type { SettleAnswer, Settlement, SettleParams, SettleResult } from '../verbs/settle.ts';
import type { LedgerVerb, ParamsOf } from '../verbs/verb-table.ts';
import {
  type BuiltInRule,
  type InvariantMode,
  type InvariantRule,
  type KnownRule,
  knownRules,
  type LedgerWrite,
  type RuleBreach,
} from './known-rules.ts';
import { breachOf } from './rule-answers.ts';
import { WRITES, writeOfJob, writeOfSettlement } from './writes.ts';

/** The most bytes of one stored value when nothing else is said, where the rule `payloadSize` is on. */
export const DEFAULT_MAX_STORED_BYTES = 1_048_576;

const LONGEST_NAME = 100;
const MOST_RULES = 100;

/** Which rules a ledger has, and what they do. */
export interface InvariantOptions {
  /**
   * What happens to a write that breaks a rule, by the name of the rule. The rules `status`, `stageOrder`,
   * `gateEvidence`, `retryCount` and `locks` are conditions of the writes themselves and always enforced.
   *
   * @default `enforce`, but `off` for `payloadSize`
   */
  readonly modes?: Readonly<Record<string, InvariantMode>>;
  /** Rules of your own. @default none */
  readonly rules?: readonly InvariantRule[];
  /** For the rule `payloadSize`: the most bytes of one stored value, up to 15 MiB. @default 1048576 */
  readonly maxPayloadBytes?: number;
}

/** A rule that was broken, and whether the write was refused. */
export interface InvariantViolation {
  readonly error: InvariantViolationError;
  /** False where the rule only reports: then the write was made. */
  readonly isRefused: boolean;
}

/** What a rule finds wrong with a stored job. */
export interface JobFinding {
  readonly rule: string;
  readonly breach: RuleBreach;
}

/** A rule that is not off. */
interface RuleInUse {
  readonly rule: InvariantRule;
  readonly isEnforced: boolean;
}

/** Where violations go, and what is measured. */
export interface InvariantContext {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly report: (violation: InvariantViolation) => void;
}

/** The errors of what was refused in a call, by their places. */
type Refusals = ReadonlyMap<number, InvariantViolationError>;

/** Checks a ledger's writes. */
export class Invariants {
  readonly #context: InvariantContext;
  #rules: readonly RuleInUse[] = [];
  /** The rules that want to see a verb, for the verbs that some rule names. */
  #rulesByVerb: ReadonlyMap<string, readonly RuleInUse[]> = new Map();
  /** The rules that want to see every verb. */
  #rulesOfAllVerbs: readonly RuleInUse[] = [];

  /** @throws InvalidArgumentError when an option is wrong */
  constructor(options: InvariantOptions, context: InvariantContext) {
    this.#context = context;
    this.use(options);
  }

  /**
   * Takes other options, all of them or none.
   *
   * @throws InvalidArgumentError when one is wrong; then nothing has changed
   */
  use(options: InvariantOptions): void {
    checkInvariantOptions('invariants', options);
    const { modes = {}, rules = [], maxPayloadBytes = DEFAULT_MAX_STORED_BYTES } = options;
    const known = knownRules(maxPayloadBytes);
    const inUse = (rule: InvariantRule, otherwise: InvariantMode): RuleInUse[] => {
      const given = Object.hasOwn(modes, rule.name) ? modes[rule.name] : undefined;
      const mode = given ?? otherwise;
      return mode === 'off' ? [] : [{ rule, isEnforced: mode === 'enforce' }];
    };
    this.#rules = [
      ...known.flatMap((rule) => inUse(rule, rule.isGuarded ? 'enforce' : 'off')),
      ...rules.flatMap((rule) => inUse(rule, 'enforce')),
    ];
    const seeing = (verb?: string): readonly RuleInUse[] =>
      this.#rules.filter(({ rule }) => sees(rule, verb));
    const verbs = known.flatMap((rule) => (rule.verbs === 'all' ? [] : rule.verbs));
    this.#rulesOfAllVerbs = seeing();
    this.#rulesByVerb = new Map(verbs.map((verb) => [verb, seeing(verb)]));
  }

  /** Stores what no rule refuses; each job that one does is answered with the error. */
  enqueue(
    params: EnqueueParams,
    send: (params: EnqueueParams) => Promise<EnqueueResult>,
  ): Promise<EnqueueResult> {
    const isSeen = this.#rulesFor('enqueue').length > 0;
    const refusals = isSeen ? this.#refusals(params.jobs.map(writeOfJob)) : NONE;
    return refusals.size === 0 ? send(params) : this.#enqueueOthers(params, refusals, send);
  }

  async #enqueueOthers(
    params: EnqueueParams,
    refusals: Refusals,
    send: (params: EnqueueParams) => Promise<EnqueueResult>,
  ): Promise<EnqueueResult> {
    const refusalOf = (_: Job, index: number): EnqueueAnswer | undefined => {
      const error = refusals.get(index);
      return error && { outcome: 'refused', error };
    };
    const answers = await sendRest(params.jobs, refusalOf, async (jobs) => {
      return (await send({ ...params, jobs })).answers;
    });
    return { answers };
  }

  /** Sends what no rule refuses; the others are answered as refused, and stand in `refusals` by their places. */
  settle(
    params: SettleParams,
    send: (params: SettleParams) => Promise<SettleResult>,
  ): Promise<SettleResult & { readonly refusals?: Refusals }> {
    const isSeen = params.settlements.some(({ verb }) => this.#rulesFor(verb).length > 0);
    const refusals = isSeen ? this.#refusals(params.settlements.map(writeOfSettlement)) : NONE;
    return refusals.size === 0 ? send(params) : this.#settleOthers(params, refusals, send);
  }

  async #settleOthers(
    params: SettleParams,
    refusals: Refusals,
    send: (params: SettleParams) => Promise<SettleResult>,
  ): Promise<SettleResult & { readonly refusals: Refusals }> {
    const refusalOf = (_: Settlement, index: number): SettleAnswer | undefined =>
      refusals.has(index) ? 'refused' : undefined;
    const answers = await sendRest(params.settlements, refusalOf, async (settlements) => {
      return (await send({ ...params, settlements })).answers;
    });
    return { refusals, answers };
  }

  /**
   * Looks at the write of a verb that concerns one job.
   *
   * @throws InvariantViolationError when a rule refuses it
   */
  admit<V extends LedgerVerb>(verb: V, params: ParamsOf<V>): void {
    const toWrite: ((params: ParamsOf<V>) => LedgerWrite) | undefined = WRITES[verb];
    if (toWrite === undefined || this.#rulesFor(verb).length === 0) return;
    const refusal = this.#refusals([toWrite(params)]).get(0);
    if (refusal !== undefined) throw refusal;
  }

  /** Reports a write that the ledger itself refused, since a condition of it did not hold. */
  guardRefused(rule: BuiltInRule, write: LedgerWrite, message: string): void {
    this.#report(violationOf(rule, write, { message }), true);
  }

  /** What the rules that are not off find wrong with a stored job. */
  find(job: Job): readonly JobFinding[] {
    const write: LedgerWrite = { verb: 'audit', jobId: job._id, job };
    return this.#rules.flatMap(({ rule }) => {
      const breach = breachOf(rule, write);
      return breach === undefined ? [] : [{ rule: rule.name, breach }];
    });
  }

  #rulesFor(verb: string): readonly RuleInUse[] {
    return this.#rulesByVerb.get(verb) ?? this.#rulesOfAllVerbs;
  }

  /** The errors of the writes that are refused, by their places. Each rule is measured over all of them. */
  #refusals(writes: readonly LedgerWrite[]): Refusals {
    const { clock, metrics } = this.#context;
    const refusals = new Map<number, InvariantViolationError>();
    for (const { rule, isEnforced } of this.#rulesOf(writes)) {
      const startedMs = clock.monotonic();
      for (const [index, write] of writes.entries()) {
        const breach = refusals.has(index) ? undefined : breachOf(rule, write);
        if (breach === undefined) continue;
        const error = violationOf(rule.name, write, breach);
        this.#report(error, isEnforced);
        if (isEnforced) refusals.set(index, error);
      }
      metrics.record('ruleMs', { rule: rule.name }, clock.monotonic() - startedMs);
    }
    return refusals;
  }

  #report(error: InvariantViolationError, isRefused: boolean): void {
    this.#context.metrics.count('violations', { rule: error.rule });
    this.#context.report({ error, isRefused });
  }

  /** Every rule that wants to see one of the writes. */
  #rulesOf(writes: readonly LedgerWrite[]): ReadonlySet<RuleInUse> {
    const verbs = new Set(writes.map(({ verb }) => verb));
    return new Set([...verbs].flatMap((verb) => this.#rulesFor(verb)));
  }
}

const NONE: Refusals = new Map();

/**
 * Checks the options of rules.
 *
 * @throws InvalidArgumentError when one is wrong
 */
export function checkInvariantOptions(field: string, options: unknown): void {
  const { rules = [] } = Object(options) as InvariantOptions;
  checkFields(field, options, {
    rules: checkRules,
    modes: (place, modes) => {
      checkRules(`${field}.rules`, rules);
      checkFields(place, modes, modeChecks(rules));
    },
    maxPayloadBytes: integer(16, LARGEST_PAYLOAD_BYTES),
  });
}

const KNOWN = knownRules(DEFAULT_MAX_STORED_BYTES);

const checkRules: Check = (field, value) => {
  if (!Array.isArray(value) || value.length > MOST_RULES) {
    throw new InvalidArgumentError(field, `a list of at most ${MOST_RULES} rules`, value);
  }
  const taken = new Set<string>(KNOWN.map(({ name }) => name));
  for (const [index, rule] of value.entries()) {
    const place = `${field}[${index}]`;
    const checks = { name: text(LONGEST_NAME), check: checkFunction };
    fields(checks, ['name', 'check'])(place, rule);
    if (taken.has(rule.name)) {
      throw new InvalidArgumentError(`${place}.name`, 'a name that no other rule has', rule.name);
    }
    taken.add(rule.name);
  }
};

function modeChecks(rules: readonly InvariantRule[]): Readonly<Record<string, Check>> {
  const anyMode = oneOf('enforce', 'report', 'off');
  return Object.fromEntries([
    ...KNOWN.map(({ name, isGuarded }) => [name, isGuarded ? checkGuarded : anyMode] as const),
    ...rules.map(({ name }) => [name, anyMode] as const),
  ]);
}

const checkGuarded: Check = (field, value) => {
  if (value === 'enforce') return;
  const hint = 'it is a condition of the writes themselves, on which the safety of runs rests';
  throw new InvalidArgumentError(field, "'enforce'", value, hint);
};

function sees(rule: InvariantRule, verb: string | undefined): boolean {
  const { verbs = 'all' } = rule as Partial<KnownRule>;
  return verbs === 'all' || (verb !== undefined && verbs.includes(verb));
}

function violationOf(
  rule: string,
  write: LedgerWrite,
  breach: RuleBreach,
): InvariantViolationError {
  const { name } = write.job;
  return new InvariantViolationError({
    rule,
    verb: write.verb,
    jobId: write.jobId,
    ...(name !== undefined && { jobName: name }),
    ...breach,
  });
}
