/**
 * Two ledgers as teams keep them manually: they are read without loss, and what is wrong in them is named.
 */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { CoordinationFormat, type Task, VerificationFormat } from '../../src/index.ts';
import { withEdits } from '../../src/markdown/lines.ts';
import { clockAt } from '../kit.ts';

const fixture = (name: string): Promise<string> =>
  readFile(new URL(`../fixtures/${name}`, import.meta.url), 'utf8');

/** The lines of one text that are not in the other at their place, as the lines of a report. */
function changedLines(before: string, after: string): string[] {
  const [old, now] = [before.split('\n'), after.split('\n')];
  return now.filter((line) => !old.includes(line));
}

test('a verification ledger gives all its steps with every section, and nothing is wrong with it', async () => {
  const text = await fixture('implementation-ledger.md');
  const format = new VerificationFormat();
  const ledger = format.parse(text);
  expect([...ledger.records.keys()]).toEqual(
    Array.from({ length: 13 }, (_, n) => `S${String(n).padStart(2, '0')}`),
  );
  expect(ledger.problems).toEqual([]);
  expect(withEdits(ledger.source, [])).toBe(text);
  expect(ledger.records.get('S03')?.record).toStrictEqual({
    id: 'S03',
    title: 'Database Connectivity & Migrations (Live)',
    status: 'not_started',
    scope: [
      { name: 'Blueprint references', items: ['Database schema and migrations sections.'] },
      {
        name: 'Files touched',
        items: ['_e.g. `backend/src/db/session.py`_', '_e.g. `alembic/versions/*.py`_'],
      },
    ],
    summary: ['_Describe DB connection wiring and migrations applied._'],
    invariants: [
      { text: 'DB connection string comes from config (no hard‑coded credentials).' },
      { text: 'Migrations are at `head` for the target DB.' },
      { text: 'Schema matches the blueprint (tables, columns, constraints).' },
    ],
    tests: [
      { text: 'DB connectivity check (command and result).' },
      {
        text: 'CRUD operations tests:\n- Insert valid record – PASS/FAIL\n- Invalid data error – PASS/FAIL\n- Query non‑existent record – PASS/FAIL',
      },
    ],
    edgeCases: ['Network failure behavior.', 'Constraint violations.'],
    concerns: ['_e.g. long‑running migrations, downtime risk._'],
    stillNeeded: ['_e.g. zero‑downtime migration patterns, migration back‑out plans._'],
    verifications: [],
    history: [],
  });
});

test('a verification ledger keeps every line that a change does not concern', async () => {
  const text = await fixture('implementation-ledger.md');
  const format = new VerificationFormat();
  const ledger = format.parse(text);
  const step = ledger.records.get('S02')?.record;
  const after = format.write(ledger, {
    ...step,
    id: 'S02',
    status: 'in_progress',
    runId: 'run-001',
    history: [],
  });
  expect(changedLines(text, after)).toEqual([
    '- **Status:** in_progress  ',
    '- **Responsible run ID:** run-001',
  ]);
  expect(after.split('\n')).toHaveLength(text.split('\n').length);
});

test('a coordination ledger gives all its tasks with every part', async () => {
  const text = await fixture('coordination-ledger.md');
  const ledger = new CoordinationFormat({ clock: clockAt() }).parse(text);
  expect([...ledger.records.keys()]).toEqual([
    ...['CRIT-001', 'CRIT-002', 'CRIT-003', 'CRIT-004'],
    ...['HIGH-001', 'HIGH-002', 'HIGH-003', 'NORM-001'],
  ]);
  expect(withEdits(ledger.source, [])).toBe(text);
  const task = ledger.records.get('CRIT-001')?.record as Task;
  expect(task).toMatchObject({
    ...{ title: 'Simplify Unit of Work Implementation', priority: 'critical', status: 'assigned' },
    ...{ assignee: 'Agent-1', reviewer: 'Agent-4', deadline: new Date('2025-07-12T17:00Z') },
    requirements: [
      { name: 'Files to Modify', text: '`app/core/infrastructure/unit_of_work.py`' },
      { name: 'Tests Required' },
      { name: 'Documentation' },
      { name: 'Integration Points' },
    ],
    history: [
      {
        verb: 'log',
        actor: 'Agent-4',
        at: new Date('2025-07-09T18:10Z'),
        reason: 'Task assigned to Agent-1',
      },
      { verb: 'note', reason: '[Waiting for Agent-1 acceptance]' },
    ],
  });
  expect(task.acceptanceCriteria).toHaveLength(6);
  expect(task.definitionOfDone.at(-1)).toEqual({ text: 'Merged to main branch', done: false });
  expect(ledger.records.get('HIGH-002')?.record).not.toHaveProperty('assignee');
  expect(ledger.records.get('HIGH-001')?.record).toMatchObject({ dependsOn: ['CRIT-002'] });
});

