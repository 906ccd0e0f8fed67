/**
 * `monque top` driven by keys in a real terminal emulator.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Monque } from '@monque/core';
import type { Db } from 'mongodb';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { uriOf } from '../../core/test/package/mongo-uri.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';
import { until } from '../../core/test/setup/until.ts';
import { ensureCliBuilt, PROGRAM } from './setup/process.ts';
import { ensurePrograms } from './setup/programs.ts';

const DEADLINE_MS = 30_000;
/** A look at the screen starts a process. */
const LOOK_MS = 100;

describeWithMongo('top in a terminal', () => {
  let db: Db;
  let monque: Monque;
  let server: string;

  beforeAll(async () => {
    await ensurePrograms('tmux');
    await ensureCliBuilt();
  }, 180_000);

  beforeEach(async () => {
    db = await getTestDb('cli_top_terminal');
    server = db.databaseName;
    monque = new Monque(db, { logger: false });
    monque.worker(
      'email',
      () => {
        throw new Error('read ECONNRESET');
      },
      { maxRetries: 1 },
    );
    await monque.start();
    for (let index = 0; index < 60; index += 1) await monque.enqueue('email');
    const isDone = async () => (await monque.getJobs({ status: 'failed' })).length === 60;
    await until('the jobs to fail', isDone, DEADLINE_MS);
    return async () => {
      await tmux('kill-server').catch(() => undefined);
      await monque.stop();
      await cleanupTestDb(db);
    };
  }, 60_000);

  afterAll(closeMongoDb);

  async function tmux(...args: string[]): Promise<string> {
    const env = { ...process.env, TERM: 'xterm-256color', LC_ALL: 'C.UTF-8' };
    return (await promisify(execFile)('tmux', ['-L', server, ...args], { env })).stdout;
  }

  async function open(columns: number, rows: number): Promise<void> {
    const size = ['-x', `${columns}`, '-y', `${rows}`];
    await tmux('-f', '/dev/null', 'new-session', '-d', ...size, 'sh');
    // The line that is typed has the word too: what comes next must not be typed before the screen is cleared.
    const prompt = `PS1='$ '; export MONQUE_URI='${uriOf(db.databaseName)}'; clear; echo before`;
    await tmux('send-keys', '-l', prompt);
    await screen(['Enter'], (lines) => expect(lines[0]).toBe('before'));
    await type(`${process.execPath} ${PROGRAM} top; echo code=$?`, 'live instance');
  }

  /** Types a line, and waits for what it leads to. */
  async function type(line: string, wanted: string): Promise<void> {
    await tmux('send-keys', '-l', line);
    await keys(['Enter'], wanted);
  }

  /** Presses keys, and waits for a screen that passes: a terminal is read while a program draws. */
  async function screen(
    pressed: readonly string[],
    passes: (lines: readonly string[]) => void,
  ): Promise<readonly string[]> {
    if (pressed.length > 0) await tmux('send-keys', ...pressed);
    let lines: readonly string[] = [];
    let failure: unknown;
    await until(
      'the screen',
      async () => {
        lines = (await tmux('capture-pane', '-p')).split('\n').slice(0, -1);
        try {
          passes(lines);
          return true;
        } catch (error) {
          failure = error;
          return false;
        }
      },
      DEADLINE_MS,
      LOOK_MS,
    ).catch(() => {
      throw new Error(`${failure}; the screen was\n${lines.join('\n')}`);
    });
    return lines;
  }

  /** Presses keys, and waits for a text that they lead to. */
  function keys(pressed: readonly string[], wanted: string): Promise<readonly string[]> {
    return screen(pressed, (lines) => expect(lines.join('\n')).toContain(wanted));
  }

  /** The terminal is as it was: the screen before, a cursor, lines that are edited and echoed. */
  async function expectRestored(code: number): Promise<void> {
    await screen([], (lines) => {
      expect(lines[0]).toBe('before');
      expect(lines.join('\n')).toContain(`code=${code}`);
    });
    expect(await tmux('display', '-p', '#{alternate_on} #{cursor_flag}')).toBe('0 1\n');
    await tmux('send-keys', '-l', 'stty -a');
    await screen(['Enter'], (lines) => {
      const [settings] = lines.join('\n').match(/-?icanon[\s\S]* -?echo /) ?? [''];
      expect(settings).toMatch(/^icanon/);
      expect(settings).toMatch(/ echo $/);
    });
  }

  for (const [columns, rows] of [
    [80, 24],
    [200, 50],
  ] as const) {
    test(`shows all of it in ${columns} by ${rows}, and gives the terminal back`, async () => {
      await open(columns, rows);
      await screen([], (names) => {
        expect(names[0]).toMatch(new RegExp(`^monque top {2}${db.databaseName}.monque_jobs`));
        expect(names[2]).toMatch(/ 1 names +2 instances +3 running +4 failures/);
        expect(names.join('\n')).toContain('email');
        expect(names.at(-1)).toContain('q quit');
      });
      await keys(['2'], `${process.pid}`);
      await keys(['3'], 'Nothing to show.');
      await screen(['4'], (failures) => {
        expect(failures).toHaveLength(rows);
        const rowsSeen = failures.filter((line) => line.includes('ECONNRESET'));
        expect(rowsSeen).toHaveLength(rows - 6);
        expect(rowsSeen[0]).toMatch(/^> /);
      });
      await screen(['j', 'Down', 'End', 'w'], (moved) => {
        expect(moved.join('\n')).toContain('It failed for good');
        expect(moved.at(-3)).toMatch(/^> /);
      });
      await keys(['?'], 'Upper case changes something');
      await keys(['q'], 'WHY');
      await screen(['/', 'n', 'o', 'n', 'e', 'Enter'], (filtered) => {
        expect(filtered.join('\n')).toContain('filter: none');
        expect(filtered.join('\n')).toContain('Nothing to show.');
      });
      await keys(['Escape'], 'ECONNRESET');
      await tmux('send-keys', 'q');
      await expectRestored(0);
    }, 90_000);
  }

  test('changes jobs and names by upper case keys alone', async () => {
    await open(80, 24);
    await keys(['P'], `'email' is paused`);
    expect((await monque.inspect()).pausedNames).toEqual(['email']);
    await keys(['4'], 'ECONNRESET');
    await keys(['Home', 'R'], 'is pending again');
    expect(await monque.getJobs({ status: 'pending' })).toHaveLength(1);
    await keys(['D'], 'is deleted');
    expect(await monque.getJobs({ status: 'failed' })).toHaveLength(58);
    const history = await monque.getHistory(
      (await monque.getJobs({ status: 'pending' }))[0]?._id ?? '',
    );
    expect(history.at(-1)?.verb).toBe('redrive');
  }, 60_000);

  test('gives the terminal back at Ctrl-C, at SIGTERM and after another size', async () => {
    await open(80, 24);
    await tmux('resize-window', '-x', '100', '-y', '30');
    await screen([], (lines) => {
      expect(lines).toHaveLength(30);
      expect(lines[0]).toContain('monque top');
      expect(lines.join('\n')).toContain('email');
    });
    await tmux('send-keys', 'C-c');
    await expectRestored(130);
    await tmux('send-keys', '-l', 'clear; echo before');
    await tmux('send-keys', 'Enter');
    await type(`${process.execPath} ${PROGRAM} top; echo code=$?`, 'live instance');
    const shell = (await tmux('display', '-p', '#{pane_pid}')).trim();
    const { stdout } = await promisify(execFile)('ps', ['-o', 'pid=', '--ppid', shell]);
    process.kill(Number(stdout.trim()), 'SIGTERM');
    await expectRestored(130);
  }, 90_000);
});
