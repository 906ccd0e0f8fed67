import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Db, type Document, Int32, ObjectId } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runMigrateCommand } from '../../src/migration/index.ts';
import { ensureBuilt, PACKAGE } from '../package/built.ts';
import { uriOf } from '../package/mongo-uri.ts';
import { cleanupTestDb, closeMongoDb, describeWithMongo, getTestDb } from '../setup/mongodb.ts';
import { until } from '../setup/until.ts';
import { AGENDA_DOCUMENTS } from './agenda-documents.ts';

const PROGRAM = join(PACKAGE, 'bin/monque-migrate.mjs');
const MANY = 1_000;
/** Other tests may have the processors. */
const START_MS = 30_000;

interface Run {
  readonly code: number;
  readonly lines: readonly string[];
  readonly errors: readonly string[];
}

describeWithMongo('monque-migrate', () => {
  let db: Db;
  let folder: string;

  beforeEach(async () => {
    db = await getTestDb('migrate_command');
    folder = await mkdtemp(join(tmpdir(), 'monque-migrate-'));
    return async () => {
      await cleanupTestDb(db);
      await rm(folder, { recursive: true });
    };
  });

  afterAll(closeMongoDb);

  async function run(...args: string[]): Promise<Run> {
    const lines: string[] = [];
    const errors: string[] = [];
    const code = await runMigrateCommand(['--from', 'agendaJobs', ...args], {
      print: (line) => void lines.push(line),
      printError: (line) => void errors.push(line),
      environment: { MONGODB_URI: uriOf(db.databaseName) },
    });
    return { code, lines, errors };
  }

  async function put(...names: string[]): Promise<void> {
    const documents = names.map((name) => AGENDA_DOCUMENTS[name] as Document);
    await db.collection('agendaJobs').insertMany(documents);
  }

  test('ends with 1 when there is no collection to read from, and names those there are', async () => {
    await put('done');
    const { code, lines, errors } = await run('--from', 'agendaJob', '--format', 'agenda');
    expect(code).toBe(1);
    expect(lines).toEqual([]);
    expect(errors).toEqual([
      expect.stringMatching(
        /`--from` to be a collection of .*'agendaJob'.*; there are: agendaJobs/,
      ),
    ]);
  });

  describe('shows', () => {
    test('what was stored and what was left, and ends with 2 if that is to be looked at', async () => {
      await put('done', 'hangs', 'later', 'report', 'sweep', 'off');
      const { code, lines, errors } = await run('--format', 'agenda');
      expect(code).toBe(2);
      expect(lines).toEqual([
        'The migration is through.',
        '6 documents read',
        '2 stored as pending',
        '2 stored as series',
        '1 of these interrupted',
        '1 left: finished',
        '1 left: disabled',
        expect.stringMatching(/^ {2}disabled: off \(6b01.*\): The job is disabled; enable it/),
      ]);
      expect(errors).toEqual(['6 documents read']);
    });

    test('only some of what was left for one reason', async () => {
      const documents = [1, 2, 3, 4, 5].map((_id) => ({ _id: new Int32(_id) as unknown }));
      await db.collection('agendaJobs').insertMany(documents as Document[]);
      const { code, lines } = await run('--format', 'agenda');
      expect(code).toBe(2);
      expect(lines.filter((line) => line.startsWith('  shape: undefined'))).toHaveLength(3);
    });

    test('that nothing was written in a dry run', async () => {
      await put('later');
      const { code, lines } = await run('--format', 'agenda', '--dry-run');
      expect(code).toBe(0);
      expect(lines).toEqual([
        'Nothing was written (dry run).',
        '1 documents read',
        '1 would be stored as pending',
      ]);
      expect(await db.collection('monque_jobs').countDocuments()).toBe(0);
    });

    test('that everything is there already, and ends with 0 when the rest was left on purpose', async () => {
      await put('later', 'hangs', 'broken');
      await run('--format', 'agenda');
      const { code, lines } = await run('--format', 'agenda', '--locked', 'leave');
      expect(code).toBe(0);
      expect(lines).toEqual([
        'The migration is through.',
        '3 documents read',
        '2 stored by an earlier run',
        '1 left: finished',
      ]);
    });

    test('its report as JSON', async () => {
      await put('later', 'hangs');
      const { lines } = await run('--format', 'agenda', '--json', '--locked', 'leave');
      expect(lines.map((line) => JSON.parse(line))).toEqual([
        {
          dryRun: false,
          read: 2,
          stored: { pending: 1, series: 0, completed: 0, failed: 0, cancelled: 0 },
          storedBefore: 0,
          left: { locked: 1 },
          notes: {},
        },
      ]);
    });
  });

  test('writes down every document that it left', async () => {
    await put('off', 'done');
    const file = join(folder, 'left.ndjson');
    await run('--format', 'agenda', '--left-to', file);
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { id: { $oid: '6b015c39608aa879ef72f901' }, name: 'done', reason: 'finished' },
      { id: { $oid: '6b015c39608aa879ef72f908' }, name: 'off', reason: 'disabled' },
    ]);
  });

  test('takes another queue from another database', async () => {
    const other = await getTestDb('migrate_from');
    await other.collection<Document>('agendaJobs').insertOne({ state: 'new', body: 'hello' });
    const from = ['--from-database', other.databaseName, '--to', 'jobs', '--name', 'greet'];
    const shape = ['--field', 'data=body', '--field', 'status=state', '--status', 'pending=new'];
    const { code } = await run('--format', 'plain', ...from, ...shape);
    expect(code).toBe(0);
    expect(await db.collection('jobs').findOne()).toMatchObject({ name: 'greet', data: 'hello' });
    await cleanupTestDb(other);
  });

  test('says what is wrong with an option, and ends with 1', async () => {
    await put('done');
    const { code, errors } = await run('--format', 'agenda', '--batch-size', 'many');
    expect(code).toBe(1);
    expect(errors).toEqual([expect.stringContaining('`options.batchSize`')]);
  });

  describe('in a process of its own', () => {
    const children: ChildProcess[] = [];

    beforeAll(ensureBuilt);

    beforeEach(() => () => {
      for (const child of children.splice(0)) child.kill('SIGKILL');
    });

    function start(...args: string[]): ChildProcess {
      const given = ['--from', 'agendaJobs', '--format', 'agenda', '--finished', 'all', ...args];
      const child = spawn(process.execPath, [PROGRAM, ...given], {
        env: { ...process.env, MONGODB_URI: uriOf(db.databaseName) },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      children.push(child);
      return child;
    }

    async function outputOf(child: ChildProcess): Promise<{ code: number; text: string }> {
      let text = '';
      child.stdout?.on('data', (chunk) => {
        text += chunk;
      });
      const [code] = await once(child, 'close');
      return { code, text };
    }

    /** Jobs of every kind that is taken, with a document that is left in each hundred. */
    function makeDocuments(): Document[] {
      const kinds = ['later', 'done', 'broken', 'hangs', 'report'] as const;
      return Array.from({ length: MANY }, (_, index) => {
        const kind = kinds[index % kinds.length] as string;
        const name = kind === 'report' ? `report-${index}` : kind;
        const { _id, ...rest } = AGENDA_DOCUMENTS[kind] as Document;
        const left = index % 100 === 99 && { type: 'plural' };
        return { ...rest, _id: new ObjectId(), name, data: { index }, ...left };
      });
    }

    test('loses and doubles nothing when it is killed again and again', async () => {
      const source = db.collection('agendaJobs');
      const jobs = db.collection('monque_jobs');
      await source.insertMany(makeDocuments());
      const before = await source.find().sort({ _id: 1 }).toArray();
      for (const share of [0.05, 0.3, 0.6]) {
        const child = start('--batch-size', '20');
        const isThere = async (): Promise<boolean> => (await jobs.countDocuments()) >= MANY * share;
        await until('some jobs are stored', isThere, START_MS);
        child.kill('SIGKILL');
        const [code, signal] = await once(child, 'exit');
        expect({ code, signal }).toEqual({ code: null, signal: 'SIGKILL' });
      }
      expect(await jobs.countDocuments()).toBeLessThan(MANY * 0.99);

      const { code, text } = await outputOf(start('--json'));
      expect(code).toBe(2);
      const report = JSON.parse(text);
      const stored = Object.values<number>(report.stored).reduce((sum, count) => sum + count);
      expect(report).toMatchObject({ read: MANY, left: { shape: MANY / 100 } });
      expect(stored + report.storedBefore).toBe(MANY * 0.99);
      expect(report.storedBefore).toBeGreaterThanOrEqual(MANY * 0.6);

      const whole = before.filter(({ type }) => type !== 'plural');
      const found = await jobs.find().sort({ _id: 1 }).toArray();
      expect(found.map(({ _id, name, data }) => ({ _id, name, data }))).toEqual(
        whole.map(({ _id, name, data }) => ({ _id, name, data })),
      );
      expect(await db.collection('monque_jobs.migrated').countDocuments()).toBe(whole.length);
      expect(await source.find().sort({ _id: 1 }).toArray()).toEqual(before);

      const again = await outputOf(start('--json'));
      expect(JSON.parse(again.text)).toMatchObject({
        stored: { pending: 0, series: 0, completed: 0, failed: 0, cancelled: 0 },
        storedBefore: whole.length,
      });
      expect(await jobs.find().sort({ _id: 1 }).toArray()).toEqual(found);
    }, 120_000);
  });
});
