import { Monque } from '@monque/core';
import type { Db } from 'mongodb';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { uriOf } from '../../core/test/package/mongo-uri.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';
import { until } from '../../core/test/setup/until.ts';
import { Output } from '../src/context/output.ts';
import { keysOf } from '../src/top/keys.ts';
import { FIRST_STATE, press, rowIds, type Snapshot, type TopState } from '../src/top/state.ts';
import { type Frame, pageSize, screenLines } from '../src/top/view.ts';
import { type FakeIo, fakeIo, type Ran, runIn } from './setup/io.ts';

const LEAVE = '\u001b[?25h\u001b[?1049l';

describeWithMongo('top', () => {
  let db: Db;
  let monque: Monque;
  let io: FakeIo;
  let ran: Promise<Ran>;

  beforeEach(async ({ task }) => {
    db = await getTestDb('cli_top');
    monque = new Monque(db, { shutdownTimeout: 0, logger: false });
    monque.worker('slow', (_, { signal }) => {
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    });
    monque.worker(
      'bad',
      () => {
        throw new Error('ECONNRESET');
      },
      { maxRetries: 1 },
    );
    await monque.start();
    io = fakeIo({ env: { MONQUE_URI: uriOf(db.databaseName), TERM: 'xterm' }, isTerminal: true });
    return async () => {
      if (task.result?.state === 'fail') {
        const jobs = await db.collection('monque_jobs').find().toArray();
        console.error(`The jobs of the test that failed: ${JSON.stringify(jobs)}`);
      }
      io.interrupt();
      await ran;
      // A job that runs to the end of the test is aborted.
      await monque.stop().catch(() => undefined);
      await cleanupTestDb(db);
    };
  });

  afterAll(closeMongoDb);

  async function start(...args: string[]): Promise<void> {
    ran = runIn(io, 'top', ...args);
    await io.stdout.until('live instance');
  }

  /** Presses keys, and waits for what they lead to. */
  async function keys(text: string, wanted: string): Promise<void> {
    io.stdout.text = '';
    io.stdin.write(text);
    await io.stdout.until(wanted);
  }

  /** Reads the failures from an empty list on: what a read under way has drawn before would not be drawn once more. */
  async function failures(wanted: string): Promise<void> {
    await keys('1', 'WORKERS');
    await keys('4', wanted);
  }

  test('shows names, instances, running jobs and failures, and leaves the terminal as it was', async () => {
    await monque.enqueue('slow');
    const failed = await monque.enqueue('bad');
    await monque.waitFor(failed).catch(() => undefined);
    await start();
    expect(io.stdin.modes).toEqual([true]);
    await keys('2', `${process.pid}`);
    await keys('\t', 'INSTANCE');
    await keys('r', 'slow');
    await keys('4', 'ECONNRESET');
    await keys('\r', 'It failed for good');
    await keys('?', 'Upper case changes something');
    await keys('x', 'ECONNRESET');
    // It is held while it reads.
    await keys('r ', 'held');
    await keys(' ', 'every 5s');
    await keys('1', 'WORKERS');
    io.stdin.write('q');
    const { code, out } = await ran;
    expect(code).toBe(0);
    expect(out.endsWith(LEAVE)).toBe(true);
    expect(io.stdin.modes).toEqual([true, false]);
  });

  test('changes what is selected by upper case keys, and says so', async () => {
    await start();
    await keys('P', `'bad' is paused`);
    expect((await monque.inspect()).pausedNames).toEqual(['bad']);
    await keys('R', `'bad' goes on`);
    const { _id: running } = await monque.enqueue('slow');
    await until('it to run', async () => (await monque.getJob(running))?.status === 'processing');
    await keys('3', `${running}`);
    await keys('C', 'is cancelled, or asked to end');
    await until('its end', async () => (await monque.getJob(running))?.status === 'cancelled');
    const { _id: failed } = await monque.enqueue('bad');
    await monque.waitFor(failed).catch(() => undefined);
    await keys('4', `${failed}`);
    await monque.pause('bad');
    await keys('R', 'is pending again');
    await until('it to wait', async () => (await monque.getJob(failed))?.status === 'pending');
    await monque.resume('bad');
    await monque.waitFor(failed).catch(() => undefined);
    await failures(`${failed}`);
    await keys('D', 'is deleted');
    expect(await monque.getJob(failed)).toBeNull();
  });

  test('says what could not be done: a job that is gone, or whose state does not allow it', async () => {
    const jobs = [await monque.enqueue('bad'), await monque.enqueue('bad')];
    for (const job of jobs) await monque.waitFor(job).catch(() => undefined);
    await start('--interval', '1h');
    await keys('4', `${jobs[0]?._id}`);
    await monque.deleteJobs({ name: 'bad' });
    await keys('R', 'It is not there any more');
    await failures('Nothing to show.');
    const { _id } = await monque.enqueue('bad');
    await monque.waitFor(_id).catch(() => undefined);
    await failures(`${_id}`);
    await db.collection('monque_jobs').updateOne({ _id }, { $set: { status: 'completed' } });
    await keys('R', 'Cannot retry job');
    const bare = { name: 'bare', status: 'failed' };
    const { insertedId } = await db.collection('monque_jobs').insertOne(bare);
    await failures(`${insertedId}`);
  });

  test('reads once more when it is asked to while it reads', async () => {
    await start('--interval', '1h');
    await keys('4', 'Nothing to show.');
    await db.command({ profile: 2 });
    io.stdin.write('rr');
    const reads = { op: 'query', 'command.filter.status': 'failed' };
    const count = (): Promise<number> => db.collection('system.profile').countDocuments(reads);
    await until('two reads', async () => (await count()) === 2);
    await db.command({ profile: 0 });
  });

  test('reads again after a while', async () => {
    await start('--interval', '20ms');
    await monque.enqueue('other');
    await io.stdout.until('other');
    // What is done, and read, when it ends.
    io.stdin.write('1Pr34q');
    expect((await ran).code).toBe(0);
  });

  test('draws again for another size, and fits', async () => {
    await start();
    io.stdout.text = '';
    Object.assign(io.stdout, { columns: 40, rows: 10 });
    io.stdout.emit('resize');
    await io.stdout.until('monque top');
    expect(io.stdout.text).toContain('\u001b[2J');
    Object.assign(io.stdout, { columns: 0, rows: 0 });
    io.stdout.emit('resize');
    await io.stdout.until('q quit  ? help');
  });

  test('gives the terminal back at Ctrl-C, at a signal, at the end of its input, and at a fault', async () => {
    await start();
    io.stdin.write('\u0003');
    expect(await ran).toMatchObject({ code: 130, out: expect.stringContaining(LEAVE) });
    const ways: Record<string, (io: FakeIo) => void> = {
      signal: ({ interrupt }) => interrupt(),
      input: ({ stdin }) => void stdin.end(),
    };
    for (const [way, end] of Object.entries(ways)) {
      io = fakeIo({ env: { MONQUE_URI: uriOf(db.databaseName) }, isTerminal: true });
      await start();
      end(io);
      const { code, out } = await ran;
      expect({ way, code }).toEqual({ way, code: way === 'signal' ? 130 : 0 });
      expect(out.endsWith(LEAVE)).toBe(true);
    }
    io = fakeIo({ env: { MONQUE_URI: uriOf(db.databaseName) }, isTerminal: true });
    await start();
    io.exit();
    expect(io.stdout.text.endsWith(LEAVE)).toBe(true);
    expect(io.stdin.modes).toEqual([true, false]);
  });

  test('reads no more while it is held', async () => {
    ran = runIn(io, 'top', '--interval', '20ms');
    await io.stdout.until('Reading…');
    io.stdin.write(' ');
    await io.stdout.until('live instance');
    await monque.enqueue('unseen');
    await keys('?', 'Any key goes back.');
    expect(io.stdout.text).not.toContain('unseen');
    await keys('?', 'WORKERS');
    await keys(' ', 'unseen');
  });

  test('needs a terminal', async () => {
    ran = runIn(fakeIo({ env: { MONQUE_URI: uriOf(db.databaseName) } }), 'top');
    expect(await ran).toMatchObject({ code: 2, out: '', err: expect.stringContaining('terminal') });
    const half = fakeIo({ env: { MONQUE_URI: uriOf(db.databaseName) }, isTerminal: true });
    half.stdout.isTTY = false;
    ran = runIn(half, 'top');
    expect((await ran).code).toBe(2);
  });
});

