import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MonqueError } from '@monque/core';
import { Command } from 'commander';
import { MongoServerError, ObjectId } from 'mongodb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CliCommand } from '../src/context/command.ts';
import { CliContext } from '../src/context/context.ts';
import { CliError, faultOf } from '../src/context/errors.ts';
import { ExitCode } from '../src/context/exit-codes.ts';
import { type Io, processIo, userName } from '../src/context/io.ts';
import { extended, plain } from '../src/context/json.ts';
import { Output } from '../src/context/output.ts';
import { Progress } from '../src/context/progress.ts';
import { readSettings } from '../src/context/settings.ts';
import { oneLine, tableLines } from '../src/context/table.ts';
import { futureTime, integer, list, milliseconds, pair, pastTime } from '../src/context/values.ts';
import { beside, counted, countedUpTo, span } from '../src/context/words.ts';
import * as publicIndex from '../src/index.ts';
import { Capture, type FakeOptions, fakeIo, runIn } from './setup/io.ts';

const NOW = new Date('2026-06-01T15:30:00Z');

describe('help and wrong input', () => {
  test('help goes to stdout, with examples and exit codes, and ends with 0', async () => {
    const { code, out, err } = await runIn(fakeIo(), 'jobs', 'retry', '--help');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('# retry everything that failed with ECONNRESET since noon');
    expect(out).toMatch(/Exit codes:\n {2}3 +there is no such job/);
    const root = await runIn(fakeIo(), '--help');
    expect(root.out).toContain('--no-color');
    const version = await runIn(fakeIo(), '--version');
    expect(version).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    const word = await runIn(fakeIo(), 'help', 'why');
    expect(word).toMatchObject({ code: 0, out: expect.stringContaining('monque why') });
  });

  test('what is not known is answered with what was meant, on stderr, and ends with 2', async () => {
    const cases = [
      [['job'], 'Did you mean jobs?'],
      [['jobs', 'lst'], 'Did you mean list?'],
      [['names', 'pasue', 'x'], "unknown command 'pasue'; there are list, pause, resume"],
      [['names', 'list', 'x'], "too many arguments for 'list'"],
      [['status', 'x'], "too many arguments for 'status'"],
      [['jobs', 'list', '--nam', 'x'], 'Did you mean --name?'],
      [['why'], `missing required argument 'id'`],
      [['why', 'a', 'b'], 'too many arguments'],
      [['jobs', 'list', '--limit', 'many'], 'A whole number from 1 to 10000 is expected.'],
      [['jobs', 'list', '--sort', 'size'], 'Allowed choices are id, due, created, updated.'],
      [['wait', 'x', '--for', 'long'], 'A duration is a number with ms, s, m, h, d or w.'],
      [['jobs', 'list', '--created-from', 'once'], 'A time is an ISO time'],
      [['jobs', 'list', '--meta', 'tenant'], 'A pair such as name=value is expected.'],
      [['completion', 'tcsh'], 'Allowed choices are bash, zsh, fish.'],
      [['jobs'], 'Usage: monque jobs'],
      [[], 'Usage: monque'],
      [['status'], 'No database is named: give --uri'],
      [['status', '--uri', 'http://x'], 'monque: '],
    ] as const;
    for (const [argv, wanted] of cases) {
      const { code, out, err } = await runIn(fakeIo(), ...argv);
      expect({ argv, code, out, err }).toEqual({
        ...{ argv, code: 2, out: '', err: expect.stringContaining(wanted) },
      });
      expect(err).not.toMatch(/\n {4}at /);
    }
  });

  test('a stack is shown to who asks for it by MONQUE_DEBUG', async () => {
    const { err } = await runIn(fakeIo({ env: { MONQUE_DEBUG: '1' } }), 'status');
    expect(err).toMatch(/\n {4}at /);
  });

  test('commands that change nothing end quietly where the reader goes away', async () => {
    const io = fakeIo({ env: { MONQUE_URI: 'mongodb://127.0.0.1:1/?replicaSet=x' } });
    const ran = runIn(io, 'status');
    io.stdout.destroy(new Error('write EPIPE'));
    expect(await ran).toMatchObject({ code: 0, err: '' });
  });

  test('commands that do not watch for it are ended at Ctrl-C', async () => {
    const io = fakeIo({ env: { MONQUE_URI: 'mongodb://127.0.0.1:1/?replicaSet=x' } });
    const ran = runIn(io, 'status', '--timeout', '1m');
    await new Promise((resolve) => setImmediate(resolve));
    io.interrupt();
    expect(await ran).toMatchObject({ code: 130, out: '' });
  });
});

