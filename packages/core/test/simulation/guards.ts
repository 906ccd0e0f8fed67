/**
 * The guards of the engine, each with the change to its source that removes it. A run without a guard must break a
 * rule; a guard that nothing misses would be dead weight.
 */
import { BATCH_GUARDS } from './batch-guards.ts';
import { BIRTH_GUARDS } from './birth-guards.ts';
import type { Alteration } from './bundle.ts';
import { DEAD_LETTER_GUARDS } from './dead-letter-guards.ts';
import { FEATURE_GUARDS } from './feature-guards.ts';
import { FLOW_GUARDS } from './flows/flow-guards.ts';
import { GROUP_GUARDS } from './group-guards.ts';
import { LIMIT_GUARDS } from './limit-guards.ts';
import { ORDER_GUARDS } from './order-guards.ts';
import { OUTBOX_GUARDS } from './outbox-guards.ts';
import { PATIENCE_GUARDS } from './patience-guards.ts';
import type { Profile } from './profile.ts';
import { STAGE_GUARDS } from './stage-guards.ts';

/** One guard. */
export interface Guard {
  readonly name: string;
  /** What happens without it. */
  readonly without: string;
  readonly alterations: readonly Alteration[];
  /** The rules that tell of it, one of which a seed must break. */
  readonly rules: readonly string[];
  /** Fixes what would be drawn otherwise, to look where a find is likely. */
  readonly profile?: Partial<Profile>;
  /** A seed that finds it. */
  readonly seed: number;
  /** The guard that alone suffices, and why this one is kept beside it. */
  readonly secondOf?: string;
}

const STRANGERS =
  'const strangers = isSearch ? await ledger.findClaimants({ except: known }) : [];';
const LEASES = 'const leases = await this.#readLeases();';
const STRANGERS_THEN_LEASES = `${STRANGERS}\n    this.#rounds += 1;\n    ${LEASES}`;
const LEASES_THEN_STRANGERS = `${LEASES}\n    ${STRANGERS}\n    this.#rounds += 1;`;