describe('keys', () => {
  test('are told apart in what was read at once', () => {
    expect(keysOf('j\u001b[A\u001b[6~\u001b\t\r\u007fé\u001bOB')).toEqual([
      ...['j', 'up', 'pageDown', 'escape', 'tab', 'enter', 'backspace', 'é', 'down'],
    ]);
    expect(keysOf('\u001b[99~')).toEqual(['\u001b[99~']);
  });
});

const AT = new Date('2026-06-01T10:00:00Z');

function snapshotOf(names: readonly string[], jobs: Snapshot['jobs'] = []): Snapshot {
  const rows = names.map((name) => ({
    ...{ name, isPaused: true, instances: 0, due: 1, dueIsCut: false, queueLagMs: 5_000 },
  }));
  const instances = [{ instanceId: 'one', isOwn: false, state: 'dead' as const }];
  const none = { count: 0, isCut: false, byName: [] };
  const inspection = { at: AT, names: rows, instances, withoutLease: none, namesAreCut: false };
  const groups = { fullestGroups: [], groupsAreCut: false };
  return { jobs, inspection: { ...inspection, ...groups, pausedNames: names, limits: [] } };
}

describe('the state', () => {
  const names = ['alpha', 'beta', 'gamma'];
  const start: TopState = { ...FIRST_STATE, snapshot: snapshotOf(names) };
  const after = (...keys: string[]): TopState =>
    keys.reduce((state, key) => press(state, key, 2).state, start);

  test('moves within the rows', () => {
    const selected = (...keys: string[]) => after(...keys).selected;
    expect(selected('j', 'down', 'j', 'j')).toBe(2);
    expect(selected('j', 'k', 'up')).toBe(0);
    expect(selected('pageDown', 'pageUp')).toBe(0);
    expect([selected('end'), selected('end', 'home')]).toEqual([2, 0]);
  });

  test('filters by what is typed, until escape', () => {
    expect(rowIds(after('/', 'B', 'x', 'backspace'))).toEqual(['beta']);
    expect(after('/', 'B', 'enter')).toMatchObject({ filter: 'B', isTyping: false });
    expect(after('/', 'B', 'up', 'escape')).toMatchObject({ filter: '', isTyping: false });
    expect(after('/', 'a', 'enter', 'escape').filter).toBe('');
    const jobs = [{ id: '1', name: 'n', detail: 'why' }];
    const failures: TopState = { ...start, tab: 'failures', snapshot: snapshotOf([], jobs) };
    expect(rowIds({ ...failures, filter: 'WHY' })).toEqual(['1']);
    expect(rowIds({ ...start, tab: 'instances', filter: 'one' })).toEqual(['one']);
    expect(rowIds({ ...failures, snapshot: undefined })).toEqual([]);
  });

  test('changes nothing outside by a lower case key, or where no row is', () => {
    for (const key of 'abcdefghilmnoprstuvxyz') expect(press(start, key, 2).action).toBeUndefined();
    expect(press(start, 'P', 2).action).toEqual({ verb: 'pause', of: 'alpha' });
    expect(press({ ...start, snapshot: undefined }, 'P', 2).action).toBeUndefined();
    expect(after('shiftTab').tab).toBe('failures');
    expect(press(FIRST_STATE, '2', 2).state).toMatchObject({
      tab: 'instances',
      snapshot: undefined,
    });
  });
});

