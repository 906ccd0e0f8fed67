/**
 * The rules of a ledger, and what happens to writes that break them.
 *
 * What always holds: a write that an enforced rule refuses is never sent, alone out of its batch, and whoever sent it
 * is told by an {@link InvariantViolationError}; while no rule wants to see a verb, its writes are not looked at.
 *
 * @module
 */
import { type Check, checkFields, checkFunction, fields, integer, oneOf, text } from '../checks.ts';
import type { Clock } from '../clock.ts';
import { InvalidArgumentError, InvariantViolationError, messageOf, toError } from '../errors.ts';
import type { Job } from '../job.ts';
import type { Metrics } from '../metrics.ts';
import {
  type BuiltInRule,
  type InvariantMode,
  type InvariantRule,
  type KnownRule,
  knownRules,
  type LedgerWrite,
  type RuleBreach,
} from './invariant-rules.ts';
import type { EnqueueParams, EnqueueResult, SettleParams, SettleResult } from './ledger-verbs.ts';
import { WRITES, writeOfJob, writeOfSettlement } from './ledger-writes.ts';
import type { SettleAnswer } from './settlement.ts';

/** The most bytes of one stored value when nothing else is said, where the rule `payloadSize` is on. */
export const DEFAULT_MAX_STORED_BYTES = 1_048_576;

const LONGEST_NAME = 100;
const MOST_RULES = 100;
const LARGEST_PAYLOAD = 15 * 1_048_576;

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

/** A rule with its mode. */
interface RuleInUse {
  readonly rule: InvariantRule;
  readonly mode: InvariantMode;
}

/** Where violations go, and what is measured. */
export interface InvariantContext {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly tell: (violation: InvariantViolation) => void;
}

/** The errors of what was refused in a call, by their places. */
type Refusals = ReadonlyMap<number, InvariantViolationError>;

type Checks = readonly { readonly rule: InvariantRule; readonly isEnforced: boolean }[];

