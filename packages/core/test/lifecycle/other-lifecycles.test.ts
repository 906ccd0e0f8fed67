/**
 * `defineLifecycle` serves records that are no jobs: here the steps of a plan, which are verified in a later run than
 * the one that finished them, and the tasks of a team, which are reviewed before they are done.
 *
 * Both are checked against lists of moves that are written out manually, so that a fault in their tables, or in what
 * `defineLifecycle` makes of these, cannot hide.
 *
 * @module
 */

import { describe, expect, test } from 'vitest';
import {
  defineLifecycle,
  GONE,
  type Lifecycle,
  type TransitionParams,
} from '../../src/ledger-api.ts';

/** A move: from a state, by a verb, to a state. */
type Move = readonly [from: string, verb: string, to: string];

const STEP_LIFECYCLE = defineLifecycle({
  states: [
    'not_started',
    'in_progress',
    'completed_pending_verification',
    'verified',
    'drift_detected',
  ],
  initial: 'not_started',
  terminal: ['verified'],
  transitions: {
    start: { from: ['not_started'], to: 'in_progress', set: { startedInRun: 'run' } },
    finish: {
      from: ['in_progress'],
      to: 'completed_pending_verification',
      set: { finishedInRun: 'run' },
    },
    verify: {
      from: ['completed_pending_verification', 'verified'],
      to: 'verified',
      guards: [
        { field: 'finishedInRun', is: 'present' },
        { field: 'finishedInRun', is: 'below', to: 'run' },
      ],
      append: { verifications: { from: 'verifications', most: 2 } },
    },
    reportDrift: {
      from: ['completed_pending_verification', 'verified'],
      to: 'drift_detected',
      guards: [{ field: 'finishedInRun', is: 'below', to: 'run' }],
      set: { concern: 'concern' },
      increment: ['driftCount'],
    },
    repair: {
      from: ['drift_detected'],
      to: 'in_progress',
      set: { startedInRun: 'run' },
      clear: ['finishedInRun', 'concern'],
    },
  },
});

const STEP_MOVES: readonly Move[] = [
  ['not_started', 'start', 'in_progress'],
  ['in_progress', 'finish', 'completed_pending_verification'],
  ['completed_pending_verification', 'verify', 'verified'],
  ['completed_pending_verification', 'reportDrift', 'drift_detected'],
  ['verified', 'verify', 'verified'],
  ['verified', 'reportDrift', 'drift_detected'],
  ['drift_detected', 'repair', 'in_progress'],
];

/** As the team drew it: `blocked` and `revisions` lead nowhere there. */
const TASK_LIFECYCLE = defineLifecycle({
  states: [
    'defined',
    'assigned',
    'in_progress',
    'peer_review',
    'completed',
    'blocked',
    'revisions',
  ],
  initial: 'defined',
  terminal: ['completed'],
  transitions: {
    define: { from: [], to: 'defined' },
    assign: {
      from: ['defined'],
      to: 'assigned',
      set: { assignedTo: 'worker', reviewer: 'reviewer' },
    },
    begin: {
      from: ['assigned'],
      to: 'in_progress',
      guards: [{ field: 'assignedTo', is: 'equal', to: 'worker' }],
    },
    handIn: {
      from: ['in_progress'],
      to: 'peer_review',
      guards: [{ field: 'assignedTo', is: 'equal', to: 'worker' }],
    },
    approve: {
      from: ['peer_review'],
      to: 'completed',
      guards: [{ field: 'reviewer', is: 'equal', to: 'reviewer' }],
    },
    demandRevisions: {
      from: ['peer_review'],
      to: 'revisions',
      guards: [{ field: 'reviewer', is: 'equal', to: 'reviewer' }],
    },
    block: { from: ['defined', 'assigned', 'in_progress'], to: 'blocked' },
    drop: { from: ['defined'], to: GONE },
  },
});

const TASK_MOVES: readonly Move[] = [
  ['defined', 'assign', 'assigned'],
  ['assigned', 'begin', 'in_progress'],
  ['in_progress', 'handIn', 'peer_review'],
  ['peer_review', 'approve', 'completed'],
  ['peer_review', 'demandRevisions', 'revisions'],
  ['defined', 'block', 'blocked'],
  ['assigned', 'block', 'blocked'],
  ['in_progress', 'block', 'blocked'],
  ['defined', 'drop', GONE],
];

/** Every pair of a state and a verb, with where it leads to if it is allowed. */
function allPairs<State extends string, Verb extends string>(
  { states, verbs }: Lifecycle<State, Verb>,
  moves: readonly Move[],
): [State, Verb, string | undefined][] {
  return states.flatMap((state) =>
    verbs.map((verb): [State, Verb, string | undefined] => [
      state,
      verb,
      moves.find(([from, by]) => from === state && by === verb)?.[2],
    ]),
  );
}