test('a row that was retried or deleted is gone at once, so that the next key is for another', () => {
  const jobs = ['1', '2'].map((id) => ({ id, name: 'n', detail: '' }));
  const state: TopState = {
    ...{ ...FIRST_STATE, tab: 'failures', selected: 1 },
    snapshot: snapshotOf([], jobs),
  };
  const { state: after, action } = press(state, 'R', 2);
  expect(action).toEqual({ verb: 'retry', of: '2' });
  expect([rowIds(after), after.selected]).toEqual([['1'], 0]);
  const last = press(after, 'D', 2);
  expect(last.action).toEqual({ verb: 'delete', of: '1' });
  expect(press(last.state, 'D', 2).action).toBeUndefined();
});

describe('the screen', () => {
  const { colours } = new Output(fakeIo().stdout, fakeIo().stderr, {
    ...{ isJson: false, mayColour: false, env: {} },
  });
  const frame: Frame = {
    columns: 80,
    rows: 24,
    colours,
    title: 'shop.monque_jobs',
    intervalMs: 5_000,
  };

  test('is never longer or wider than the terminal, whatever is in the rows', () => {
    const names = Array.from({ length: 300 }, (_, index) => `name-${index}-${'x'.repeat(90)}`);
    const long = { ...FIRST_STATE, message: 'm'.repeat(300), snapshot: snapshotOf(names) };
    for (const [columns, rows] of [
      [80, 24],
      [200, 50],
      [20, 5],
    ] as const) {
      for (const state of [long, { ...long, isHelp: columns > 60 }, { ...long, isTyping: true }]) {
        const lines = screenLines(state, { ...frame, columns, rows });
        expect(lines.length).toBeLessThanOrEqual(rows);
        // The tabs are the one line that is not cut.
        const widths = lines.filter((_, row) => row !== 2).map((line) => line.length);
        expect(Math.max(...widths)).toBeLessThanOrEqual(columns);
      }
    }
    expect(pageSize(long, { ...frame, rows: 3 })).toBe(1);
  });

  test('keeps the selected row in sight, and marks it', () => {
    const names = Array.from({ length: 100 }, (_, index) => `name-${`${index}`.padStart(3, '0')}`);
    const at = (selected: number) =>
      screenLines({ ...FIRST_STATE, selected, snapshot: snapshotOf(names) }, frame);
    expect(at(0).filter((line) => line.startsWith('>'))).toEqual([
      expect.stringContaining('name-000'),
    ]);
    expect(at(60).filter((line) => line.startsWith('>'))).toEqual([
      expect.stringContaining('name-060'),
    ]);
  });

  test('shows three problems, and how many more there are', () => {
    const lines = screenLines(
      { ...FIRST_STATE, snapshot: snapshotOf(['a', 'b', 'c', 'd']) },
      frame,
    );
    expect(lines.filter((line) => line.startsWith('!'))).toHaveLength(4);
    expect(lines).toContainEqual(expect.stringContaining('2 more: see monque status'));
  });

  test('shows jobs without a time, and says that it reads before there is anything', () => {
    const jobs = [{ id: '1', name: 'n', detail: '' }];
    const state: TopState = { ...FIRST_STATE, tab: 'running', snapshot: snapshotOf([], jobs) };
    expect(screenLines(state, frame).join('\n')).toMatch(/> 1 +n/);
    expect(screenLines(FIRST_STATE, frame)[1]).toBe('Reading…');
    const instances = screenLines({ ...state, tab: 'instances', filter: 'on' }, frame).join('\n');
    expect(instances).toMatch(/> one +dead/);
    expect(instances).toContain('filter: on');
    const { inspection } = snapshotOf(['cut']);
    const names = inspection.names.map((name) => ({ ...name, dueIsCut: true, queueLagMs: 0 }));
    const cut = { ...FIRST_STATE, snapshot: { jobs: [], inspection: { ...inspection, names } } };
    expect(screenLines(cut, frame).join('\n')).toMatch(/> cut +paused +0 +1\+/);
  });
});