test('what a coordination ledger says wrongly of itself is named with its line, and corrected when it is asked for', async () => {
  const text = await fixture('coordination-ledger.md');
  const format = new CoordinationFormat({ clock: clockAt() });
  const ledger = format.parse(text);
  const said = ledger.problems.map(
    ({ line, found, expected }) => `${line}: ${found} -> ${expected}`,
  );
  expect(said).toEqual([
    '6: **Total Tasks**: 15 (Critical: 4, High: 6, Normal: 5) -> **Total Tasks**: 8 (Critical: 4, High: 3, Normal: 1)',
    '236: - **Total Tasks**: 15 -> - **Total Tasks**: 8',
    '238: - **In Progress**: 1 (7%) -> - **In Progress**: 1 (13%)',
    '239: - **Assigned**: 3 (20%) -> - **Assigned**: 3 (38%)',
    '240: - **Defined**: 11 (73%) -> - **Defined**: 4 (50%)',
    '244: CRIT-001 (Agent-1) → CRIT-002 (Agent-2) → CRIT-003 (Agent-3) → CRIT-004 (Agent-4) -> CRIT-002 (Agent-2) → HIGH-001 (unassigned)',
    '245: └── Unit of Work ──→ Outbox Pattern ──→ Infrastructure ──→ Production Ready -> (no line)',
    '251: | CRIT-001 | None | CRIT-002 integration | -> | CRIT-001 | None | None |',
    '252: | CRIT-002 | None | CRIT-001 integration | -> | CRIT-002 | None | HIGH-001 |',
    '254: | CRIT-004 | CRIT-001, CRIT-002, CRIT-003 | Production deployment | -> | CRIT-004 | None | None |',
    '254: (no line) -> | HIGH-001 | CRIT-002 | None |',
  ]);
  const corrected = format.corrected(ledger);
  const wrong = new Set(ledger.problems.map(({ found }) => found));
  const kept = text.split('\n').filter((line) => !wrong.has(line.trimEnd()));
  const expected = new Set(ledger.problems.map((problem) => problem.expected));
  expect(corrected.split('\n').filter((line) => !expected.has(line.trimEnd()))).toEqual(kept);
  expect(format.parse(corrected).problems).toEqual([]);
  expect(format.corrected(format.parse(corrected))).toBe(corrected);
});

test('a change keeps computed parts right that were right, and leaves those that were wrong', async () => {
  const text = await fixture('coordination-ledger.md');
  const format = new CoordinationFormat({ clock: clockAt() });
  const ledger = format.parse(text);
  const task = ledger.records.get('CRIT-002')?.record as Task;
  const after = format.write(ledger, { ...task, status: 'blocked', blockedReason: 'No server' });
  expect(changedLines(text, after)).toEqual([
    '**Status**: 🚫 BLOCKED  ',
    '**Blocked Because**: No server  ',
    '- **CRIT-002**: Implement Outbox Pattern System – No server',
    '- **Agent-2**: 1 critical task blocked',
  ]);
  expect(after).toContain('**Total Tasks**: 15 (Critical: 4, High: 6, Normal: 5)');
});