describe('a command', () => {
  test('has children of its own kind, and what it ends with', () => {
    const parent = new CliCommand('parent');
    const child = parent.command('child').endsWith([ExitCode.MISSING]).example('a', 'b');
    parent.addCommand(new Command('foreign'));
    expect(parent.children).toEqual([child]);
    expect(child.helpEnd()).toContain('Exit codes:\n  3 ');
    expect(parent.helpEnd()).toBe('');
  });
});

describe('settings', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'monque-settings-'));
  });

  afterEach(() => rm(folder, { recursive: true }));

  const read = (given: object, options: FakeOptions = {}) =>
    readSettings(given, fakeIo({ cwd: folder, ...options }));
  const write = (text: string, name = 'monque.config.json') => writeFile(join(folder, name), text);

  test('come from options, then the environment, then the file, then defaults', async () => {
    expect(await read({})).toEqual({ actor: 'tester', timeoutMs: 10_000 });
    await write(
      '{ "uri": "file", "as": "file", "collection": "file", "database": "d", "timeout": 5 }',
    );
    const ofFile = { uri: 'file', actor: 'file', collection: 'file', database: 'd', timeoutMs: 5 };
    expect(await read({})).toEqual(ofFile);
    const env = { MONQUE_URI: 'env', MONQUE_ACTOR: 'env', MONQUE_COLLECTION: '' };
    expect(await read({}, { env })).toEqual({ ...ofFile, uri: 'env', actor: 'env' });
    const given = await read({ uri: 'given', timeout: 7 }, { env });
    expect(given).toMatchObject({ uri: 'given', actor: 'env', timeoutMs: 7 });
  });

  test('may be in a file of another name, which then must be there and right', async () => {
    await write('{ "uri": "other" }', 'other.json');
    expect(await read({ config: 'other.json' })).toMatchObject({ uri: 'other' });
    const env = { MONQUE_CONFIG: 'other.json' };
    expect(await read({}, { env })).toMatchObject({ uri: 'other' });
    await expect(read({ config: 'none.json' })).rejects.toThrow(/cannot be read: ENOENT/);
    for (const [text, wanted] of [
      ['{', /is no JSON/],
      ['[]', /holds no JSON object/],
      ['null', /holds no JSON object/],
      ['1', /holds no JSON object/],
      ['{ "url": "x" }', /has the field `url`; known are uri, database/],
      ['{ "uri": 1 }', /expected `uri` to be a string, got a number/],
      ['{ "timeout": "1s" }', /expected `timeout` to be a number/],
    ] as const) {
      await write(text);
      await expect(read({})).rejects.toThrow(wanted);
    }
  });
});

