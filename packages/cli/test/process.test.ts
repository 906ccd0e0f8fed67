/**
 * Every command as a process against a real MongoDB: in a pipe, and on a terminal.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { gate, type Job, Monque, stage } from '@monque/core';
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
import { CliContext } from '../src/context/context.ts';
import { buildProgram } from '../src/program.ts';
import { allOf, entryOf } from '../src/reference/tree.ts';
import { fakeIo } from './setup/io.ts';
import { type Ended, ensureCliBuilt, runOnTerminal, runPiped } from './setup/process.ts';
import { ensurePrograms } from './setup/programs.ts';

const AT_ONCE = 3;

/** One command line, and what it is to do. */
interface Case {
  readonly argv: readonly string[];
  readonly code: number;
  /** How many lines of data it prints; any number when left out. */
  readonly lines?: number;
  readonly input?: string;
}

/** What its commands are run on. */
interface Fixture {
  readonly id: (name: string) => string;
  readonly folder: string;
}

/** Every command, each on a job or a name of its own, so that they may run side by side. */
function casesOf({ id, folder }: Fixture): Case[] {
  const file = (name: string): string => join(folder, name);
  return [
    { argv: ['status'], code: 1, lines: 1 },
    { argv: ['names', 'list'], code: 0 },
    { argv: ['names', 'pause', 'unused'], code: 0, lines: 0 },
    { argv: ['names', 'resume', 'unused'], code: 0, lines: 0 },
    { argv: ['instances'], code: 0, lines: 1 },
    { argv: ['gates', 'list'], code: 0 },
    { argv: ['limits', 'list'], code: 0 },
    { argv: ['limits', 'set', 'mails', '--concurrency', '2'], code: 0, lines: 0 },
    { argv: ['orders', 'listed'], code: 0, lines: 0 },
    { argv: ['groups', 'list', 'grouped'], code: 0, lines: 1 },
    { argv: ['groups', 'set', 'unused', 'acme', '--weight', '2'], code: 0, lines: 0 },
    { argv: ['groups', 'pause', 'unused', 'other'], code: 0, lines: 0 },
    { argv: ['groups', 'resume', 'unused', 'third'], code: 0, lines: 0 },
    { argv: ['flows', 'list', '--limit', '1'], code: 0, lines: 1 },
    { argv: ['flows', 'show', id('flow')], code: 0, lines: 1 },
    { argv: ['flows', 'redrive', id('flow'), '--yes'], code: 0, lines: 0 },
    { argv: ['flows', 'cancel', id('other flow'), '--yes'], code: 0, lines: 1 },
    { argv: ['flows', 'cancel', id('listed'), '--yes'], code: 3, lines: 0 },
    { argv: ['dead', 'list', '--of', 'unused'], code: 0, lines: 0 },
    { argv: ['dead', 'redrive', '--name', 'unused', '--yes'], code: 0 },
    {
      argv: ['gates', 'open', id('order'), 'paid', '--evidence', '{"by":"test"}'],
      code: 0,
      lines: 0,
    },
    { argv: ['jobs', 'list', '--name', 'listed'], code: 0, lines: 2 },
    { argv: ['jobs', 'count', '--name', 'listed'], code: 0, lines: 1 },
    { argv: ['jobs', 'get', id('listed')], code: 0, lines: 1 },
    { argv: ['jobs', 'history', id('bad')], code: 0, lines: 1 },
    { argv: ['jobs', 'cancel', id('cancelled')], code: 0, lines: 1 },
    {
      argv: ['jobs', 'retry', '--name', 'retried', '--failed-with', 'boom', '--yes'],
      code: 0,
      lines: 1,
    },
    { argv: ['jobs', 'reschedule', id('moved'), '--to', '2h'], code: 0, lines: 1 },
    { argv: ['jobs', 'delete', id('deleted')], code: 0, lines: 1 },
    { argv: ['why', id('listed')], code: 11, lines: 1 },
    {
      argv: ['enqueue', 'listed-not', '--data', '-', '--delay', '1h'],
      code: 0,
      lines: 1,
      input: '1',
    },
    { argv: ['wait', id('bad')], code: 9, lines: 0 },
    { argv: ['series', 'list', '--name', 'listed'], code: 0, lines: 1 },
    { argv: ['series', 'next', 'listed', '--count', '3'], code: 0, lines: 3 },
    { argv: ['series', 'run', 'ran'], code: 0, lines: 0 },
    { argv: ['series', 'skip', 'skipped'], code: 0, lines: 0 },
    { argv: ['series', 'end', 'ended', '--yes'], code: 0, lines: 0 },
    { argv: ['next', '@daily', '--count', '2'], code: 0, lines: 2 },
    { argv: ['doctor'], code: 1 },
    { argv: ['check', file('setup.mjs')], code: 1, lines: 1 },
    { argv: ['audit'], code: 0 },
    { argv: ['bench', '--jobs', '20', '--samples', '2'], code: 0, lines: 5 },
    { argv: ['export', '--name', 'listed'], code: 0, lines: 2 },
    { argv: ['import', file('jobs.jsonl')], code: 7, lines: 0 },
    { argv: ['migrate', '--from', 'nothing', '--format', 'agenda'], code: 0, lines: 1 },
    { argv: ['completion', 'bash'], code: 0 },
    ...ledgerCases(file),
  ];
}