describe('the steps of a plan', () => {
  const params = { run: 2, verifications: ['run 2'], concern: 'A test was deleted' };

  test.each(allPairs(STEP_LIFECYCLE, STEP_MOVES))('from %s, %s leads to %s', (state, verb, to) => {
    const record = { status: state, finishedInRun: 1 };
    expect(STEP_LIFECYCLE.allowsFrom(verb, state)).toBe(to !== undefined);
    expect(STEP_LIFECYCLE.applies(verb, record, params)).toBe(to !== undefined);
    if (to !== undefined) expect(STEP_LIFECYCLE.apply(verb, record, params).status).toBe(to);
  });

  test('there are as many legal moves as were listed', () => {
    const legal = allPairs(STEP_LIFECYCLE, STEP_MOVES).filter(([, , to]) => to !== undefined);
    expect(legal).toHaveLength(STEP_MOVES.length);
    expect(STEP_LIFECYCLE.initial).toBe('not_started');
    expect(STEP_LIFECYCLE.terminal).toEqual(['verified']);
  });

  test.each([
    ['in an earlier run', 3, true],
    ['in the same run', 2, false],
    ['in no run that is known', undefined, false],
  ])(
    'a step that was finished %s, asked in run 3 or 2, is verified: %s',
    (_when, run, expected) => {
      const record = {
        status: 'completed_pending_verification' as const,
        ...(run !== undefined && { finishedInRun: 2 }),
      };
      expect(STEP_LIFECYCLE.applies('verify', record, { run: run ?? 3 })).toBe(expected);
    },
  );

  test('a step goes through drift and repairing until it is verified, and keeps what was recorded', () => {
    type Step = { readonly status: (typeof STEP_LIFECYCLE.states)[number] };
    const run = (record: Step, verb: (typeof STEP_LIFECYCLE.verbs)[number], given: object): Step =>
      STEP_LIFECYCLE.apply(verb, record, { ...given } as TransitionParams);
    let step: Step = { status: STEP_LIFECYCLE.initial };
    step = run(step, 'start', { run: 1 });
    step = run(step, 'finish', { run: 1 });
    step = run(step, 'reportDrift', { run: 2, concern: 'A test was deleted' });
    expect(step).toStrictEqual({
      status: 'drift_detected',
      startedInRun: 1,
      finishedInRun: 1,
      concern: 'A test was deleted',
      driftCount: 1,
    });
    step = run(step, 'repair', { run: 2 });
    expect(step).toStrictEqual({ status: 'in_progress', startedInRun: 2, driftCount: 1 });
    step = run(step, 'finish', { run: 2 });
    for (const later of [3, 4, 5]) {
      step = run(step, 'verify', { run: later, verifications: [`run ${later}`] });
    }
    expect(step).toStrictEqual({
      status: 'verified',
      startedInRun: 2,
      finishedInRun: 2,
      driftCount: 1,
      verifications: ['run 4', 'run 5'],
    });
  });
});

describe('the tasks of a team', () => {
  const params = { worker: 'first', reviewer: 'fourth' };
  const people = { assignedTo: 'first', reviewer: 'fourth' };

  test.each(allPairs(TASK_LIFECYCLE, TASK_MOVES))('from %s, %s leads to %s', (state, verb, to) => {
    const record = { status: state, ...people };
    expect(TASK_LIFECYCLE.allowsFrom(verb, state)).toBe(to !== undefined);
    expect(TASK_LIFECYCLE.applies(verb, record, params)).toBe(to !== undefined);
    expect(TASK_LIFECYCLE.transitions[verb].to === to).toBe(to !== undefined);
  });

  test('there are as many legal moves as were drawn, and none leaves a task that is completed', () => {
    const legal = allPairs(TASK_LIFECYCLE, TASK_MOVES).filter(([, , to]) => to !== undefined);
    expect(legal).toHaveLength(TASK_MOVES.length);
    const { terminal, verbs } = TASK_LIFECYCLE;
    expect(terminal).toEqual(['completed']);
    expect(verbs.filter((verb) => TASK_LIFECYCLE.allowsFrom(verb, 'completed'))).toEqual([]);
  });

  test.each(['begin', 'handIn', 'approve', 'demandRevisions'] as const)(
    '%s is refused when somebody else does it, or nobody was named',
    (verb) => {
      const [status = 'completed'] = TASK_LIFECYCLE.transitions[verb].from;
      const applies = (record: object, given: TransitionParams): boolean =>
        TASK_LIFECYCLE.applies(verb, { status, ...record }, given);
      expect(applies(people, params)).toBe(true);
      expect(applies(people, { worker: 'second', reviewer: 'second' })).toBe(false);
      expect(applies({}, params)).toBe(false);
    },
  );

  test('a task is assigned, done and approved', () => {
    const assigned = TASK_LIFECYCLE.apply('assign', { status: 'defined' }, params);
    expect(assigned).toStrictEqual({ status: 'assigned', ...people });
    const begun = TASK_LIFECYCLE.apply('begin', assigned, params);
    const handedIn = TASK_LIFECYCLE.apply('handIn', begun, params);
    const approved = TASK_LIFECYCLE.apply('approve', handedIn, params);
    expect(approved).toStrictEqual({ status: 'completed', ...people });
  });
});
