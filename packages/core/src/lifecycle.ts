/**
 * The table of states and transitions, and the means to make such a table.
 *
 * A row names the states a verb starts from, the state it leads to, the conditions beside the state, and the fields
 * it writes. Conditions and effects are data, not code: the MongoDB filters and updates, the predicates of the
 * in-memory ledger, the generated tests and the diagram in `docs/state-machine.md` are all derived from the rows, so
 * none of them can say anything else.
 *
 * @module
 */
import { MonqueError } from './errors.ts';
import type { JobStatus } from './job.ts';

/** Where a record goes that leaves the ledger. */
export const GONE = 'gone';

/** A condition on one field of the stored record, beside its state; `to` names the parameter it is compared with. */
export type Condition =
  | {
      readonly field: string;
      readonly is: 'equal' | 'atMost' | 'atLeast' | 'below';
      readonly to: string;
    }
  | { readonly field: string; readonly is: 'absent' }
  | { readonly field: string; readonly is: 'present' };

/**
 * One verb. A number field that is absent counts as zero in `below`, `atLeast` and `increment`.
 *
 * @typeParam State - the states of the lifecycle
 */
export interface TransitionRow<State extends string> {
  /** The states it is allowed from; none for the verb that makes a record. */
  readonly from: readonly State[];
  /** The state it leads to. */
  readonly to: State | typeof GONE;
  /** All must hold beside the state. */
  readonly guards?: readonly Condition[];
  /** Fields set to a parameter: field name to parameter name. */
  readonly set?: Readonly<Record<string, string>>;
  /** Fields raised by one. */
  readonly increment?: readonly string[];
  /** Fields removed. */
  readonly clear?: readonly string[];
}

/** What the conditions and effects of a row refer to, by name. */
export type TransitionParams = Readonly<Record<string, unknown>>;

/** A record as a lifecycle sees it: its state, and any other fields. */
export type LifecycleRecord<State extends string> = { readonly status: State } & Readonly<
  Record<string, unknown>
>;

/** A table of states and verbs with what can be asked of it. Made by {@link defineLifecycle}. */
export interface Lifecycle<State extends string, Verb extends string> {
  readonly states: readonly State[];
  readonly initial: State;
  readonly terminal: readonly State[];
  readonly transitions: Readonly<Record<Verb, TransitionRow<State>>>;
  readonly verbs: readonly Verb[];
  /** True when the verb is allowed from the state, its guards aside. */
  allowsFrom(verb: Verb, state: State): boolean;
  /** True when the verb applies to the record: its state and every guard. */
  applies(verb: Verb, record: LifecycleRecord<State>, params: TransitionParams): boolean;
  /** The record after the verb; the caller has checked that it applies, and that it does not lead to gone. */
  apply<R extends LifecycleRecord<State>>(verb: Verb, record: R, params: TransitionParams): R;
}

/** What {@link defineLifecycle} is given. */
export interface LifecycleDefinition<State extends string, Verb extends string> {
  readonly states: readonly State[];
  /** The state in which records are made. */
  readonly initial: NoInfer<State>;
  /** The states in which the work is over. */
  readonly terminal: readonly NoInfer<State>[];
  readonly transitions: Readonly<Record<Verb, TransitionRow<NoInfer<State>>>>;
}

/**
 * Makes a lifecycle from its table.
 *
 * @throws MonqueError with code `INVALID_LIFECYCLE` when a row names a state that is not declared, or a declared state
 * can never be reached.
 */
export function defineLifecycle<const State extends string, const Verb extends string>(
  definition: LifecycleDefinition<State, Verb>,
): Lifecycle<State, Verb> {
  checkDefinition(definition);
  const { transitions } = definition;
  const allowsFrom = (verb: Verb, state: State): boolean => transitions[verb].from.includes(state);
  return Object.freeze({
    ...definition,
    verbs: Object.keys(transitions) as Verb[],
    allowsFrom,
    applies: (verb: Verb, record: LifecycleRecord<State>, params: TransitionParams) =>
      allowsFrom(verb, record.status) &&
      (transitions[verb].guards ?? []).every((guard) => holds(guard, record, params)),
    apply: <R extends LifecycleRecord<State>>(verb: Verb, record: R, params: TransitionParams) =>
      withEffects(transitions[verb], record, params),
  });
}