/** The commands on ledgers, each on a file that is made for it or on none, so that they end alike in any order. */
function ledgerCases(file: (name: string) => string): Case[] {
  const on = (kind: string, name: string, code: number, ...rest: string[]): Case => ({
    argv: [kind, name, ...rest, '--file', file(`${kind}-${name}.md`)],
    code,
  });
  return [
    ...['init', 'list', 'render', 'check', 'verify', 'drift'].map((name) => on('ledger', name, 0)),
    on('ledger', 'add', 0, 'S09', 'New'),
    on('ledger', 'amend', 0, 'S01', '--title', 'First'),
    ...['show', 'start'].map((name) => on('ledger', name, 0, 'S01')),
    // S01 is not begun.
    ...['complete', 'fix', 'reopen'].map((name) => on('ledger', name, 4, 'S01')),
    ...['init', 'list', 'stats', 'critical-path', 'render', 'check'].map((name) =>
      on('tasks', name, 0),
    ),
    on('tasks', 'add', 0, 'T-9', 'New'),
    on('tasks', 'assign', 0, 'T-1', 'Ann'),
    on('tasks', 'log', 0, 'T-1', 'Noted'),
    on('tasks', 'depend', 0, 'T-1', 'T-2'),
    on('tasks', 'show', 0, 'T-1'),
    on('tasks', 'block', 0, 'T-1', '--reason', 'No server'),
    // T-1 is given to nobody.
    ...['start', 'review', 'approve', 'resume', 'complete', 'unblock', 'unassign'].map((name) =>
      on('tasks', name, 4, 'T-1'),
    ),
    on('tasks', 'tick', 4, 'T-1', '--criterion', 'It works'),
    on('tasks', 'revise', 4, 'T-1', '--reason', 'No tests'),
  ];
}

