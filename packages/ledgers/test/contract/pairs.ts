/**
 * Every state with every verb of both lifecycles, against lists of moves that are written out by hand, so that a fault
 * in the tables, or in what is derived from them, cannot hide.
 */
import { afterAll, describe, expect, test } from 'vitest';
import {
  type LedgerRecord,
  RecordStateError,
  STEP_LIFECYCLE,
  type StepStatus,
  type StepVerb,
  TASK_LIFECYCLE,
  type TaskStatus,
  type TaskVerb,
} from '../../src/index.ts';
import {
  clockAt,
  put,
  START,
  STEP_FORMAT,
  type StoreKind,
  stepIn,
  stepsOn,
  TASK_FORMAT,
  taskIn,
  tasksOn,
} from '../kit.ts';

type Moves<State extends string, Verb extends string> = Readonly<
  Record<State, Readonly<Partial<Record<Verb, State>>>>
>;

const STEP_MOVES: Moves<StepStatus, StepVerb> = {
  not_started: {
    start: 'in_progress',
    amend: 'not_started',
    note: 'not_started',
    log: 'not_started',
  },
  in_progress: {
    ...{ amend: 'in_progress', note: 'in_progress', log: 'in_progress', record: 'in_progress' },
    complete: 'completed_pending_verification',
  },
  completed_pending_verification: {
    ...{ note: 'completed_pending_verification', log: 'completed_pending_verification' },
    ...{ verify: 'verified', reportDrift: 'drift_detected', fix: 'in_progress' },
  },
  verified: {
    ...{ note: 'verified', log: 'verified', verify: 'verified' },
    ...{ reportDrift: 'drift_detected', reopen: 'in_progress' },
  },
  drift_detected: {
    ...{ note: 'drift_detected', log: 'drift_detected', verify: 'verified' },
    ...{ reportDrift: 'drift_detected', fix: 'in_progress' },
  },
};

const TASK_MOVES: Moves<TaskStatus, TaskVerb> = {
  defined: {
    ...{ assign: 'assigned', nameReviewer: 'defined', block: 'blocked', depend: 'defined' },
    ...{ amend: 'defined', log: 'defined' },
  },
  assigned: {
    ...{ assign: 'assigned', unassign: 'defined', nameReviewer: 'assigned', start: 'in_progress' },
    ...{ block: 'blocked', depend: 'assigned', amend: 'assigned', log: 'assigned' },
  },
  in_progress: {
    ...{ handOver: 'in_progress', nameReviewer: 'in_progress', tick: 'in_progress' },
    ...{ submit: 'peer_review', block: 'blocked', amend: 'in_progress', log: 'in_progress' },
  },
  peer_review: {
    ...{ nameReviewer: 'peer_review', tick: 'peer_review', approve: 'peer_review' },
    ...{ requestRevisions: 'revisions', complete: 'completed', log: 'peer_review' },
  },
  revisions: {
    ...{ handOver: 'revisions', nameReviewer: 'revisions', tick: 'revisions' },
    ...{ resume: 'in_progress', amend: 'revisions', log: 'revisions' },
  },
  blocked: {
    ...{ unblockToDefined: 'defined', unblockToAssigned: 'assigned' },
    ...{ unblockToInProgress: 'in_progress', depend: 'blocked', amend: 'blocked', log: 'blocked' },
  },
  completed: { log: 'completed' },
};

const VERIFICATION = { outcome: 'verified', at: START, run: 'run-002' };

/** What each verb is given. */
const STEP_PARAMS: Readonly<Record<StepVerb, Readonly<Record<string, unknown>>>> = {
  start: {},
  amend: { title: 'Another title' },
  note: { concerns: ['It is slow'] },
  log: {},
  record: { tests: [{ text: 'Looked at it' }] },
  complete: {},
  verify: { tests: [], verifications: [VERIFICATION] },
  reportDrift: { tests: [], verifications: [{ ...VERIFICATION, outcome: 'drift' }] },
  fix: {},
  reopen: {},
};