function checkDefinition<State extends string, Verb extends string>({
  states,
  initial,
  terminal,
  transitions,
}: LifecycleDefinition<State, Verb>): void {
  const rows = Object.values<TransitionRow<State>>(transitions);
  const named = [initial, ...terminal, ...rows.flatMap((row) => [...row.from, row.to])];
  const unknown = named.filter((state) => state !== GONE && !states.includes(state as State));
  const reached = new Set<string>([initial, ...rows.map((row) => row.to)]);
  const unreached = states.filter((state) => !reached.has(state));
  if (unknown.length > 0 || unreached.length > 0) {
    throw new MonqueError(
      'INVALID_LIFECYCLE',
      `Expected every state to be declared and reached, got undeclared: ${unknown.join(', ') || 'none'}; never reached: ${unreached.join(', ') || 'none'}`,
    );
  }
}

function holds(guard: Condition, record: TransitionParams, params: TransitionParams): boolean {
  const actual = record[guard.field];
  if (guard.is === 'absent') return actual === undefined;
  if (guard.is === 'present') return actual !== undefined;
  const wanted = params[guard.to];
  if (guard.is === 'equal') return actual === wanted;
  const difference = Number(actual ?? 0) - Number(wanted);
  if (guard.is === 'atMost') return difference <= 0;
  return guard.is === 'below' ? difference < 0 : difference >= 0;
}

function withEffects<State extends string, R extends LifecycleRecord<State>>(
  row: TransitionRow<State>,
  record: R,
  params: TransitionParams,
): R {
  const next: Record<string, unknown> = { ...record, status: row.to };
  for (const [field, param] of Object.entries(row.set ?? {})) {
    // A parameter that is not given leaves its field alone, as an update in MongoDB does.
    if (params[param] !== undefined) next[field] = params[param];
  }
  for (const field of row.increment ?? []) next[field] = Number(record[field] ?? 0) + 1;
  for (const field of row.clear ?? []) delete next[field];
  return next as R;
}

/** The verbs that change the state of a job. */
export type JobVerb =
  | 'enqueue'
  | 'claim'
  | 'complete'
  | 'retry'
  | 'fail'
  | 'cancelled'
  | 'release'
  | 'rescue'
  | 'rescueToFailed'
  | 'rescueToCancelled'
  | 'cancel'
  | 'requestCancel'
  | 'remove';

const CLAIM_FIELDS = ['claimToken', 'claimedBy', 'lockedAt'] as const;
const BACK_TO_PENDING = [...CLAIM_FIELDS, 'cancelRequestedAt'] as const;
const FINISHED = [...CLAIM_FIELDS, 'uniqueLock'] as const;

const HOLDS_CLAIM = { field: 'claimToken', is: 'equal', to: 'claimToken' } as const;
const CLAIMED_BY_DEAD = { field: 'claimedBy', is: 'equal', to: 'deadInstanceId' } as const;
const NO_CANCEL = { field: 'cancelRequestedAt', is: 'absent' } as const;
const CANCEL_ASKED = { field: 'cancelRequestedAt', is: 'present' } as const;

/** How a claim ends by the word of its own holder: the token moves to lastToken, so that a resend can be recognised. */
const BY_HOLDER = { lastToken: 'claimToken', updatedAt: 'now' } as const;

/** How a claim ends by the word of others: lastToken stays, so that its late holder learns that it lost. */
const BY_OTHERS = { updatedAt: 'now' } as const;

