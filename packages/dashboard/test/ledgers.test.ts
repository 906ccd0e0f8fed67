/**
 * The API of the work ledgers: what is shown of steps and tasks, to whom, and at what cost.
 */
import { Monque } from '@monque/core';
import { ManualClock } from '@monque/core/testing';
import {
  CheckRunner,
  CoordinationLedger,
  LedgerFileError,
  MemoryRecordStore,
  Redactor,
  VerificationLedger,
} from '@monque/ledgers';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createDashboard, type DashboardOptions } from '../src/index.ts';
import { LedgerSource } from '../src/ledgers/ledger-source.ts';
import { inMemory, TestDashboard } from './dashboards.ts';

const NOW = new Date('2026-03-04T09:30:00Z');
const ANN = { actor: 'Ann' };
const BOB = { actor: 'Bob' };

const clock = new ManualClock({ start: NOW });
const scheduler = Monque.inMemory({ logger: false });

async function makeSteps(): Promise<VerificationLedger> {
  const redactor = new Redactor([['TOKEN', 'sesame-open-4711']]);
  const runner = new CheckRunner({ scheduler, redactor, clock });
  const ledger = new VerificationLedger({
    store: new MemoryRecordStore(),
    runner,
    redactor,
    clock,
  });
  await ledger.add(
    'S01',
    {
      title: 'Payments are kept',
      scope: [{ name: 'Files touched', items: ['pay.ts'] }],
      summary: ['Wrote it'],
      invariants: [
        { text: 'It answers', check: { command: 'printf sesame-open-%s 4711' } },
        { text: 'It fails', check: { command: 'exit 3' } },
      ],
      tests: [{ text: 'by hand' }],
      edgeCases: ['An empty cart'],
      concerns: ['Slow'],
      stillNeeded: ['Refunds'],
    },
    ANN,
  );
  await ledger.start('S01', { ...ANN, run: 'run-1' });
  await ledger.complete('S01', { ...ANN, run: 'run-1' });
  await ledger.reverify({ ...BOB, run: 'run-2', reason: 'see https://ann:pass@host/1' });
  await ledger.add(
    'S02',
    { title: 'Mail goes out', invariants: [{ text: 'One arrives', check: { command: 'true' } }] },
    ANN,
  );
  await ledger.add('S03', { title: 'Later', invariants: [{ text: 'Nobody knows' }] }, ANN);
  return ledger;
}

async function makeTasks(): Promise<CoordinationLedger> {
  const ledger = new CoordinationLedger({ store: new MemoryRecordStore(), clock });
  const days = (count: number) => new Date(NOW.getTime() + count * 86_400_000);
  const item = (text: string) => ({ text, done: false });
  await ledger.add(
    'T1',
    {
      title: 'Design it',
      deadline: days(-1),
      reviewer: 'Bob',
      acceptanceCriteria: [item('It is drawn')],
      definitionOfDone: [item('It is agreed')],
      requirements: [{ name: 'Files', text: 'design.md' }],
    },
    ANN,
  );
  await ledger.add('T2', { title: 'Build it', deadline: days(2), dependsOn: ['T1'] }, ANN);
  await ledger.add('T3', { title: 'Ship it', priority: 'critical', dependsOn: ['T2'] }, ANN);
  await ledger.add('T4', { title: 'Wait', deadline: days(1) }, ANN);
  await ledger.add('T5', { title: 'Tidy', reviewer: 'Bob' }, ANN);
  await ledger.add('T6', { title: 'Sweep', reviewer: 'Bob' }, ANN);
  await ledger.assign('T1', { assignee: 'Ann' }, BOB);
  await ledger.start('T1', ANN);
  await ledger.block('T4', { ...BOB, reason: 'no key' });
  for (const id of ['T5', 'T6']) {
    await ledger.assign(id, { assignee: 'Ann' }, BOB);
    await ledger.start(id, ANN);
    await ledger.submit(id, ANN);
    await ledger.approve(id, BOB);
    await ledger.complete(id, ANN);
    await clock.advance(60_000);
  }
  return ledger;
}

let steps: VerificationLedger;
let tasks: CoordinationLedger;

beforeAll(async () => {
  await scheduler.start();
  [steps, tasks] = await Promise.all([makeSteps(), makeTasks()]);
});

afterAll(() => scheduler.stop());

