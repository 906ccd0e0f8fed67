/**
 * Tasks: the guards of their verbs, what is computed of them, and reminders.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  CoordinationFormat,
  type CoordinationLedger,
  CoordinationLedger as Ledger,
  MarkdownRecordStore,
  MemoryRecordStore,
  Redactor,
  statisticsOf,
  type Task,
} from '../../src/index.ts';
import { clockAt, put, START, taskIn, tasksOn } from '../kit.ts';

const ANN = { actor: 'Ann' };
const BOB = { actor: 'Bob' };

function ledger(): CoordinationLedger {
  return tasksOn(new MemoryRecordStore());
}

function task(id: string, dependsOn: readonly string[] = [], fields: object = {}): Task {
  return taskIn('defined', id, { dependsOn, ...fields }) as Task;
}

describe('a task', () => {
  test('goes from its definition over a review with changes to its end', async () => {
    const tasks = ledger();
    const acceptanceCriteria = [{ text: 'It works', done: false }];
    const definitionOfDone = [{ text: 'It is merged', done: false }];
    await tasks.add('T-1', { title: 'One', acceptanceCriteria, definitionOfDone }, BOB);
    await tasks.assign('T-1', { assignee: 'Ann' }, BOB);
    await tasks.start('T-1', ANN);
    await expect(tasks.submit('T-1', ANN)).rejects.toThrow(
      'T-1 has no reviewer; name one before it is submitted',
    );
    await tasks.nameReviewer('T-1', 'Bob', ANN);
    await tasks.submit('T-1', ANN);
    await expect(tasks.requestRevisions('T-1', { ...BOB, reason: ' ' })).rejects.toMatchObject({
      field: 'by.reason',
    });
    await tasks.requestRevisions('T-1', { ...BOB, reason: 'No tests' });
    await tasks.resume('T-1', ANN);
    await tasks.tick(
      'T-1',
      { acceptanceCriteria: ['It works'], definitionOfDone: ['It is merged'] },
      ANN,
    );
    await tasks.tick('T-1', { definitionOfDone: ['It is merged'], done: false }, ANN);
    await tasks.submit('T-1', ANN);
    await expect(tasks.complete('T-1', BOB)).rejects.toThrow(
      'T-1 cannot be completed\n  - it is not approved\n  - not checked: It is merged',
    );
    await tasks.approve('T-1', BOB);
    await tasks.tick('T-1', { definitionOfDone: ['It is merged'] }, ANN);
    const done = await tasks.complete('T-1', BOB);
    expect(done).toMatchObject({
      status: 'completed',
      approvedBy: 'Bob',
      revisionCount: 1,
      completedAt: START,
    });
    expect(done.history.map(({ verb }) => verb)).toEqual([
      ...[
        'add',
        'assign',
        'start',
        'nameReviewer',
        'submit',
        'requestRevisions',
        'resume',
        'tick',
        'tick',
      ],
      ...['submit', 'approve', 'tick', 'complete'],
    ]);
    expect(await tasks.statistics()).toMatchObject({
      total: 1,
      approvals: { count: 1, of: 2 },
      rework: { count: 1, of: 1 },
      completedThisWeek: 1,
    });
  });

  test('is not done and reviewed by one person', async () => {
    const tasks = ledger();
    await tasks.add('T-1', { title: 'One', reviewer: 'Bob' }, BOB);
    const said = "T-1 cannot be reviewed by 'Bob', who does it; name another reviewer";
    await expect(tasks.assign('T-1', { assignee: 'Bob' }, BOB)).rejects.toThrow(said);
    await tasks.assign('T-1', { assignee: 'Ann' }, BOB);
    await expect(tasks.nameReviewer('T-1', 'Ann', BOB)).rejects.toThrow(
      "T-1 cannot be reviewed by 'Ann', who does it",
    );
    await tasks.start('T-1', ANN);
    await expect(tasks.handOver('T-1', 'Bob', BOB)).rejects.toThrow(said);
    await tasks.handOver('T-1', 'Cy', BOB);
    await expect(tasks.submit('T-1', ANN)).rejects.toThrow(
      "T-1 is assigned to 'Cy', so 'Ann' cannot submit it",
    );
    await tasks.submit('T-1', { actor: 'Cy' });
    await expect(tasks.approve('T-1', { actor: 'Cy' })).rejects.toThrow(
      "T-1 is done by 'Cy', who cannot review it",
    );
    await expect(tasks.approve('T-1', ANN)).rejects.toThrow(
      "T-1 is reviewed by 'Bob', not by 'Ann'",
    );
    await tasks.nameReviewer('T-1', 'Di', BOB);
    await expect(tasks.complete('T-1', BOB)).rejects.toThrow(
      'T-1 cannot be completed\n  - it is not approved',
    );
  });

  test('that nobody has is started by nobody, and reviewed by nobody', async () => {
    const store = new MemoryRecordStore();
    await put(store, taskIn('assigned', 'T-1', { assignee: undefined }));
    await put(store, taskIn('peer_review', 'T-2', { reviewer: undefined }));
    await expect(tasksOn(store).start('T-1', ANN)).rejects.toThrow(
      "T-1 is assigned to nobody, so 'Ann' cannot start it",
    );
    await expect(tasksOn(store).approve('T-2', BOB)).rejects.toThrow(
      "T-2 is reviewed by nobody, not by 'Bob'",
    );
  });

  test('goes back to where it was when it is no longer blocked', async () => {
    const tasks = ledger();
    await tasks.add('T-0', { title: 'Zero' }, BOB);
    await tasks.add('T-1', { title: 'One' }, BOB);
    const blocked = { ...BOB, reason: 'No server' };
    expect(await tasks.block('T-1', blocked)).toMatchObject({
      blockedFrom: 'defined',
      blockedReason: 'No server',
      blockedAt: START,
    });
    expect(await tasks.unblock('T-1', BOB)).toMatchObject({ status: 'defined' });
    await tasks.assign('T-1', { assignee: 'Ann' }, BOB);
    await tasks.block('T-1', blocked);
    await expect(
      tasks.records.move('unblockToDefined', 'T-1', { blockedFrom: 'assigned' }, BOB),
    ).rejects.toThrow('T-1 was assigned before it was blocked, and goes back there');
    expect(await tasks.unblock('T-1', BOB)).toMatchObject({ status: 'assigned' });
    await tasks.start('T-1', ANN);
    await tasks.block('T-1', blocked);
    await tasks.depend('T-1', ['T-0'], BOB);
    await expect(tasks.unblock('T-1', BOB)).rejects.toThrow(
      'T-1 depends on a task that is not completed\n  - T-0 is defined (nobody has it)',
    );
    await tasks.depend('T-1', [], BOB);
    const again = await tasks.unblock('T-1', BOB);
    expect(again).toMatchObject({ status: 'in_progress' });
    expect(again).not.toHaveProperty('blockedReason');
    await expect(tasks.unblock('T-1', BOB)).rejects.toMatchObject({
      code: 'RECORD_STATE',
      verb: 'unblock',
    });
    await expect(tasks.unblock('T-9', BOB)).rejects.toMatchObject({ code: 'RECORD_NOT_FOUND' });
    await expect(tasks.block('T-0', BOB as typeof blocked)).rejects.toMatchObject({
      field: 'by.reason',
    });
  });

  test('that was blocked in an editor, without a word on where it was, goes back to its definition', async () => {
    const store = new MemoryRecordStore();
    await put(store, taskIn('blocked', 'T-1'));
    expect(await tasksOn(store).unblock('T-1', BOB)).toMatchObject({ status: 'defined' });
  });

  test('depends on tasks that are there, and on itself by no way', async () => {
    const tasks = ledger();
    await tasks.add('T-1', { title: 'One' }, BOB);
    await tasks.add('T-2', { title: 'Two', dependsOn: ['T-1'] }, BOB);
    await expect(tasks.add('T-3', { title: 'x', dependsOn: ['T-8', 'T-9'] }, BOB)).rejects.toThrow(
      'T-3 cannot depend on T-8, T-9: there is no such task',
    );
    await expect(tasks.depend('T-1', ['T-1'], BOB)).rejects.toThrow(
      'T-1 would depend on itself: T-1 → T-1',
    );
    await expect(tasks.depend('T-1', ['T-2'], BOB)).rejects.toThrow(
      'T-1 would depend on itself: T-1 → T-2 → T-1',
    );
    await tasks.assign('T-2', { assignee: 'Ann' }, BOB);
    await expect(tasks.start('T-2', ANN)).rejects.toMatchObject({
      rule: 'dependencies completed',
      blockers: ['T-1 is defined (nobody has it)'],
    });
  });

  test('that depends on what an editor took away is not started', async () => {
    const store = new MemoryRecordStore();
    await put(store, taskIn('assigned', 'T-1', { dependsOn: ['T-8', 'T-9'] }));
    await expect(tasksOn(store).start('T-1', ANN)).rejects.toThrow(
      'T-1 depends on 2 tasks that are not completed\n  - T-8 is not in the ledger\n  - T-9 is not in the ledger',
    );
  });

  test('has no box of another text', async () => {
    const store = new MemoryRecordStore();
    await put(store, taskIn('in_progress'));
    await expect(
      tasksOn(store).tick('TASK-1', { acceptanceCriteria: ['No such'] }, ANN),
    ).rejects.toMatchObject({ field: 'acceptanceCriteria' });
  });

  test('is taken back, changed and remarked on', async () => {
    const tasks = ledger();
    await tasks.add('T-1', { title: 'One' }, BOB);
    await tasks.assign('T-1', { assignee: 'Ann', reviewer: 'Bob' }, BOB);
    expect(await tasks.unassign('T-1', BOB)).not.toHaveProperty('assignee');
    expect(await tasks.amend('T-1', { priority: 'critical', deadline: START }, BOB)).toMatchObject({
      priority: 'critical',
    });
    expect((await tasks.log('T-1', 'Five files edited', ANN)).history.at(-1)).toEqual({
      at: START,
      verb: 'log',
      actor: 'Ann',
      reason: 'Five files edited',
    });
    expect(await tasks.list({ where: { priority: 'critical' } })).toHaveLength(1);
    expect(await tasks.get('T-2')).toBeNull();
  });
});

test('statistics count by state, priority, person and week', () => {
  const week = 7 * 86_400_000;
  const at = (weeks: number): object => ({ completedAt: new Date(START.getTime() - weeks * week) });
  const tasks = [
    taskIn('completed', 'A', { ...at(0), revisionCount: 2 }),
    taskIn('completed', 'B', at(1)),
    taskIn('completed', 'C', { ...at(5), approvedBy: undefined }),
    taskIn('completed', 'D', { completedAt: undefined, approvedBy: undefined }),
    taskIn('in_progress', 'E', {
      approvedBy: undefined,
      deadline: new Date(START.getTime() - 1),
      priority: 'critical',
    }),
    taskIn('assigned', 'F', { approvedBy: undefined, assignee: 'Cy', deadline: START }),
    taskIn('defined', 'G', { approvedBy: undefined, assignee: undefined }),
  ] as unknown as readonly Task[];
  const statistics = statisticsOf(tasks, START);
  expect(statistics).toMatchObject({
    total: 7,
    byStatus: {
      completed: 4,
      in_progress: 1,
      assigned: 1,
      defined: 1,
      blocked: 0,
      peer_review: 0,
      revisions: 0,
    },
    byPriority: { critical: 1, high: 0, normal: 6 },
    overdue: ['E'],
    completedThisWeek: 1,
    completedInWeeks: [1, 0, 0, 0],
    approvals: { count: 2, of: 4 },
    rework: { count: 1, of: 4 },
    criticalPath: [],
  });
  expect(statistics.byAssignee).toEqual([
    {
      assignee: 'Ann',
      completed: 4,
      overdue: 1,
      tasks: [
        { priority: 'critical', status: 'in_progress', count: 1 },
        { priority: 'normal', status: 'completed', count: 4 },
      ],
    },
    {
      assignee: 'Cy',
      completed: 0,
      overdue: 0,
      tasks: [{ priority: 'normal', status: 'assigned', count: 1 }],
    },
  ]);
});

test('a file states what is computed after every change, and names what an editor broke', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ledger-'));
  const format = new CoordinationFormat({ clock: clockAt() });
  const store = new MarkdownRecordStore(join(folder, 'TASKS.md'), format);
  await store.init();
  const tasks = tasksOn(store);
  for (const [n, priority] of (['critical', 'high', 'normal', 'critical'] as const).entries()) {
    await tasks.add(
      `T-${n}`,
      { title: `Task ${n}`, priority, reviewer: 'Bob', dependsOn: n === 0 ? [] : [`T-${n - 1}`] },
      BOB,
    );
  }
  await tasks.assign('T-0', { assignee: 'Ann' }, BOB);
  await tasks.start('T-0', ANN);
  await tasks.submit('T-0', ANN);
  await tasks.approve('T-0', BOB);
  await tasks.complete('T-0', BOB);
  await tasks.block('T-1', { ...BOB, reason: 'No server' });
  const { problems, source } = await store.read();
  expect(problems).toEqual([]);
  const text = source.lines.map((line) => line.text).join('\n');
  for (const line of [
    ...[
      '**Total Tasks**: 4 (Critical: 2, High: 1, Normal: 1)  ',
      '- **Completed**: 1 (25%)',
      '- **Blocked**: 1 (25%)',
    ],
    ...[
      'T-1 (unassigned) → T-2 (unassigned) → T-3 (unassigned)',
      '| T-1 | T-0 | T-2 |',
      '- **T-1**: Task 1 – No server',
    ],
    ...[
      '- **T-0**: Task 0 (Ann, 2026-03-01 09:30)',
      '- **This Week**: 1 task completed',
      '- **Peer Review Approval Rate**: 100% (1 of 1 review)',
    ],
    ...['- **Rework Rate**: 0% (0 of 1 completion)', '- **Ann**: 1 critical task completed'],
  ])
    expect(text.split('\n')).toContain(line);
  expect(text.indexOf('**T-3: Task 3**')).toBeLessThan(text.indexOf('HIGH PRIORITY TASKS'));

  const broken = [
    '### **A-1: x**\n**Status**: 🔄 IN_PROGRESS\n**Dependencies**: A-2, A-9',
    '### **A-2: x**\n**Status**: ✅ COMPLETED\n**Dependencies**: A-3\n**Assigned To**: Ann\n**Reviewer**: Ann\n#### Acceptance Criteria\n- [ ] a',
    '### A-3: x\n**Dependencies**: A-2',
  ].join('\n');
  expect(format.parse(broken).problems.map(({ line, message }) => `${line}: ${message}`)).toEqual([
    '1: A-1 depends on A-9, which is no task',
    '1: A-1 is in_progress, but nobody has it',
    '4: A-2 is completed, but depends on A-3, not completed yet',
    "4: A-2 is reviewed by 'Ann', who does it",
    '4: A-2 is completed, but 1 of its items are not checked',
    '4: A-2 is completed, but nobody approved it',
    '4: tasks depend on each other: A-2 → A-3 → A-2',
  ]);
  const cyclic = `${broken}\n## COMPLETION STATISTICS\n### **Critical Path Analysis**\n\`\`\`\n\`\`\`\n`;
  expect(format.parse(cyclic).problems.at(-1)).toMatchObject({
    expected: 'None: these depend on each other: A-2 → A-3 → A-2',
    found: '(no line)',
  });
  await rm(folder, { recursive: true });
});

test('a task of a group that a file lacks gets its heading', () => {
  const format = new CoordinationFormat({ clock: clockAt() });
  const text = format.write(
    format.parse('# Tasks\n\n## COMPLETION STATISTICS\n\n- x\n'),
    task('T-1'),
  );
  expect(text).toMatch(
    /^# Tasks\n\n## 🟢 NORMAL PRIORITY TASKS\n\n### \*\*T-1: Task T-1\*\*\n[\s\S]*---\n\n## COMPLETION STATISTICS/,
  );
  expect(format.write(format.parse('# Tasks'), task('T-1'))).toMatch(/^# Tasks\n\n## 🟢 NORMAL/);
});

test('secrets are taken out of what is written about tasks', async () => {
  const redactor = new Redactor([['TOKEN', 'hunter2hunter2']]);
  const tasks = new Ledger({ store: new MemoryRecordStore(), redactor });
  await tasks.add('T-1', { title: 'Use hunter2hunter2' }, ANN);
  expect(await tasks.get('T-1')).toMatchObject({ title: 'Use [redacted TOKEN]' });
});