/**
 * The lifecycle of a job. A row guards, in the same write: that nobody but the holder of a claim ends it, except a
 * rescue from a dead instance; and that a job whose cancellation was asked for never becomes pending again.
 */
export const JOB_LIFECYCLE: Lifecycle<JobStatus, JobVerb> = defineLifecycle<JobStatus, JobVerb>({
  states: ['pending', 'processing', 'completed', 'failed', 'cancelled'],
  initial: 'pending',
  terminal: ['completed', 'failed', 'cancelled'],
  transitions: {
    enqueue: { from: [], to: 'pending' },
    claim: {
      from: ['pending'],
      to: 'processing',
      guards: [{ field: 'nextRunAt', is: 'atMost', to: 'now' }],
      set: { claimToken: 'claimToken', claimedBy: 'instanceId', lockedAt: 'now', updatedAt: 'now' },
      increment: ['fence'],
    },
    complete: {
      from: ['processing'],
      to: 'completed',
      guards: [HOLDS_CLAIM],
      set: { ...BY_HOLDER, finishedAt: 'now' },
      clear: FINISHED,
    },
    retry: {
      from: ['processing'],
      to: 'pending',
      guards: [HOLDS_CLAIM, NO_CANCEL, { field: 'failCount', is: 'below', to: 'lastFailCount' }],
      set: { ...BY_HOLDER, nextRunAt: 'nextRunAt', failReason: 'failReason' },
      increment: ['failCount'],
      clear: BACK_TO_PENDING,
    },
    fail: {
      from: ['processing'],
      to: 'failed',
      guards: [HOLDS_CLAIM, { field: 'failCount', is: 'atLeast', to: 'lastFailCount' }],
      set: { ...BY_HOLDER, finishedAt: 'now', failReason: 'failReason' },
      increment: ['failCount'],
      clear: FINISHED,
    },
    cancelled: {
      from: ['processing'],
      to: 'cancelled',
      guards: [HOLDS_CLAIM, CANCEL_ASKED],
      set: { ...BY_HOLDER, finishedAt: 'now' },
      clear: FINISHED,
    },
    release: {
      from: ['processing'],
      to: 'pending',
      guards: [HOLDS_CLAIM, NO_CANCEL],
      set: BY_HOLDER,
      clear: BACK_TO_PENDING,
    },
    rescue: {
      from: ['processing'],
      to: 'pending',
      guards: [
        CLAIMED_BY_DEAD,
        HOLDS_CLAIM,
        NO_CANCEL,
        { field: 'rescueCount', is: 'below', to: 'lastRescueCount' },
      ],
      set: BY_OTHERS,
      increment: ['rescueCount'],
      clear: BACK_TO_PENDING,
    },
    rescueToFailed: {
      from: ['processing'],
      to: 'failed',
      guards: [
        CLAIMED_BY_DEAD,
        HOLDS_CLAIM,
        NO_CANCEL,
        { field: 'rescueCount', is: 'atLeast', to: 'lastRescueCount' },
      ],
      set: { ...BY_OTHERS, finishedAt: 'now', failReason: 'failReason' },
      increment: ['rescueCount'],
      clear: FINISHED,
    },
    rescueToCancelled: {
      from: ['processing'],
      to: 'cancelled',
      guards: [CLAIMED_BY_DEAD, HOLDS_CLAIM, CANCEL_ASKED],
      set: { ...BY_OTHERS, finishedAt: 'now' },
      increment: ['rescueCount'],
      clear: FINISHED,
    },
    cancel: {
      from: ['pending'],
      to: 'cancelled',
      set: { updatedAt: 'now', finishedAt: 'now' },
      clear: ['uniqueLock'],
    },
    requestCancel: {
      from: ['processing'],
      to: 'processing',
      guards: [NO_CANCEL],
      set: { cancelRequestedAt: 'now', updatedAt: 'now' },
    },
    remove: { from: ['pending', 'completed', 'failed', 'cancelled'], to: GONE },
  },
});
