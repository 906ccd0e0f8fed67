/**
 * Fifty callers at once at each guard, through several stores on the same records, as several processes are.
 */
import { afterAll, describe, expect, test } from 'vitest';
import {
  dependenciesOf,
  findCycle,
  LedgerRuleError,
  RecordStateError,
  type RecordStore,
  type Task,
} from '../../src/index.ts';
import {
  atOnce,
  put,
  RecordingStore,
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

/** The tests of fifty callers at once on one kind of store. */
export function crowdContract(kind: StoreKind): void {
  describe(`fifty callers at once, ${kind.name}:`, () => {
    afterAll(() => kind.close());

    /** Five stores, and the order of all that they write. */
    async function stores(format: typeof STEP_FORMAT): Promise<{
      readonly of: (caller: number) => RecordStore;
      readonly first: RecordStore;
      readonly order: () => Promise<readonly string[]>;
    }> {
      const open = await kind.make(format);
      const decided: string[] = [];
      const all = upTo(5).map(() => new RecordingStore(open(), decided));
      const first = open();
      return {
        of: (caller) => all[caller % all.length] ?? first,
        first,
        order: async () => (kind.lastWrites === undefined ? decided : await kind.lastWrites(first)),
      };
    }

    test('one of them starts a step, the others learn its state', async () => {
      const { of, first } = await stores(STEP_FORMAT);
      await put(first, stepIn('not_started'));
      const { done, refused } = await atOnce(
        upTo(CROWD).map(
          (n) => () => stepsOn(of(n)).start('S01', { actor: `a${n}`, run: 'run-001' }),
        ),
      );
      expect(done).toHaveLength(1);
      expect(refused).toHaveLength(CROWD - 1);
      expect(refused.every((error) => error instanceof RecordStateError)).toBe(true);
      expect((await first.get('S01'))?.history).toHaveLength(1);
    });

    test('no step is started once another one waits to be verified', async () => {
      const { of, first, order } = await stores(STEP_FORMAT);
      const ids = upTo(CROWD).map((n) => `S${100 + n}`);
      for (const [n, id] of ids.entries())
        await put(first, stepIn(n === 0 ? 'in_progress' : 'not_started', id));
      const by = { actor: 'Ann', run: 'run-001' };
      const starts = ids.slice(1).map((id, n) => () => stepsOn(of(n)).start(id, by));
      const complete = (): Promise<unknown> => stepsOn(of(4)).complete('S100', by);
      const { done, refused } = await atOnce<unknown>([
        ...starts.slice(0, 10),
        complete,
        ...starts.slice(10),
      ]);
      expect(done.length + refused.length).toBe(CROWD);
      expect(
        refused.every(
          (error) => error instanceof LedgerRuleError && error.rule === 'verified first',
        ),
      ).toBe(true);
      const written = (await order()).filter((id) => id !== undefined);
      expect(written.at(-1)).toBe('S100');
      expect(refused.length).toBeGreaterThan(0);
    });

    test('one of them completes a step', async () => {
      const { of, first } = await stores(STEP_FORMAT);
      await put(first, stepIn('in_progress'));
      const { done } = await atOnce(
        upTo(CROWD).map(
          (n) => () => stepsOn(of(n)).complete('S01', { actor: 'Ann', run: `run-${100 + n}` }),
        ),
      );
      expect(done).toHaveLength(1);
      expect(await first.get('S01')).toMatchObject({ runId: done[0]?.runId });
    });

    test('none of them verifies a step in the run that completed it, or in an earlier one', async () => {
      const { of, first } = await stores(STEP_FORMAT);
      const before = await put(
        first,
        stepIn('completed_pending_verification', 'S01', { runId: 'run-100' }),
      );
      const params = { tests: [], verifications: [] };
      const { done, refused } = await atOnce(
        upTo(CROWD).map((n) => () => {
          const run = n % 2 === 0 ? 'run-100' : `run-${String(n).padStart(3, '0')}`;
          return stepsOn(of(n)).records.move('verify', 'S01', params, { actor: 'Ann', run });
        }),
      );
      expect(done).toEqual([]);
      expect(
        refused.every((error) => (error as LedgerRuleError).rule === 'verified by a later run'),
      ).toBe(true);
      expect(await first.get('S01')).toStrictEqual(before);
    });

    test('a step that somebody goes back to work on is not verified by what was checked before', async () => {
      const { of, first } = await stores(STEP_FORMAT);
      await put(first, stepIn('drift_detected'));
      const params = { tests: [], verifications: [] };
      const { done } = await atOnce(
        upTo(CROWD).map(
          (n) => () =>
            n === 7
              ? stepsOn(of(n)).fix('S01', { actor: 'Ann', run: 'run-003' })
              : stepsOn(of(n)).records.move('verify', 'S01', params, {
                  actor: 'Bob',
                  run: 'run-002',
                }),
        ),
      );
      const { status, history = [] } = (await first.get('S01')) ?? {};
      const verbs = history.map(({ verb }) => verb);
      expect(history).toHaveLength(done.length);
      expect(status).toBe(verbs.includes('fix') ? 'in_progress' : 'verified');
      expect(
        verbs.slice(verbs.indexOf('fix') + 1).includes('verify') && verbs.includes('fix'),
      ).toBe(false);
    });

    test('the assignee alone starts a task, and once', async () => {
      const { of, first } = await stores(TASK_FORMAT);
      await put(first, taskIn('assigned'));
      const { done, refused } = await atOnce(
        upTo(CROWD).map(
          (n) => () => tasksOn(of(n)).start('TASK-1', { actor: n % 2 === 0 ? 'Ann' : `a${n}` }),
        ),
      );
      expect(done).toHaveLength(1);
      expect(
        refused.filter((error) => error instanceof LedgerRuleError).length,
      ).toBeLessThanOrEqual(CROWD / 2);
      expect((await first.get('TASK-1'))?.history).toMatchObject([{ verb: 'start', actor: 'Ann' }]);
    });

    test('no task is started before what it depends on is completed', async () => {
      const { of, first, order } = await stores(TASK_FORMAT);
      await put(first, taskIn('peer_review', 'TASK-0'));
      const ids = upTo(CROWD - 1).map((n) => `TASK-${n + 1}`);
      for (const id of ids) await put(first, taskIn('assigned', id, { dependsOn: ['TASK-0'] }));
      const starts = ids.map((id, n) => () => tasksOn(of(n)).start(id, { actor: 'Ann' }));
      const complete = (): Promise<unknown> => tasksOn(of(3)).complete('TASK-0', { actor: 'Bob' });
      const { done, refused } = await atOnce<unknown>([
        ...starts.slice(0, 20),
        complete,
        ...starts.slice(20),
      ]);
      expect(done.length + refused.length).toBe(CROWD);
      const written = await order();
      const started = ids.filter((_, n) => refusedNone(n, done, ids));
      for (const id of started)
        expect(written.lastIndexOf(id)).toBeGreaterThan(written.lastIndexOf('TASK-0'));
      expect(started.length).toBe(done.length - 1);
    });

    function refusedNone(n: number, done: readonly unknown[], ids: readonly string[]): boolean {
      return done.some((task) => (task as Task).id === ids[n]);
    }

    test('dependencies that would close a ring are refused, once', async () => {
      const { of, first } = await stores(TASK_FORMAT);
      const ids = upTo(CROWD).map((n) => `TASK-${n}`);
      for (const id of ids) await put(first, taskIn('defined', id));
      const next = (n: number): string => ids[(n + 1) % CROWD] ?? '';
      const { done, refused } = await atOnce(
        ids.map((id, n) => () => tasksOn(of(n)).depend(id, [next(n)], { actor: 'Ann' })),
      );
      expect(done).toHaveLength(CROWD - 1);
      expect(refused).toHaveLength(1);
      expect(refused[0]?.message).toContain(' → ');
      expect(findCycle(dependenciesOf((await first.list({})) as readonly Task[]))).toBeUndefined();
    });

    test('the reviewer alone approves a task, and asks for changes once', async () => {
      const { of, first } = await stores(TASK_FORMAT);
      await put(first, taskIn('peer_review'));
      const { done } = await atOnce(
        upTo(CROWD).map((n) => () => {
          const actor = ['Ann', 'Bob', 'Cy'][n % 3] ?? '';
          return tasksOn(of(n)).requestRevisions('TASK-1', { actor, reason: 'the tests' });
        }),
      );
      expect(done).toHaveLength(1);
      expect(await first.get('TASK-1')).toMatchObject({ status: 'revisions', revisionCount: 1 });
    });

    test('boxes that are ticked at once are all ticked, and one completes the task', async () => {
      const { of, first } = await stores(TASK_FORMAT);
      const acceptanceCriteria = upTo(CROWD).map((n) => ({ text: `Criterion ${n}`, done: false }));
      await put(first, taskIn('peer_review', 'TASK-1', { acceptanceCriteria }));
      const by = { actor: 'Ann' };
      const early = await atOnce([() => tasksOn(of(0)).complete('TASK-1', by)]);
      expect(early.refused).toMatchObject([{ rule: 'everything checked' }]);
      const ticks = await atOnce(
        upTo(CROWD).map(
          (n) => () =>
            tasksOn(of(n)).tick('TASK-1', { acceptanceCriteria: [`Criterion ${n}`] }, by),
        ),
      );
      expect(ticks.refused).toEqual([]);
      const { done, refused } = await atOnce(
        upTo(CROWD).map((n) => () => tasksOn(of(n)).complete('TASK-1', by)),
      );
      expect(done).toHaveLength(1);
      expect(refused.every((error) => error instanceof RecordStateError)).toBe(true);
      expect(await first.get('TASK-1')).toMatchObject({ status: 'completed' });
    });
  });
}