describeWithMongo('as a process', () => {
  let db: Db;
  let folder: string;
  let env: Record<string, string>;
  let fixture: Fixture;

  beforeAll(async () => {
    await ensurePrograms('python3');
    await ensureCliBuilt();
  }, 180_000);

  beforeEach(async () => {
    db = await getTestDb('cli_process');
    folder = await mkdtemp(join(tmpdir(), 'monque-process-'));
    env = { MONQUE_URI: uriOf(db.databaseName), MONQUE_ACTOR: 'process' };
    fixture = await makeFixture();
    return async () => {
      await cleanupTestDb(db);
      await rm(folder, { recursive: true });
    };
  });

  afterAll(closeMongoDb);

  async function makeFixture(): Promise<Fixture> {
    const monque = new Monque(db, { logger: false });
    const ids = new Map<string, unknown>();
    const add = (job: Job) => void ids.set(job.name, job._id);
    for (const name of ['listed', 'cancelled', 'moved', 'deleted']) {
      add(await monque.enqueue(name, {}, { delay: 3_600_000 }));
    }
    for (const name of ['listed', 'ran', 'skipped', 'ended']) {
      await monque.schedule('0 0 1 1 *', name, {}, { uniqueKey: 'yearly' });
    }
    await monque.setGroup('grouped', 'acme', { concurrency: 1 });
    for (const name of ['flow', 'other flow']) {
      const { id } = await monque.enqueueFlow({
        jobs: { first: { name: 'never' }, child: { name: 'never', after: ['first'] } },
      });
      ids.set(name, id);
    }
    const fail = () => {
      throw new Error('boom');
    };
    for (const name of ['bad', 'retried']) monque.worker(name, fail, { maxRetries: 1 });
    monque.worker('order', { stages: [gate('paid'), stage('send', () => 'sent')] });
    await monque.start();
    for (const name of ['bad', 'retried', 'order']) add(await monque.enqueue(name));
    await until('all to have come so far', async () => {
      const jobs = await monque.getJobs({ name: ['bad', 'retried', 'order'] });
      return jobs.every(({ status }) => status === 'failed' || status === 'blocked');
    });
    await monque.stop();
    // An instance that did not stop: its lease says that it lives, and soon is silent.
    const info = { host: 'here', pid: 1, version: '0.0.0', startedAt: new Date(0) };
    const rest = { reportedAt: new Date(0), workers: [], unnamedWorkers: 0, runningJobs: 0 };
    const lease = { counter: 1, status: 'live', leaseDurationMs: 1_000 };
    await db.collection<{ _id: string }>('monque_jobs.instances').insertOne({
      ...{ _id: 'silent', ...lease },
      info: { ...info, ...rest, bufferedJobs: 0, recoverStaleJobs: true },
    } as never);
    // Due and paused, so that something is wrong.
    await monque.pause('held');
    await monque.enqueue('held');
    const set = `export function setup(monque) { monque.schedule('@daily', 'nobody'); }`;
    await writeFile(join(folder, 'setup.mjs'), set);
    await writeFile(join(folder, 'jobs.jsonl'), 'no json\n');
    await db.createCollection('nothing');
    for (const { argv } of ledgerCases((name) => name)) await writeLedger(argv);
    return { folder, id: (name) => String(ids.get(name)) };
  }

  async function writeLedger([kind, name]: readonly string[]): Promise<void> {
    if (name === 'init') return;
    const text =
      kind === 'ledger'
        ? '## Step S01 – One\n\n- **Status:** not_started\n'
        : '### **T-1: One**\n\n**Status**: defined\n\n#### Acceptance Criteria\n\n- [ ] It works\n\n### **T-2: Two**\n';
    await writeFile(join(folder, `${kind}-${name}.md`), text);
  }

  async function runAll(
    cases: readonly Case[],
    run: (one: Case) => Promise<Ended>,
  ): Promise<(readonly [Case, Ended])[]> {
    const done: (readonly [Case, Ended])[] = [];
    const waiting = cases.values();
    const lane = async (): Promise<void> => {
      for (const one of waiting) done.push([one, await run(one)]);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    return done;
  }

  test('every command is among those that are run', () => {
    const tree = allOf(entryOf(buildProgram(new CliContext(fakeIo()))));
    const leaves = tree.filter(({ children }) => children.length === 0);
    const given = casesOf(fixture).map(({ argv }) => argv.join(' '));
    const missing = leaves
      .map(({ path }) => path.join(' '))
      .filter((path) => !given.some((line) => line === path || line.startsWith(`${path} `)));
    // They are driven in a terminal emulator, and by a client of HTTP.
    expect(missing).toEqual(['top', 'dashboard']);
  });

  test('in a pipe each prints nothing but data on stdout, and ends with its exit code', async () => {
    const options = (input?: string) => ({ env, ...(input !== undefined && { input }) });
    const done = await runAll(casesOf(fixture), ({ argv, input }) =>
      runPiped([...argv, '--json'], options(input)),
    );
    const wrong = done.filter(([{ code }, ran]) => ran.code !== code);
    expect(wrong.map(([{ argv, code }, ran]) => ({ argv, code, ran }))).toEqual([]);
    for (const [{ argv, lines }, ran] of done) {
      expect(stripVTControlCharacters(ran.out + ran.err)).toBe(ran.out + ran.err);
      expect(ran.err).not.toMatch(/\n {4}at /);
      // What these print is a script, and a file of Markdown.
      if (argv[0] === 'completion' || argv[1] === 'render') continue;
      const printed = ran.out.split('\n').filter((line) => line !== '');
      for (const line of printed) expect(() => JSON.parse(line), argv.join(' ')).not.toThrow();
      if (lines !== undefined) expect({ argv, lines: printed.length }).toEqual({ argv, lines });
      expect(ran.err, argv.join(' ')).not.toMatch(/\[[#-]+\]/);
    }
  }, 300_000);

  test('on a terminal each shows what people read, and ends with the same exit code', async () => {
    const done = await runAll(casesOf(fixture), ({ argv, input }) =>
      runOnTerminal(argv, { env, ...(input !== undefined && { input: `${input}\n\u0004` }) }),
    );
    const wrong = done.filter(([{ code }, ran]) => ran.code !== code);
    expect(wrong.map(([{ argv, code }, ran]) => ({ argv, code, ran }))).toEqual([]);
    for (const [{ argv }, ran] of done) {
      const words = stripVTControlCharacters(ran.out);
      expect(words, argv.join(' ')).not.toMatch(/\n {4}at /);
      // An export is lines of JSON for people too.
      if (argv[0] !== 'export') expect(words, argv.join(' ')).not.toMatch(/^\{.*\}\r?$/m);
      const longest = Math.max(...words.split(/\r\n|\r/).map((line) => line.length));
      const isTable =
        /^(instances|(names|gates|series|jobs|groups|flows) list|flows show|jobs history)/.test(
          argv.join(' '),
        );
      if (isTable) expect({ argv, fits: longest <= 80 }).toEqual({ argv, fits: true });
    }
    const shown = (name: string) => done.find(([{ argv }]) => argv[0] === name)?.[1].out ?? '';
    expect(shown('status')).toContain('\u001b[31mproblems');
    expect(shown('doctor')).toMatch(/Checked \[#+-+\] \d of \d/);
  }, 300_000);
});
