/**
 * Fifty callers at once who all break a rule, for each rule with each verb that it binds: all are refused by that rule,
 * and nothing changes.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { TASK_RULES } from '../../src/coordination/task-rules.ts';
import {
  LEDGER_COMMANDS,
  type LedgerRecord,
  LedgerRuleError,
  type RecordLedger,
  type RecordStore,
} from '../../src/index.ts';
import { stepRules } from '../../src/verification/step-rules.ts';
import {
  atOnce,
  put,
  STEP_FORMAT,
  type StoreKind,
  stepIn,
  stepsOn,
  TASK_FORMAT,
  taskIn,
  tasksOn,
  upTo,
} from '../kit.ts';

const CROWD = 50;

/** How a rule is broken by a verb. */
interface Breach {
  readonly rule: string;
  readonly verb: string;
  /** What stands in the ledger before; the verb is called on the first one, and `add` makes another one. */
  readonly records: readonly LedgerRecord[];
  readonly params: Readonly<Record<string, unknown>>;
  readonly actor: string;
  readonly run?: string;
}

interface More {
  readonly with?: readonly LedgerRecord[];
  readonly params?: Readonly<Record<string, unknown>>;
  readonly actor?: string;
  readonly run?: string;
}

function breach(rule: string, verb: string, record: LedgerRecord, more: More = {}): Breach {
  const { params = {}, actor = 'Ann', run } = more;
  const records = [record, ...(more.with ?? [])];
  return { ...{ rule, verb, records, params, actor }, ...(run !== undefined && { run }) };
}

const LATER = { run: 'run-002' };
const FOUND = { params: { tests: [], verifications: [] } };
const PENDING = 'completed_pending_verification';
const DRIFTED = { with: [stepIn('drift_detected', 'S02')] };
const UNCHECKED = [{ text: 'It holds' }];

const STEP_BREACHES: readonly Breach[] = [
  breach('run named', 'start', stepIn('not_started')),
  breach('run named', 'complete', stepIn('in_progress')),
  breach('run named', 'verify', stepIn(PENDING), FOUND),
  breach('run named', 'reportDrift', stepIn(PENDING), FOUND),
  breach('run named', 'fix', stepIn('drift_detected')),
  breach('run named', 'reopen', stepIn('verified')),
  breach('verified first', 'start', stepIn('not_started'), { ...LATER, ...DRIFTED }),
  breach('verified first', 'reopen', stepIn('verified'), { ...LATER, ...DRIFTED }),
  breach(
    'invariants have checks',
    'complete',
    stepIn('in_progress', 'S01', { invariants: UNCHECKED }),
    LATER,
  ),
  breach('run known', 'verify', stepIn(PENDING, 'S01', { runId: undefined }), {
    ...{ ...LATER, ...FOUND },
  }),
  breach('verified by a later run', 'verify', stepIn(PENDING), { run: 'run-001', ...FOUND }),
];

const WAITING = { with: [taskIn('defined', 'TASK-0')] };
const ON_OTHER = { dependsOn: ['TASK-0'] };
const CY = { actor: 'Cy' };
const wasIn = (blockedFrom: string): LedgerRecord => taskIn('blocked', 'TASK-1', { blockedFrom });
const UNTICKED = { definitionOfDone: [{ text: 'It is merged', done: false }] };