const TASK_PARAMS: Readonly<Record<TaskVerb, Readonly<Record<string, unknown>>>> = {
  assign: { assignee: 'Cy' },
  unassign: {},
  handOver: { assignee: 'Cy' },
  nameReviewer: { reviewer: 'Di' },
  start: {},
  tick: { acceptanceCriteria: [{ text: 'It works', done: false }] },
  submit: {},
  approve: {},
  requestRevisions: {},
  resume: {},
  complete: {},
  block: {},
  unblockToDefined: { blockedFrom: 'defined' },
  unblockToAssigned: { blockedFrom: 'assigned' },
  unblockToInProgress: { blockedFrom: 'in_progress' },
  depend: { dependsOn: [] },
  amend: { title: 'Another title' },
  log: {},
};

function pairs<State extends string, Verb extends string>(
  moves: Moves<State, Verb>,
  verbs: readonly Verb[],
): [State, Verb, State | undefined][] {
  const states = Object.keys(moves) as State[];
  return states.flatMap((state) =>
    verbs.map((verb): [State, Verb, State | undefined] => [state, verb, moves[state][verb]]),
  );
}

/** Expects that the verb moved the record and wrote its history, or that nothing changed. */
async function expectMove(
  before: LedgerRecord,
  { verb, to }: { readonly verb: string; readonly to: string | undefined },
  move: () => Promise<LedgerRecord>,
  read: () => Promise<LedgerRecord | undefined>,
): Promise<void> {
  if (to === undefined) {
    const error = await move().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RecordStateError);
    expect(error).toMatchObject({ recordId: before.id, status: before.status, verb });
    expect(await read()).toStrictEqual(before);
    return;
  }
  const after = await move();
  expect(after.status).toBe(to);
  expect(after.history).toHaveLength(1);
  const moved = before.status === to ? {} : { from: before.status, to };
  expect(after.history[0]).toMatchObject({ verb, reason: 'because', at: START, ...moved });
  expect(await read()).toStrictEqual(after);
}

/** The tests of all pairs on one kind of store. */
export function pairsContract(kind: StoreKind): void {
  describe(`every state with every verb, ${kind.name}:`, () => {
    afterAll(() => kind.close());

    test('the lists name every state', () => {
      expect(Object.keys(STEP_MOVES).sort()).toEqual([...STEP_LIFECYCLE.states].sort());
      expect(Object.keys(TASK_MOVES).sort()).toEqual([...TASK_LIFECYCLE.states].sort());
    });

    test.each(pairs(STEP_MOVES, STEP_LIFECYCLE.verbs))(
      'a step that is %s, by %s, is %s',
      async (state, verb, to) => {
        const store = (await kind.make(STEP_FORMAT))();
        const { records } = stepsOn(store);
        const before = await put(store, stepIn(state));
        const by = { actor: 'Bob', run: 'run-002', reason: 'because' };
        const move = (): Promise<LedgerRecord> => records.move(verb, 'S01', STEP_PARAMS[verb], by);
        await expectMove(before, { verb, to }, move, () => store.get('S01'));
      },
    );

    test.each(pairs(TASK_MOVES, TASK_LIFECYCLE.verbs))(
      'a task that is %s, by %s, is %s',
      async (state, verb, to) => {
        const store = (await kind.make(TASK_FORMAT))();
        const { records } = tasksOn(store, clockAt());
        const blocked =
          state === 'blocked' ? { blockedFrom: TASK_PARAMS[verb].blockedFrom ?? 'defined' } : {};
        const before = await put(store, taskIn(state, 'TASK-1', blocked));
        const byReviewer = verb === 'approve' || verb === 'requestRevisions';
        const by = { actor: byReviewer ? 'Bob' : 'Ann', reason: 'because' };
        const move = (): Promise<LedgerRecord> =>
          records.move(verb, 'TASK-1', TASK_PARAMS[verb], by);
        await expectMove(before, { verb, to }, move, () => store.get('TASK-1'));
      },
    );
  });
}