describe('values', () => {
  const now = () => NOW;

  test('durations, whole numbers, lists and pairs', () => {
    expect(['500ms', '1.5s', '2m', '1h', '1d', '1w'].map(milliseconds)).toEqual([
      ...[500, 1_500, 120_000, 3_600_000, 86_400_000, 604_800_000],
    ]);
    expect(integer(1, 5)('5')).toBe(5);
    for (const text of ['0', '6', '1.5', 'x', '']) expect(() => integer(0.5, 5)(text)).toThrow();
    expect(list('a,b', list('c,'))).toEqual(['c', 'a', 'b']);
    expect(pair('b=1=2', pair('a=x'))).toEqual({ a: 'x', b: '1=2' });
    expect(() => pair('=x')).toThrow();
  });

  test('times before and after now, of today, and in ISO form', () => {
    expect(pastTime(now)('2h')).toEqual(new Date('2026-06-01T13:30:00Z'));
    expect(futureTime(now)('2h')).toEqual(new Date('2026-06-01T17:30:00Z'));
    expect(futureTime(now)('now')).toEqual(NOW);
    const afternoon = () => new Date(2026, 5, 1, 15, 30);
    expect(pastTime(afternoon)('noon')).toEqual(new Date(2026, 5, 1, 12));
    expect(pastTime(afternoon)('16:05')).toEqual(new Date(2026, 4, 31, 16, 5));
    expect(pastTime(afternoon)('15:30')).toEqual(afternoon());
    expect(futureTime(afternoon)('midnight')).toEqual(new Date(2026, 5, 2));
    expect(futureTime(afternoon)('16:05')).toEqual(new Date(2026, 5, 1, 16, 5));
    expect(pastTime(now)('2026-01-02T03:04:05Z')).toEqual(new Date('2026-01-02T03:04:05Z'));
    for (const text of ['25:00', '5', 'yesterday', '2026-13-01']) {
      expect(() => pastTime(now)(text)).toThrow('A time is');
    }
  });

  test('spans, times and counts in words', () => {
    expect([12, 1_000, 90_000, 7_200_000, 172_800_000].map(span)).toEqual([
      ...['12ms', '1s', '2m', '2h', '2d'],
    ]);
    expect(beside(new Date(NOW.getTime() + 5_000), NOW)).toBe('in 5s');
    expect(beside(NOW, new Date(NOW.getTime() + 5_000))).toBe('5s ago');
    expect(beside(undefined, NOW)).toBe('');
    expect([countedUpTo(7, 10), countedUpTo(10, 10)]).toEqual(['7', '10+']);
    expect([counted(1, 'job'), counted(2, 'job'), counted(1, 'job', true)]).toEqual([
      ...['1 job', '2 jobs', '1+ jobs'],
    ]);
  });
});

describe('JSON', () => {
  test('has ids and times as texts, and what users stored as extended JSON', () => {
    const id = new ObjectId();
    const data = { id, at: NOW, big: 2n ** 60n, few: 3n, list: [1n, undefined], gone: undefined };
    const error = new Error('it failed');
    const value = { id, at: NOW, data, error, gone: undefined, list: [NOW], none: null };
    expect(plain(value)).toEqual({
      id: id.toHexString(),
      at: NOW.toISOString(),
      data: {
        id: { $oid: id.toHexString() },
        at: { $date: '2026-06-01T15:30:00Z' },
        ...{ big: { $numberLong: `${2n ** 60n}` }, few: 3, list: [1, undefined] },
      },
      error: 'it failed',
      list: [NOW.toISOString()],
      none: null,
    });
    const bare = Object.assign(Object.create(null), { a: 1 });
    expect(extended({ bare, text: 'x' })).toEqual({ bare: { a: 1 }, text: 'x' });
  });
});

describe('errors', () => {
  test('become exit codes, and messages without passwords', () => {
    const code = (error: unknown) => faultOf(error).exitCode;
    expect(code(new CliError('x', ExitCode.TIMEOUT))).toBe(8);
    expect(code(new CliError('x'))).toBe(1);
    expect(code(new MonqueError('UNKNOWN_OUTCOME', 'x'))).toBe(6);
    expect(code(new MonqueError('BUSY', 'x'))).toBe(1);
    expect(code(new MongoServerError({ message: 'x', code: 13 }))).toBe(4);
    expect(code(new MongoServerError({ message: 'x', code: 18 }))).toBe(5);
    expect(code(Object.assign(new Error('x'), { name: 'MongoNetworkError' }))).toBe(5);
    expect(faultOf('a text')).toEqual({ exitCode: 1, message: 'a text' });
    const shown = faultOf(new Error('at mongodb+srv://ann:secret@host/db')).message;
    expect(shown).toBe('at mongodb+srv://***@host/db');
  });
});