/** Guards of claims, leases, series, pauses and stops. */
export const ENGINE_GUARDS: readonly Guard[] = [
  {
    name: 'token filter of a settle',
    without: 'a settle that does not name its claim lands on another one',
    alterations: [
      {
        file: 'job/transition-parts.ts',
        find: "HOLDS_CLAIM: Condition = { field: 'claimToken', is: 'equal', to: 'claimToken' };",
        replace: "HOLDS_CLAIM: Condition = { field: 'claimToken', is: 'present' };",
      },
    ],
    rules: ['a settle lands on another claim'],
    seed: 12,
  },
  {
    name: 'status filter of the claim',
    without: 'a claim that does not ask for pending jobs takes them from others',
    alterations: [
      {
        file: 'job/job-lifecycle.ts',
        find: "claim: {\n      from: ['pending'],",
        replace: "claim: {\n      from: ['pending', 'processing', 'completed'],",
      },
    ],
    rules: ['a transition is illegal'],
    profile: { ledger: 'stepped' },
    seed: 1,
  },
  {
    name: 'due filter of the claim',
    without: 'a claim that trusts its find takes a job that was retried meanwhile',
    alterations: [
      {
        file: 'job/job-lifecycle.ts',
        find: "guards: [DUE, { field: 'lane', is: 'absent' }],",
        replace: "guards: [{ field: 'lane', is: 'absent' }],",
      },
    ],
    rules: ['a job is claimed before its time'],
    profile: { ledger: 'stepped', slowStepRate: 0.05 },
    seed: 7,
  },
  {
    name: 'counter compare-and-swap of the lease',
    without: 'a verdict without the counter kills an instance that has just shown life',
    alterations: [
      {
        file: 'ledger/memory/leases.ts',
        find: 'if (this.#leases.get(instanceId)?.counter !== counter) return false;',
        replace: 'if (counter < 0) return false;',
      },
    ],
    rules: ['a living lease is declared dead', 'an innocent lease is declared dead'],
    profile: { lateRate: 0.1, lossRate: 0, pauseRate: 0.003, crashRate: 0 },
    seed: 232,
  },
  {
    name: 'reconciliation',
    without: 'a claim that arrives after its sender gave it up is stuck',
    alterations: [
      { file: 'engine/instance.ts', find: 'this.#reconciler.reconcile();', replace: '' },
    ],
    rules: ['a job never ends'],
    profile: { lateRate: 0.05 },
    seed: 71,
  },
  {
    name: 'ledger first, memory second in the reconciliation',
    without: 'reconciling from an older memory releases a job that is held by now',
    alterations: [
      {
        file: 'engine/running/executor.ts',
        find: '  /** True while a suspect is here. */',
        replace:
          '  copy() { const [held, settling] = [new Set(this.#held), this.#settler.copy()];\n' +
          '    return (key) => held.has(key) || settling.has(key); }\n' +
          '  /** True while a suspect is here. */',
      },
      {
        file: 'engine/running/settler.ts',
        find: '  /** Takes what is to be written. */',
        replace: '  copy() { return new Set(this.#held); }\n',
      },
      {
        file: 'engine/claiming/awaited-claims.ts',
        find: '  /** A claim may have won a job. */',
        replace: '  copy() { return new Set(this.#tokens); }\n',
      },
      {
        file: 'engine/claiming/reconciler.ts',
        find: 'const claims = await',
        replace:
          'const [holds, waitsFor] = [executor.copy(), awaited.copy()];\n    const claims = await',
      },
      {
        file: 'engine/claiming/reconciler.ts',
        find: 'executor.holds(jobId, claim.claimToken)',
        replace: "holds([jobId, claim.claimToken].join(' '))",
      },
      {
        file: 'engine/claiming/reconciler.ts',
        find: '!awaited.has(claim.claimToken)',
        replace: '!waitsFor.has(claim.claimToken)',
      },
    ],
    rules: ['a job runs twice at once', 'finished work is run again', 'a run is recorded wrongly'],
    seed: 5,
  },
  {
    name: 'cancel exclusion',
    without: 'a job that becomes pending again forgets that it was to be cancelled',
    alterations: [
      {
        file: 'job/transition-parts.ts',
        find: "NO_CANCEL: Condition = { field: 'cancelRequestedAt', is: 'absent' };",
        replace: "NO_CANCEL: Condition = { field: '_id', is: 'present' };",
      },
    ],
    rules: ['a request to cancel is forgotten'],
    seed: 11,
  },
  {
    name: 'resend with the same ids',
    without: 'an enqueue that is sent again with a new id makes two jobs',
    alterations: [
      {
        file: 'client/insert-batches.ts',
        find: 'call: () => ledger.enqueue({ jobs: first?.jobs ?? jobs }),',
        replace:
          'call: () => ledger.enqueue({ jobs: unconfirmed === undefined ? jobs : jobs.map((job) => ({ ...job, _id: random.objectId(job.createdAt.getTime()) })) }),',
      },
    ],
    rules: ['an enqueue makes two jobs'],
    seed: 1,
  },
  {
    name: 'a claim is sent once',
    without: 'a claim that is sent again takes a job twice under one token',
    alterations: [
      {
        file: 'engine/claiming/claimer.ts',
        find: 'call: () => ledger.readClaim({ instanceId, claimToken }),',
        replace:
          'call: async () => (await ledger.claim({ demand: [...this.#parts.workers.keys()].map((name) => ({ name, limit: 2 })), instanceId, claimToken, now: this.#context.ledgerTime.now(), suspects: false, widening: 1 })).jobs,',
      },
    ],
    rules: ['a claim is made twice', 'a claim is settled twice', 'a job never ends'],
    // A late twin finds the job again only after a rescue or a release: its due time bars the more common ways.
    profile: { lateRate: 0.2, pauseRate: 0.005, crashRate: 0, outages: 0, stops: 0 },
    seed: 45,
  },
  {
    name: 'a gap between reads starts the count again',
    without: 'an observer that counts through an outage kills the innocent',
    alterations: [
      {
        file: 'engine/upkeep/rescuer.ts',
        find: 'seen.counter !== counter || unclean',
        replace: 'seen.counter !== counter || (unclean && false)',
      },
    ],
    rules: ['an innocent lease is declared dead'],
    profile: { outages: 3 },
    seed: 276,
  },
  {
    name: 'claimants first, leases second in a rescue round',
    without: 'a rescue that reads the leases first takes the jobs of a newcomer',
    alterations: [
      {
        file: 'engine/upkeep/rescuer.ts',
        find: STRANGERS_THEN_LEASES,
        replace: LEASES_THEN_STRANGERS,
      },
    ],
    rules: ['a rescue takes from the living'],
    seed: 1,
    secondOf:
      'a rescue refuses a live lease. Kept, since it spares a call for every newcomer, and the refusal alone would ' +
      'let a round wait for each',
  },
  {
    name: 'a rescue refuses a live lease',
    without: 'a rescue that trusts an older read of the leases takes the jobs of a newcomer',
    alterations: [
      {
        file: 'ledger/memory/leases.ts',
        find: "return this.#leases.get(instanceId)?.status === 'live';",
        replace: "return this.#leases.get(instanceId)?.status === 'live' && instanceId === '';",
      },
    ],
    rules: ['a rescue takes from the living'],
    seed: 1,
    secondOf:
      'claimants first, leases second. Kept, since a rescue can be sent long after its round read the leases, and ' +
      'since nothing but the ledger itself binds who else may call the verb',
  },
  {
    name: 'both of the two before',
    without: 'a rescue takes the jobs of a newcomer',
    alterations: [
      {
        file: 'engine/upkeep/rescuer.ts',
        find: STRANGERS_THEN_LEASES,
        replace: LEASES_THEN_STRANGERS,
      },
      {
        file: 'ledger/memory/leases.ts',
        find: "return this.#leases.get(instanceId)?.status === 'live';",
        replace: "return this.#leases.get(instanceId)?.status === 'live' && instanceId === '';",
      },
    ],
    rules: ['a rescue takes from the living'],
    seed: 132,
  },
  {
    name: 'a rescue leaves lastToken alone',
    without: 'the old holder of a rescued claim believes that it settled',
    alterations: [
      {
        file: 'job/transition-parts.ts',
        find: "BY_OTHERS: Readonly<Record<string, string>> = { updatedAt: 'now' };",
        replace:
          "BY_OTHERS: Readonly<Record<string, string>> = { updatedAt: 'now', lastToken: 'claimToken' };",
      },
    ],
    rules: ['a run is reported wrongly'],
    seed: 8,
  },
  {
    name: "the holder's deadline",
    without: 'an instance that ignores its deadline works on after its death',
    alterations: [
      {
        file: 'engine/upkeep/lease.ts',
        find: 'if (Math.max(monotonicMs, wallMs) < options.leaseDurationMs) return true;',
        replace: 'if (Math.max(monotonicMs, wallMs) < options.leaseDurationMs * 1000) return true;',
      },
    ],
    rules: ['a dead lease still works'],
    seed: 8,
  },
  {
    name: "wall time in the holder's deadline",
    without: 'an instance on a suspended machine does not notice by monotonic time alone',
    alterations: [
      {
        file: 'engine/upkeep/lease.ts',
        find: 'if (Math.max(monotonicMs, wallMs) < options.leaseDurationMs) return true;',
        replace:
          'if (Math.max(monotonicMs, wallMs - wallMs) < options.leaseDurationMs) return true;',
      },
    ],
    rules: ['a dead lease still works'],
    profile: { hasSuspends: true },
    seed: 8,
  },
  {
    name: 'a job starts only under the lease it was claimed with',
    without: 'a new lease seems to cover jobs that were claimed under the old one',
    alterations: [
      {
        file: 'engine/instance.ts',
        find: 'this.#lease.isHeld() && claimedBy === this.#lease.instanceId',
        replace: 'this.#lease.isHeld() && claimedBy !== undefined',
      },
      {
        file: 'engine/claiming/claimer.ts',
        find: 'first.claimedBy === lease.instanceId',
        replace: "first.claimedBy !== '' || lease.instanceId === ''",
      },
    ],
    rules: ['a dead lease still works'],
    profile: { lateRate: 0.1, pauseRate: 0.003, crashRate: 0 },
    seed: 443,
  },
  {
    name: 'a finished outcome is sent again',
    without: 'a settle that is sent once loses finished work with its answer',
    alterations: [
      {
        file: 'engine/running/settler.ts',
        find: 'mayGoOn: () => !signal.aborted,\n    });\n    return { sent, answered };',
        replace: 'mayGoOn: () => false,\n    });\n    return { sent, answered };',
      },
    ],
    rules: [
      'a run is recorded wrongly',
      'finished work is run again',
      'finished work is not recorded',
      'a job never ends',
    ],
    seed: 3,
  },
  {
    name: 'a stop waits for the look ahead',
    without: 'a stop leaves a request and its timer behind',
    alterations: [
      { file: 'engine/claiming/waker.ts', find: 'await Promise.all(this.#looking);', replace: '' },
    ],
    rules: ['a stop leaves a timer'],
    seed: 100,
  },
  {
    name: 'a stop waits for the sample of the time',
    without: 'a stop leaves a request and its timer behind',
    alterations: [
      { file: 'monque.ts', find: 'await this.#context.ledgerTime.idle();', replace: '' },
    ],
    rules: ['a stop leaves a timer'],
    profile: { hasSuspends: false, wallSteps: 12, stops: 12, lateRate: 0.05 },
    seed: 50,
  },
  {
    name: 'a sample is held against the clocks before it',
    without: 'a machine that is suspended during a sample has the wrong time for long',
    alterations: [
      {
        file: 'context/ledger-time.ts',
        find: 'this.#wallLeadMs = wallLeadMs;',
        replace: 'this.#wallLeadMs = this.#clock.now() - this.#sampledAtMs;',
      },
    ],
    rules: ['the time is wrong'],
    profile: { hasSuspends: true, lateRate: 0, pauseRate: 0.008, crashRate: 0, outages: 0 },
    seed: 98,
  },
];

/** Guards of what came to the engine later. */
export const LATER_GUARDS: readonly Guard[] = [
  ...BIRTH_GUARDS,
  ...STAGE_GUARDS,
  ...DEAD_LETTER_GUARDS,
  ...GROUP_GUARDS,
  ...LIMIT_GUARDS,
  ...ORDER_GUARDS,
  ...FLOW_GUARDS,
  ...BATCH_GUARDS,
  ...OUTBOX_GUARDS,
  ...PATIENCE_GUARDS,
];

/** Every guard that is removed, one at a time. */
export const GUARDS: readonly Guard[] = [...ENGINE_GUARDS, ...FEATURE_GUARDS, ...LATER_GUARDS];
