/** Random steps. */
import fc from 'fast-check';
import { SETTLE_VERBS, type Step, type StepOf } from './model-step.ts';

const number = fc.nat(1000);
const instance = fc.constantFrom('a', 'a', 'b');
const name = fc.constantFrom('mail', 'mail', 'mail', 'report');
const endsAfterMs = fc.constantFrom(null, null, 900, 4000);
const priority = fc.constantFrom(-1, 0, 0, 0, 7);
const spec = fc.record({
  name,
  priority,
  delayMs: fc.constantFrom(-1000, 0, 0, 0, 500, 3000),
  key: fc.constantFrom(null, null, 'x', 'x', 'y'),
  hold: fc.constantFrom('done', 'done', 'started', 'window', 'series', 'series'),
  endsAfterMs,
});

function kind<const K extends Step['kind']>(value: K): fc.Arbitrary<K> {
  return fc.constant(value);
}

const settle: fc.Arbitrary<StepOf<'settle'>> = fc.record({
  kind: kind('settle'),
  claims: fc.array(number, { minLength: 1, maxLength: 4 }),
  verb: fc.constantFrom(...SETTLE_VERBS, 'retry', 'release', 'fail', 'repeat', 'block', 'block'),
  lastFailCount: fc.nat(2),
  delayMs: fc.constantFrom(0, 0, 2000),
  result: fc.constantFrom(null, null, 'done', 'more'),
  progress: fc.constantFrom(null, null, 1, 2),
  isReread: fc.boolean(),
  stagesBefore: fc.constantFrom(null, null, null, 0, 1, 2),
  gate: fc.constantFrom('x', 'x', 'y'),
  waitMs: fc.constantFrom(null, 500, 5000),
});

const claim: fc.Arbitrary<StepOf<'claim'>> = fc
  .record({
    kind: kind('claim'),
    instance,
    name,
    limit: fc.integer({ min: 1, max: 4 }),
    suspects: fc.constantFrom(false, false, true),
    overdue: fc.option(
      fc.record({
        agoMs: fc.constantFrom(0, 400, 1000, 2500),
        most: fc.integer({ min: 1, max: 4 }),
      }),
    ),
  })
  .map(({ overdue, ...step }) => {
    if (overdue === null || step.suspects) return { ...step, overdue: null };
    return { ...step, overdue: { ...overdue, most: Math.min(overdue.most, step.limit) } };
  });

const staged: fc.Arbitrary<Step> = fc.oneof(
  {
    arbitrary: fc.record({
      kind: kind('checkpoint'),
      claim: number,
      stage: fc.nat(2),
      before: fc.nat(2),
      gates: fc.constantFrom([], [], ['x'], ['x', 'y']),
    }),
    weight: 3,
  },
  {
    arbitrary: fc.record({
      kind: kind('openGate'),
      job: number,
      gate: fc.constantFrom('x', 'x', 'y'),
    }),
    weight: 2,
  },
  fc.record({ kind: kind('expireGates') }),
);

const rescue: fc.Arbitrary<StepOf<'rescue'>> = fc.record({
  kind: kind('rescue'),
  instance,
  rescueLimit: fc.constantFrom(1, 2, 4, 4, 4),
});

const control: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: kind('redrive'), job: number, delayMs: fc.constantFrom(0, 0, 2000) }),
  fc.record({
    kind: kind('amend'),
    job: number,
    delayMs: fc.constantFrom(null, -500, 0, 2000),
    priority: fc.option(priority),
  }),
  fc.record({
    kind: kind('replan'),
    job: number,
    isStale: fc.constantFrom(false, false, false, true),
    delayMs: fc.constantFrom(null, 0, 1000),
    endsAfterMs,
  }),
  fc.record({
    kind: kind('endSeries'),
    job: number,
    isStale: fc.constantFrom(false, false, true),
  }),
  fc.record({ kind: kind('note'), claim: number, progress: fc.nat(9) }),
);

const reads: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: kind('nextDue'), name, withinMs: fc.constantFrom(0, 1000, 10_000) }),
  fc.record({ kind: kind('findClaimants'), except: instance }),
  fc.record({ kind: kind('findSeries'), name: fc.option(name) }),
  fc.record({
    kind: kind('listJobs'),
    orderBy: fc.constantFrom('_id', 'nextRunAt', 'updatedAt'),
    isDescending: fc.boolean(),
    status: fc.constantFrom(null, null, 'pending', 'failed'),
    skip: fc.nat(2),
    limit: fc.integer({ min: 1, max: 6 }),
  }),
  fc.record({ kind: fc.constantFrom('readPaused', 'readStats', 'readLeases') }),
);

/** The first step: without jobs most others find nothing to do. */
export const firstStep: fc.Arbitrary<Step> = fc.record({
  kind: kind('enqueue'),
  jobs: fc.array(spec, { minLength: 3, maxLength: 6 }),
});

/** Any step; those that move jobs come more often. */
export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    arbitrary: fc.record({ kind: kind('enqueue'), jobs: fc.array(spec, { maxLength: 4 }) }),
    weight: 5,
  },
  { arbitrary: claim, weight: 7 },
  { arbitrary: settle, weight: 7 },
  { arbitrary: control, weight: 6 },
  { arbitrary: staged, weight: 6 },
  { arbitrary: fc.record({ kind: kind('tick'), ms: fc.constantFrom(1, 400, 3000) }), weight: 3 },
  { arbitrary: rescue, weight: 5 },
  {
    arbitrary: fc.record({
      kind: fc.constantFrom('resend', 'cancel', 'cancel', 'remove', 'getJob'),
      job: number,
    }),
    weight: 5,
  },
  {
    arbitrary: fc.record({
      kind: fc.constantFrom('openLease', 'renewLease', 'endLease', 'removeLease', 'readClaims'),
      instance,
    }),
    weight: 3,
  },
  { arbitrary: reads, weight: 3 },
  fc.record({ kind: kind('declareDead'), instance, isStale: fc.boolean() }),
  fc.record({ kind: kind('prune'), ageMs: fc.constantFrom(0, 400, 3000) }),
  fc.record({ kind: kind('setPaused'), name, paused: fc.boolean() }),
);