const TASK_BREACHES: readonly Breach[] = [
  breach('another one reviews', 'add', taskIn('defined'), {
    params: { title: 'x', assignee: 'Ann', reviewer: 'Ann' },
  }),
  breach('another one reviews', 'assign', taskIn('defined'), { params: { assignee: 'Bob' } }),
  breach('another one reviews', 'handOver', taskIn('in_progress'), { params: { assignee: 'Bob' } }),
  breach('another one reviews', 'nameReviewer', taskIn('assigned'), {
    params: { reviewer: 'Ann' },
  }),
  breach('by its assignee', 'start', taskIn('assigned'), CY),
  breach('by its assignee', 'submit', taskIn('in_progress'), CY),
  breach('by its assignee', 'resume', taskIn('revisions'), CY),
  breach('by its reviewer', 'approve', taskIn('peer_review'), CY),
  breach('by its reviewer', 'requestRevisions', taskIn('peer_review'), { actor: 'Ann' }),
  breach('dependencies completed', 'start', taskIn('assigned', 'TASK-1', ON_OTHER), WAITING),
  breach(
    'dependencies completed',
    'unblockToInProgress',
    taskIn('blocked', 'TASK-1', { ...ON_OTHER, blockedFrom: 'in_progress' }),
    { ...WAITING, params: { blockedFrom: 'in_progress' } },
  ),
  breach('dependencies without a cycle', 'add', taskIn('defined'), {
    params: { title: 'x', dependsOn: ['TASK-9'] },
  }),
  breach('dependencies without a cycle', 'depend', taskIn('defined'), {
    params: { dependsOn: ['TASK-1'] },
  }),
  breach('back to where it was', 'unblockToDefined', wasIn('assigned'), {
    params: { blockedFrom: 'defined' },
  }),
  breach('back to where it was', 'unblockToAssigned', wasIn('in_progress'), {
    params: { blockedFrom: 'assigned' },
  }),
  breach('back to where it was', 'unblockToInProgress', wasIn('defined'), {
    params: { blockedFrom: 'in_progress' },
  }),
  breach('everything checked', 'complete', taskIn('peer_review', 'TASK-1', UNTICKED)),
];

const namesOf = (breaches: readonly Breach[]): string[] =>
  breaches.map(({ rule, verb }) => `${rule}: ${verb}`).sort();
const boundBy = (rules: readonly { readonly name: string; readonly verbs: readonly string[] }[]) =>
  rules.flatMap(({ name, verbs }) => verbs.map((verb) => `${name}: ${verb}`)).sort();

/** The tests of all rules on one kind of store. */
export function rulesContract(kind: StoreKind): void {
  describe(`fifty callers at once who break a rule, ${kind.name}:`, () => {
    afterAll(() => kind.close());

    test('every rule is broken by every verb that it binds', () => {
      expect(namesOf(STEP_BREACHES)).toEqual(boundBy(stepRules(LEDGER_COMMANDS)));
      expect(namesOf(TASK_BREACHES)).toEqual(boundBy(TASK_RULES));
    });

    async function expectRefused(
      { rule, verb, records, params, actor, run }: Breach,
      open: () => RecordStore,
      ledgerOn: (store: RecordStore) => RecordLedger<string, string>,
    ): Promise<void> {
      const first = open();
      for (const record of records) await put(first, record);
      const before = await first.list({});
      const ledgers = upTo(5).map(() => ledgerOn(open()));
      const by = { actor, ...(run !== undefined && { run }) };
      const { done, refused } = await atOnce(
        upTo(CROWD).map((n) => async () => {
          const ledger = ledgers[n % ledgers.length] as RecordLedger<string, string>;
          if (verb === 'add') return await ledger.add('TASK-9', params, by);
          return await ledger.move(verb, String(records[0]?.id), params, by);
        }),
      );
      expect(done).toEqual([]);
      const others = refused.filter(
        (error) => !(error instanceof LedgerRuleError) || error.rule !== rule,
      );
      expect(others).toEqual([]);
      expect(refused).toHaveLength(CROWD);
      expect(await first.list({})).toStrictEqual(before);
    }

    test.each(STEP_BREACHES.map((one) => [one.rule, one.verb, one] as const))(
      "'%s' of steps refuses %s",
      async (_rule, _verb, one) => {
        const open = await kind.make(STEP_FORMAT);
        await expectRefused(one, open, (store) => stepsOn(store).records as never);
      },
    );

    test.each(TASK_BREACHES.map((one) => [one.rule, one.verb, one] as const))(
      "'%s' of tasks refuses %s",
      async (_rule, _verb, one) => {
        const open = await kind.make(TASK_FORMAT);
        await expectRefused(one, open, (store) => tasksOn(store).records as never);
      },
    );
  });
}