function dashboard(options: Partial<DashboardOptions> = {}, monque = inMemory()): TestDashboard {
  return new TestDashboard(monque, {
    ledgers: { verification: steps, coordination: tasks },
    ...options,
  });
}

describe('steps', () => {
  test('are listed with what their checks found last, and counted by state', async () => {
    const { body } = await dashboard().ask('ledgers/verification');
    expect(body.counts).toEqual({
      ...{ not_started: 2, in_progress: 0, completed_pending_verification: 0, verified: 0 },
      drift_detected: 1,
    });
    expect(body.steps.map(({ id, checks }: never) => [id, checks])).toEqual([
      ['S01', { passed: 1, failed: 1, notRun: 0, without: 0 }],
      ['S02', { passed: 0, failed: 0, notRun: 1, without: 0 }],
      ['S03', { passed: 0, failed: 0, notRun: 0, without: 1 }],
    ]);
    expect(body.steps[0]).toMatchObject({
      ...{ title: 'Payments are kept', status: 'drift_detected', run: 'run-1' },
      verification: { outcome: 'drift', run: 'run-2', notes: '1 of 2 checks passed' },
    });
    expect([body.nextAfter, body.isCut]).toEqual([null, false]);
  });

  test('come page by page, and by state', async () => {
    const asked = dashboard();
    const first = await asked.ask('ledgers/verification?limit=2');
    expect([first.body.steps.length, first.body.nextAfter]).toEqual([2, 'S02']);
    const second = await asked.ask('ledgers/verification?limit=2&after=S02');
    expect(second.body.steps.map(({ id }: { id: string }) => id)).toEqual(['S03']);
    expect(second.body.nextAfter).toBeNull();
    const drifted = await asked.ask('ledgers/verification?status=drift_detected');
    expect(drifted.body.steps.map(({ id }: { id: string }) => id)).toEqual(['S01']);
    expect((await asked.ask('ledgers/verification?status=done')).status).toBe(400);
  });

  test('are shown one by one with invariants, output without secrets, and history', async () => {
    const { body } = await dashboard().ask('ledgers/verification/S01');
    const { step } = body;
    expect(step.invariants).toMatchObject([
      {
        ...{ text: 'It answers', check: 'printf sesame-open-%s 4711' },
        result: { passed: true, exitCode: 0, run: 'run-2', output: '[redacted TOKEN]' },
      },
      { text: 'It fails', check: 'exit 3', result: { passed: false, exitCode: 3 } },
    ]);
    expect(step).toMatchObject({
      scope: [{ name: 'Files touched', items: ['pay.ts'] }],
      ...{ summary: ['Wrote it'], edgeCases: ['An empty cart'], concerns: ['Slow'] },
      stillNeeded: ['Refunds'],
    });
    expect(step.verifications).toHaveLength(1);
    expect(step.history.map(({ verb }: { verb: string }) => verb)).toEqual([
      ...['add', 'start', 'complete', 'reportDrift'],
    ]);
    expect(step.history.at(-1)).toMatchObject({
      ...{ actor: 'Bob', run: 'run-2', from: 'completed_pending_verification' },
      ...{ to: 'drift_detected', reason: 'see https://***@host/1' },
    });
    const missing = await dashboard().ask('ledgers/verification/S99');
    expect([missing.status, missing.body.code]).toEqual([404, 'NOT_FOUND']);
  });
});