describe('output', () => {
  const settings = { isJson: false, mayColour: true, env: {} };

  test('has colours on a terminal alone, unless NO_COLOR or FORCE_COLOR say otherwise', () => {
    const coloured = (isTTY: boolean, env: Record<string, string>, mayColour = true) => {
      const sink = Object.assign(new Capture(), { isTTY });
      return new Output(sink, sink, { ...settings, env, mayColour }).colours.red('x') !== 'x';
    };
    expect(coloured(true, {})).toBe(true);
    expect(coloured(false, {})).toBe(false);
    expect(coloured(true, { NO_COLOR: '1' })).toBe(false);
    expect(coloured(false, { FORCE_COLOR: '1' })).toBe(true);
    expect(coloured(true, { FORCE_COLOR: '0' })).toBe(false);
    expect(coloured(true, { TERM: 'dumb' })).toBe(false);
    expect(coloured(true, {}, false)).toBe(false);
  });

  test('waits for a reader that is slow, and not for one that is gone', async () => {
    class Slow extends Capture {
      override _write(chunk: Buffer, encoding: BufferEncoding, done: () => void): void {
        setImmediate(() => super._write(chunk, encoding, done));
      }
    }
    const slow = new Slow({ highWaterMark: 1 });
    await new Output(slow, slow, settings).line('text');
    expect(slow.text).toBe('text\n');
    const gone = new Capture({ highWaterMark: 1 });
    gone.destroy();
    gone.on('error', () => undefined);
    await new Output(gone, gone, settings).line('text');
    expect(gone.text).toBe('');
  });

  test('fits tables into the terminal, and lets no control character through', async () => {
    const sink = Object.assign(new Capture(), { isTTY: true, columns: 0 });
    const rows = [{ text: `\u001b[2Jx\n${'y'.repeat(200)}` }];
    const column = { title: 'TEXT', text: ({ text }: { text: string }) => text };
    await new Output(sink, sink, { ...settings, mayColour: false }).table(rows, [column]);
    expect(sink.text.split('\n').map((line) => line.length)).toEqual([4, 80, 0]);
    expect(sink.text).not.toContain('\u001b');
    expect(oneLine('a\tb\u009bc')).toBe('a b c');
    const { colours } = new Output(sink, sink, { ...settings, mayColour: false });
    expect(tableLines([{ text: 'abcdef' }], [column, column], { width: 5, colours })).toEqual([
      'TEXT…',
      'abcd…',
    ]);
  });

  test('shows progress on a terminal, as a bar where the end is known', () => {
    const sink = new Capture();
    const progress = new Progress(sink, 'Read', 4);
    progress.end();
    expect(sink.text).toBe('');
    progress.update(1, 'well');
    expect(sink.text).toContain('Read [######------------------] 1 of 4, well');
    progress.end();
    expect(sink.text.endsWith('\u001b[2K')).toBe(true);
    const open = new Capture();
    new Progress(open, 'Read', 0).update(3);
    expect(open.text).toContain('Read 3');
  });
});

describe('the process', () => {
  test('is what it is, and its signals are listened for as long as is asked', () => {
    const io: Io = processIo();
    expect(io.stdout).toBe(process.stdout);
    expect(io.user().length).toBeGreaterThan(0);
    expect(Math.abs(io.now().getTime() - Date.now())).toBeLessThan(1_000);
    const counts = () =>
      ['SIGINT', 'SIGTERM', 'SIGHUP', 'exit'].map((name) => process.listenerCount(name));
    const before = counts();
    const releases = [io.onInterrupt(() => undefined), io.onExit(() => undefined)];
    expect(counts()).toEqual(before.map((count) => count + 1));
    for (const release of releases) release();
    expect(counts()).toEqual(before);
    const nameless = () => {
      throw new Error('no such user');
    };
    expect(userName(nameless)).toBe('cli');
    expect(new CliContext(fakeIo()).output().isJson).toBe(false);
  });

  test('is found under the name of the package', () => {
    expect(Object.keys(publicIndex).sort()).toEqual(['ExitCode', 'processIo', 'run']);
  });
});
