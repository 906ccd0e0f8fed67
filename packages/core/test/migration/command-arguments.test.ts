import { describe, expect, test } from 'vitest';
import { InvalidArgumentError } from '../../src/index.ts';
import { COMMAND_HELP, readArguments } from '../../src/migration/command-arguments.ts';
import { runMigrateCommand } from '../../src/migration/index.ts';

const NEEDED = ['--uri', 'mongodb://127.0.0.1', '--from', 'agendaJobs'];
const AGENDA = [...NEEDED, '--format', 'agenda'];
const PLAIN = [...NEEDED, '--format', 'plain'];

function read(...args: string[]): unknown {
  return readArguments(args, {});
}

describe('the arguments of monque-migrate', () => {
  test('become options; what is not given is left to the migration', () => {
    expect(read(...AGENDA)).toStrictEqual({
      uri: 'mongodb://127.0.0.1',
      from: 'agendaJobs',
      isJson: false,
      options: { format: 'agenda', dryRun: false, series: {} },
    });
  });

  test('give all options', () => {
    const args = [
      ...['--database', 'app', '--from-database', 'old', '--to', 'jobs', '--dry-run', '--json'],
      ...['--finished', 'all', '--locked', 'leave', '--timezone', 'Europe/Berlin'],
      ...['--cron', 'report=0 9 * * *', '--key', 'report=a=b', '--key', 'sweep=c'],
      ...['--max-payload-size', '2048', '--batch-size', '10', '--left-to', 'left.ndjson'],
    ];
    expect(read(...AGENDA, ...args)).toStrictEqual({
      uri: 'mongodb://127.0.0.1',
      from: 'agendaJobs',
      database: 'app',
      fromDatabase: 'old',
      leftFile: 'left.ndjson',
      isJson: true,
      options: {
        format: 'agenda',
        collectionName: 'jobs',
        dryRun: true,
        finished: 'all',
        locked: 'leave',
        timezone: 'Europe/Berlin',
        maxPayloadSize: 2_048,
        batchSize: 10,
        series: {
          report: { cron: '0 9 * * *', uniqueKey: 'a=b' },
          sweep: { uniqueKey: 'c' },
        },
      },
    });
  });

  test('describe a plain queue', () => {
    const args = [
      ...['--field', 'data=payload.body', '--field', 'status=state', '--name', 'email'],
      ...['--status', 'pending=new,waiting', '--priority-order', 'higherFirst'],
    ];
    expect(read(...PLAIN, ...args)).toMatchObject({
      options: {
        format: {
          fields: { data: 'payload.body', status: 'state' },
          statuses: { pending: ['new', 'waiting'] },
          name: 'email',
          priorityOrder: 'higherFirst',
        },
      },
    });
    expect(read(...PLAIN)).toMatchObject({ options: { format: {} } });
  });

  test('may leave the uri to the environment', () => {
    const args = AGENDA.slice(2);
    expect(readArguments(args, { MONGODB_URI: 'mongodb://other' })).toMatchObject({
      uri: 'mongodb://other',
    });
  });

  test.each<[string, string[], string]>([
    ['no uri', AGENDA.slice(2), '--uri'],
    ['an empty uri', ['--uri', '', ...AGENDA.slice(2)], '--uri'],
    ['no source', ['--uri', 'mongodb://a', '--format', 'agenda'], '--from'],
    ['no format', NEEDED, '--format'],
    ['a format that is not known', [...NEEDED, '--format', 'bull'], '--format'],
    ['fields for Agenda', [...AGENDA, '--field', 'data=a'], '--format'],
    ['a pair without an equals sign', [...PLAIN, '--field', 'data'], '--field'],
    ['a pair without a name', [...AGENDA, '--cron', '=0 9 * * *'], '--cron'],
    ['an argument that is not known', [...AGENDA, '--verbose'], 'arguments'],
    ['a word too many', [...AGENDA, 'now'], 'arguments'],
  ])('with %s are refused', (_what, args, field) => {
    expect(() => read(...args)).toThrow(InvalidArgumentError);
    expect(() => read(...args)).toThrow(expect.objectContaining({ field }));
  });
});

describe('the command', () => {
  async function run(...args: string[]): Promise<{ code: number; lines: string[] }> {
    const lines: string[] = [];
    const print = (line: string): void => void lines.push(line);
    const code = await runMigrateCommand(args, { print, printError: print, environment: {} });
    return { code, lines };
  }

  test.each(['--help', '-h'])('shows with %s what it takes', async (argument) => {
    expect(await run(argument)).toEqual({ code: 0, lines: [COMMAND_HELP] });
    for (const name of ['--uri', '--left-to', '--priority-order']) {
      expect(COMMAND_HELP).toContain(name);
    }
  });

  test('says what is wrong with its arguments', async () => {
    const { code, lines } = await run('--from', 'agendaJobs');
    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringMatching(/^monque-migrate: Expected `--uri`.*--help`$/)]);
  });

  test('says that there is no server to be reached', async () => {
    const uri = 'mongodb://127.0.0.1:1/app?serverSelectionTimeoutMS=50';
    const { code, lines } = await run('--uri', uri, ...AGENDA.slice(2));
    expect(code).toBe(1);
    expect(lines).toEqual([
      expect.stringMatching(/^monque-migrate: MongoDB did not answer migrate: /),
    ]);
  });
});

test('a password in the address is not shown when another argument is wrong', () => {
  const args = ['--uri', 'mongodb://ann:secret@host/db', '--from', 'jobs', '--drynrun'];
  expect(() => readArguments(args, {})).toThrow(/mongodb:\/\/\*\*\*@host/);
  expect(() => readArguments(args, {})).not.toThrow(/secret/);
});