/** Checks a ledger's writes. */
export class Invariants {
  readonly #context: InvariantContext;
  #rules: readonly RuleInUse[] = [];
  /** The rules that want to see a verb; `undefined` for the verbs that only rules for all verbs see. */
  #checks: ReadonlyMap<string, Checks> = new Map();
  #checksOfAll: Checks = [];

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
    const modeOf = (name: string, otherwise: InvariantMode): InvariantMode =>
      modes[name] ?? otherwise;
    this.#rules = [
      ...known.map((rule): RuleInUse => {
        const mode = modeOf(rule.name, rule.isGuarded ? 'enforce' : 'off');
        return { rule, mode };
      }),
      ...rules.map((rule): RuleInUse => {
        return { rule, mode: modeOf(rule.name, 'enforce') };
      }),
    ];
    const inUse = this.#rules.filter(({ mode }) => mode !== 'off');
    const seeing = (verb: string | undefined): Checks =>
      inUse
        .filter(({ rule }) => sees(rule, verb))
        .map(({ rule, mode }) => ({ rule, isEnforced: mode === 'enforce' }));
    const verbs = known.flatMap((rule) => (rule.verbs === 'all' ? [] : rule.verbs));
    this.#checksOfAll = seeing(undefined);
    this.#checks = new Map(verbs.map((verb) => [verb, seeing(verb)]));
  }

  /** Stores what no rule refuses; each job that one does is answered with the error. */
  enqueue(
    params: EnqueueParams,
    send: (params: EnqueueParams) => Promise<EnqueueResult>,
  ): Promise<EnqueueResult> {
    const isSeen = this.#checksFor('enqueue').length > 0;
    const refusals = isSeen ? this.#refusals(params.jobs.map(writeOfJob)) : NONE;
    return refusals.size === 0 ? send(params) : this.#enqueueOthers(params, refusals, send);
  }

  async #enqueueOthers(
    params: EnqueueParams,
    refusals: Refusals,
    send: (params: EnqueueParams) => Promise<EnqueueResult>,
  ): Promise<EnqueueResult> {
    const jobs = params.jobs.filter((_, index) => !refusals.has(index));
    const { answers } = jobs.length === 0 ? { answers: [] } : await send({ ...params, jobs });
    const stored = answers.values();
    return {
      answers: params.jobs.map((_, index) => {
        const error = refusals.get(index);
        return error ? { outcome: 'refused', error } : (stored.next().value as (typeof answers)[0]);
      }),
    };
  }

  /** Sends what no rule refuses; the others are answered as refused, and stand in `refusals` by their places. */
  settle(
    params: SettleParams,
    send: (params: SettleParams) => Promise<SettleResult>,
  ): Promise<SettleResult & { readonly refusals?: Refusals }> {
    const isSeen = params.settlements.some(({ verb }) => this.#checksFor(verb).length > 0);
    const refusals = isSeen ? this.#refusals(params.settlements.map(writeOfSettlement)) : NONE;
    return refusals.size === 0 ? send(params) : this.#settleOthers(params, refusals, send);
  }

  async #settleOthers(
    params: SettleParams,
    refusals: Refusals,
    send: (params: SettleParams) => Promise<SettleResult>,
  ): Promise<SettleResult & { readonly refusals: Refusals }> {
    const settlements = params.settlements.filter((_, index) => !refusals.has(index));
    const result =
      settlements.length === 0 ? { answers: [] } : await send({ ...params, settlements });
    const answers = result.answers.values();
    return {
      refusals,
      answers: params.settlements.map((_, index) =>
        refusals.has(index) ? 'refused' : (answers.next().value as SettleAnswer),
      ),
    };
  }

  /**
   * Looks at the write of a verb that concerns one job.
   *
   * @throws InvariantViolationError when a rule refuses it
   */
  admit(verb: string, params: object): void {
    const toWrite = WRITES[verb];
    if (toWrite === undefined || this.#checksFor(verb).length === 0) return;
    const refusal = this.#refusals([toWrite(params as never)]).get(0);
    if (refusal !== undefined) throw refusal;
  }

  /** Tells of a write that the ledger itself refused, since a condition of it did not hold. */
  guardRefused(rule: BuiltInRule, write: LedgerWrite, message: string): void {
    const error = violationOf(rule, write, { message });
    this.#context.metrics.count('violations', 1, rule);
    this.#context.tell({ error, isRefused: true });
  }

  /** What the rules find wrong with a stored job, those that are off included. */
  find(job: Job): readonly JobFinding[] {
    const write: LedgerWrite = { verb: 'audit', jobId: job._id, job };
    return this.#rules.flatMap(({ rule, mode }) => {
      const breach = mode === 'off' ? undefined : breachOf(rule, write);
      return breach === undefined ? [] : [{ rule: rule.name, breach }];
    });
  }

  #checksFor(verb: string): Checks {
    return this.#checks.get(verb) ?? this.#checksOfAll;
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
        metrics.count('violations', 1, rule.name);
        this.#context.tell({ error, isRefused: isEnforced });
        if (isEnforced) refusals.set(index, error);
      }
      metrics.record('ruleMs', clock.monotonic() - startedMs, rule.name);
    }
    return refusals;
  }

  /** Every rule that wants to see one of the writes. */
  #rulesOf(writes: readonly LedgerWrite[]): Checks {
    const verbs = [...new Set(writes.map(({ verb }) => verb))];
    const checks = verbs.flatMap((verb) => this.#checksFor(verb));
    return [...new Map(checks.map((check) => [check.rule.name, check])).values()];
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
    modes: (place, modes) => checkFields(place, modes, modeChecks(rules)),
    maxPayloadBytes: integer(16, LARGEST_PAYLOAD),
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

/** A rule that fails holds nothing, so it counts as broken. */
function breachOf(rule: InvariantRule, write: LedgerWrite): RuleBreach | undefined {
  try {
    const found = rule.check(write);
    return typeof found === 'string' ? { message: found } : found;
  } catch (thrown) {
    const error = toError(thrown);
    return {
      message: `the rule itself failed: ${messageOf(error)}`,
      values: { error },
      advice: 'mend the rule',
    };
  }
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
