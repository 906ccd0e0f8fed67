import { expect, test } from 'vitest';
import type { Rule } from './invariants.ts';
import { ALL_GUARDS, type Guards } from './model-settings.ts';
import { type FaultProfile, type RunResult, runSeed } from './protocol-model.ts';

const SEEDS = Number(process.env.MONQUE_PROTOCOL_SEEDS ?? 400);

interface GuardCase {
  readonly guard: keyof Guards;
  readonly rule: Rule;
  readonly promise: string;
  /** The first seed of the search: where a find is rare, shortly before one. */
  readonly from?: number;
  readonly faults?: Partial<FaultProfile>;
}

const SEEDS_PER_GUARD = 250;

/** What each rule is for: without it, some seed within the bound shows this very violation. */
const GUARD_CASES: readonly GuardCase[] = [
  {
    guard: 'settleToken',
    rule: 'a write lands on another claim',
    promise: 'a settle that does not name its claim lands on another one',
  },
  {
    guard: 'claimStatus',
    rule: 'a transition is illegal',
    promise: 'a claim that does not ask for pending jobs takes them from others',
  },
  {
    guard: 'claimDue',
    rule: 'a job is claimed before its time',
    promise: 'a claim that trusts its find takes a job that was retried meanwhile',
  },
  {
    // The late twin of a claim takes the job again after a rescue, under the same token; the due
    // time of the twin blocks the more common ways, so it needs many pauses and late requests.
    guard: 'claimOnce',
    rule: 'a write lands on another claim',
    promise: 'a claim that is sent again takes one job twice under one token',
    from: 550,
    faults: { lateRate: 0.1, pauseRate: 0.004 },
  },
  {
    guard: 'leaseCas',
    rule: 'a living lease is declared dead',
    promise: 'a verdict without the counter kills an instance that has just woken',
    faults: { instances: 2, lateRate: 0.1, lossRate: 0, pauseRate: 0.001, crashRate: 0 },
  },
  {
    guard: 'observerGaps',
    rule: 'a living lease is declared dead',
    promise: 'an observer that counts through an outage kills the innocent',
  },
  {
    guard: 'reconcile',
    rule: 'a job never ends',
    promise: 'a claim that arrives after its sender gave it up is stuck',
  },
  {
    guard: 'reconcileReadOrder',
    rule: 'a job runs twice at once',
    promise: 'reconciling from an older memory releases a job that is held by now',
  },
  {
    guard: 'cancelExclusion',
    rule: 'an asked-for cancel is forgotten',
    promise: 'a job that becomes pending again forgets that it was to be cancelled',
  },
  {
    guard: 'sameIdResend',
    rule: 'an enqueue makes two jobs',
    promise: 'an enqueue that is sent again with a new id makes two jobs',
  },
  {
    guard: 'rescueReadOrder',
    rule: 'a rescue takes from the living',
    promise: 'a rescue that reads the leases first takes the jobs of a newcomer',
  },
  {
    guard: 'rescueLastToken',
    rule: 'a run is reported wrongly',
    promise: 'a rescue that stores the token makes the old holder believe that it settled',
  },
  {
    guard: 'holderDeadline',
    rule: 'a dead lease still works',
    promise: 'an instance that ignores its deadline works on after its death',
  },
  {
    guard: 'holderWallTime',
    rule: 'a dead lease still works',
    promise: 'an instance on a suspended machine does not notice by monotonic time alone',
  },
  {
    guard: 'claimLease',
    rule: 'a dead lease still works',
    promise: 'a new lease does not cover the jobs that were claimed under the old one',
  },
  {
    guard: 'settleResend',
    rule: 'finished work is run again',
    promise: 'a settle that is sent once loses finished work with its reply',
  },
];

test('one seed gives one trace', () => {
  for (const seed of [1, 2, 3]) expect(runSeed(seed)).toEqual(runSeed(seed));
  expect(runSeed(1).trace).not.toEqual(runSeed(2).trace);
});

test('no interleaving, crash, pause, loss or outage breaks the protocol', {
  timeout: 600_000,
}, () => {
  const totals = { runs: 0, crashes: 0, pauses: 0, outages: 0, rescues: 0 };
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const result = runSeed(seed);
    expect(result.violations, story(seed, result)).toEqual([]);
    totals.runs += result.stats.runs;
    totals.crashes += result.stats.crashes;
    totals.pauses += result.stats.pauses;
    totals.outages += result.stats.outages;
    totals.rescues += result.stats.writes.rescue ?? 0;
  }
  // A search that met no trouble proves nothing.
  for (const [what, total] of Object.entries(totals)) {
    expect(total, what).toBeGreaterThan(SEEDS / 4);
  }
});

for (const { guard, rule, promise, from = 1, faults = {} } of GUARD_CASES) {
  test(`${promise} (without ${guard})`, { timeout: 60_000 }, () => {
    const options = { guards: { [guard]: false }, faults, stopsAtViolation: true };
    for (let seed = from; seed < from + SEEDS_PER_GUARD; seed += 1) {
      if (runSeed(seed, options).violations.some((violation) => violation.rule === rule)) return;
    }
    expect.fail(`No seed in ${SEEDS_PER_GUARD} shows that ${rule} without the guard ${guard}`);
  });
}

test('every guard has a case that shows what it is for', () => {
  const shown = GUARD_CASES.map(({ guard }) => guard).sort();
  expect(shown).toEqual(Object.keys(ALL_GUARDS).sort());
});

/** The last steps before the violation, to read what led to it. */
function story(seed: number, { trace }: RunResult): string {
  const end = trace.findIndex((line) => line.includes('VIOLATION'));
  return [`Seed ${seed}:`, ...trace.slice(Math.max(0, end - 40), end + 1)].join('\n');
}