describe('tasks', () => {
  test('stand on a board by state, the earliest deadline first and completed ones the newest', async () => {
    const { body } = await dashboard().ask('ledgers/coordination');
    const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id);
    const columns = body.columns.map((column: { status: string; tasks: { id: string }[] }) => {
      return [column.status, ...ids(column.tasks)];
    });
    expect(columns).toEqual([
      ...[['defined', 'T2', 'T3'], ['assigned'], ['in_progress', 'T1'], ['peer_review']],
      ...[['revisions'], ['blocked', 'T4'], ['completed', 'T6', 'T5']],
    ]);
    expect(ids(body.criticalPath.tasks)).toEqual(['T1', 'T2', 'T3']);
    expect(body.criticalPath.count).toBe(3);
    expect(body.columns[0].tasks[0]).toMatchObject({ isOverdue: false, waitsFor: 1 });
    expect(body.columns[2].tasks[0]).toMatchObject({ isOverdue: true, assignee: 'Ann' });
    expect(body.columns[5].tasks[0]).toMatchObject({ blockedReason: 'no key' });
    expect(body.figures).toMatchObject({
      ...{ total: 6, overdue: 1, completedThisWeek: 2, completedInWeeks: [0, 0, 0, 0] },
      ...{ approvals: { count: 2, of: 2 }, rework: { count: 0, of: 2 } },
      byPriority: { critical: 1, high: 0, normal: 5 },
      byAssignee: [{ assignee: 'Ann', open: 1, completed: 2, overdue: 1 }],
    });
  });

  test('are bounded in each state, and narrowed to a person', async () => {
    const { body } = await dashboard().ask('ledgers/coordination?limit=1&assignee=Ann');
    expect(body.columns[0]).toEqual({ status: 'defined', count: 0, tasks: [] });
    expect(body.columns[6].count).toBe(2);
    expect(body.columns[6].tasks).toHaveLength(1);
    expect(body.figures.total).toBe(6);
  });

  test('are shown one by one with criteria, dependencies and history', async () => {
    const asked = dashboard();
    const { body } = await asked.ask('ledgers/coordination/T2');
    expect(body.task).toMatchObject({
      dependsOn: [{ id: 'T1', title: 'Design it', status: 'in_progress' }],
      neededBy: [{ id: 'T3', title: 'Ship it', status: 'defined' }],
      revisionCount: 0,
    });
    const first = (await asked.ask('ledgers/coordination/T1')).body.task;
    expect(first).toMatchObject({
      acceptanceCriteria: [{ text: 'It is drawn', done: false }],
      definitionOfDone: [{ text: 'It is agreed', done: false }],
      requirements: [{ name: 'Files', text: 'design.md' }],
    });
    const done = (await asked.ask('ledgers/coordination/T5')).body.task;
    expect(done).toMatchObject({ approvedBy: 'Bob', reviewer: 'Bob' });
    expect((await asked.ask('ledgers/coordination/T99')).status).toBe(404);
  });

  test('of one deadline are ordered by urgency, and what ended at no known time is last', async () => {
    const [task] = await tasks.list({ limit: 1 });
    const day = (number: number) => new Date(Date.UTC(2026, 2, number));
    const one = (id: string, fields: object) => ({ ...task, id, status: 'defined', ...fields });
    const listed = [
      one('none', { deadline: undefined, priority: 'critical' }),
      one('late', { deadline: day(9), priority: 'critical' }),
      one('normal', { deadline: day(5), priority: 'normal' }),
      one('critical', { deadline: day(5), priority: 'critical' }),
      one('high', { deadline: day(5), priority: 'high' }),
      one('unknown', { status: 'completed', completedAt: undefined }),
      one('first', { status: 'completed', completedAt: day(1) }),
      one('last', { status: 'completed', completedAt: day(2) }),
      one('lost', { status: 'completed', completedAt: undefined }),
    ];
    const figures = { ...(await tasks.statistics()), criticalPath: ['high', 'GONE'] };
    const coordination = { list: async () => listed as never, statistics: async () => figures };
    const { body } = await dashboard({ ledgers: { coordination } }).ask('ledgers/coordination');
    const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id);
    expect(ids(body.columns[0].tasks)).toEqual(['critical', 'high', 'normal', 'late', 'none']);
    expect(ids(body.columns[6].tasks)).toEqual(['last', 'first', 'unknown', 'lost']);
    expect([body.criticalPath.count, ids(body.criticalPath.tasks)]).toEqual([2, ['high']]);
  });

  test('may depend on one that is not there', async () => {
    const [task] = await tasks.list({ limit: 1 });
    const lone = { ...task, dependsOn: ['GONE'] } as never;
    const coordination = { list: async () => [lone], statistics: () => tasks.statistics() };
    const { body } = await dashboard({ ledgers: { coordination } }).ask('ledgers/coordination/T1');
    expect(body.task).toMatchObject({ dependsOn: [{ id: 'GONE' }], waitsFor: 1 });
  });
});

describe('who sees ledgers', () => {
  const paths = ['verification', 'verification/S01', 'coordination', 'coordination/T1'];

  test.each(paths)(
    '%s is shown to who sees jobs of all names, and to nobody else',
    async (path) => {
      const some = inMemory({ access: { may: ({ name }) => name === 'mail' } });
      const refused = await dashboard({}, some).ask(`ledgers/${path}`);
      expect([refused.status, refused.body.code]).toEqual([403, 'ACCESS_DENIED']);
      const nobody = await dashboard({ actor: () => null }).ask(`ledgers/${path}`);
      expect(nobody.status).toBe(401);
      expect((await dashboard({ readOnly: true }).ask(`ledgers/${path}`)).status).toBe(200);
      const none = await dashboard({ ledgers: {} }).ask(`ledgers/${path}`);
      expect([none.status, none.body.code]).toEqual([404, 'NOT_FOUND']);
    },
  );

  test('the capabilities name the ledgers that are there and may be seen', async () => {
    const features = async (asked: TestDashboard) =>
      (await asked.ask('capabilities')).body.features.filter((word: string) =>
        /verification|coordination/.test(word),
      );
    expect(await features(dashboard())).toEqual(['verification', 'coordination']);
    expect(await features(dashboard({ ledgers: { coordination: tasks } }))).toEqual([
      'coordination',
    ]);
    const some = inMemory({ access: { may: ({ name }) => name === 'mail' } });
    expect(await features(dashboard({}, some))).toEqual([]);
  });

  test('a redactor is asked for every text of a ledger, with the record it belongs to', async () => {
    const asked = new Set<string>();
    const redacted = dashboard({
      redact: (value, { field, name, jobId }) => {
        asked.add(`${field} ${name} ${jobId}`);
        return String(value).includes('y') ? undefined : value;
      },
    });
    const step = (await redacted.ask('ledgers/verification/S01')).body.step;
    expect([step.title, step.invariants[1].text, step.invariants[1].check]).toEqual([
      ...['[redacted]', 'It fails', 'exit 3'],
    ]);
    await redacted.ask('ledgers/coordination');
    expect(asked).toContain('ledger verification S01');
    expect(asked).toContain('ledger coordination T1');
    const failing = dashboard({
      redact: () => {
        throw new Error('no');
      },
    });
    const board = JSON.stringify((await failing.ask('ledgers/coordination')).body);
    expect(board).not.toMatch(/Ann|Design|no key/);
  });
});

test('a file that cannot be read as a ledger says so, and the next request reads it again', async () => {
  let isBroken = true;
  const verification = {
    list: async () => {
      if (isBroken) throw new LedgerFileError('LEDGER.md', 'no such state', 7);
      return await steps.list();
    },
    resultsOf: (step: never) => steps.resultsOf(step),
  };
  const asked = dashboard({ ledgers: { verification } });
  const { status, body } = await asked.ask('ledgers/verification');
  expect([status, body.code, body.detail]).toEqual([
    ...[500, 'LEDGER_FILE', 'LEDGER.md:7: no such state'],
  ]);
  isBroken = false;
  expect((await asked.ask('ledgers/verification')).body.steps).toHaveLength(3);
});

test('a ledger is read once for all who ask at the same time, and again when that is old', async () => {
  let reads = 0;
  const source = new LedgerSource(async () => {
    reads += 1;
    return reads;
  });
  expect(await Promise.all([source.read(), source.read()])).toEqual([1, 1]);
  expect(await source.read()).toBe(1);
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    vi.setSystemTime(Date.now() + 5_001);
    expect(await source.read()).toBe(2);
  } finally {
    vi.useRealTimers();
  }
});

test('a ledger that takes long to read is read the less often', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    let reads = 0;
    const source = new LedgerSource(async () => {
      vi.setSystemTime(Date.now() + 2_000);
      reads += 1;
      return reads;
    });
    await source.read();
    vi.setSystemTime(Date.now() + 19_999);
    expect(await source.read()).toBe(1);
    vi.setSystemTime(Date.now() + 1);
    expect(await source.read()).toBe(2);
  } finally {
    vi.useRealTimers();
  }
});

test.each([
  ['options.ledgers', 'LEDGER.md'],
  ['options.ledgers', null],
  ['options.ledgers.steps', { steps: {} }],
  ['options.ledgers.toString', { toString: 1 }],
  ['options.ledgers.verification', { verification: { list: () => [] } }],
  ['options.ledgers.coordination', { coordination: undefined }],
])('%s is refused where it is wrong: %j', (field, ledgers) => {
  const options = { monque: inMemory(), actor: () => 'ann', ledgers } as unknown;
  expect(() => createDashboard(options as DashboardOptions)).toThrow(field);
});
