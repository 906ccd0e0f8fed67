/**
 * The command `monque-migrate`: arguments in, a report out.
 *
 * What always holds: the exit code is 0 when every job was stored or left on purpose, 2 when some were left for a
 * reason to look at, and 1 when the migration did not come to its end; it may then simply be run again.
 *
 * @module
 */
import { appendFileSync } from 'node:fs';
import { BSON, type Db, MongoClient } from 'mongodb';
import { InvalidArgumentError, MonqueError, messageOf, toError } from '../foundation/errors.ts';
import { reading } from '../ledger/mongodb/server/driver-errors.ts';
import { COMMAND_HELP, type CommandArguments, readArguments } from './command-arguments.ts';
import { migrateJobs } from './migrate-jobs.ts';
import type { LeftJob, LeftReason, MigrationReport } from './migration-report.ts';

/** What the command needs of the process that it runs in. */
export interface CommandSurroundings {
  /** Takes a line of the report. */
  readonly print: (line: string) => void;
  /** Takes a line about how far it is, or what went wrong. */
  readonly printError: (line: string) => void;
  /** Where `MONGODB_URI` is looked for. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const DONE = 0;
const FAILED = 1;
const LOOK_AT_THE_REST = 2;

/** What was left since the options say so. */
const ON_PURPOSE: ReadonlySet<string> = new Set<LeftReason>(['finished', 'locked']);

/** How many of the jobs that were left are shown for each reason. */
const MOST_EXAMPLES = 3;

/**
 * Runs the command. Never throws: what goes wrong is printed.
 *
 * @param args - what stands behind the name of the command
 * @returns the exit code
 */
export async function runMigrateCommand(
  args: readonly string[],
  surroundings: CommandSurroundings,
): Promise<number> {
  const { print, printError } = surroundings;
  try {
    const given = readArguments(args, surroundings.environment);
    if (given === 'help') {
      print(COMMAND_HELP);
      return DONE;
    }
    return await migrate(given, surroundings);
  } catch (thrown) {
    const error = toError(thrown);
    const advice = error instanceof MonqueError && error.code === 'INVALID_ARGUMENT' ? HINT : '';
    printError(`monque-migrate: ${messageOf(error)}${advice}`);
    return FAILED;
  }
}

const HINT = '; see `monque-migrate --help`';

async function migrate(
  given: CommandArguments,
  surroundings: CommandSurroundings,
): Promise<number> {
  const { print, printError } = surroundings;
  const client = new MongoClient(given.uri);
  try {
    const db = client.db(given.database);
    const source = sourceOf(given, client, db);
    await checkSource(given, source);
    const examples = new Examples(given.leftFile);
    const report = await migrateJobs({
      ...given.options,
      source: source.db.collection(source.collectionName),
      db,
      onLeft: (job) => examples.add(job),
      onProgress: ({ read }) => printError(`${read} documents read`),
    });
    if (given.isJson) print(JSON.stringify(report));
    else for (const line of [...linesOf(report), ...examples.lines()]) print(line);
    return Object.keys(report.left).every((reason) => ON_PURPOSE.has(reason))
      ? DONE
      : LOOK_AT_THE_REST;
  } finally {
    await client.close();
  }
}

function sourceOf({ from, fromDatabase }: CommandArguments, client: MongoClient, db: Db) {
  const source = fromDatabase === undefined ? db : client.db(fromDatabase);
  return { db: source, collectionName: from };
}

/** MongoDB reads a collection that is not there as an empty one. */
async function checkSource(
  { from }: Pick<CommandArguments, 'from'>,
  { db, collectionName }: { readonly db: Db; readonly collectionName: string },
): Promise<void> {
  const found = await reading('migrate', () =>
    db.listCollections({}, { nameOnly: true }).toArray(),
  );
  const names = found.map(({ name }) => name).sort();
  if (names.includes(collectionName)) return;
  const some = names.slice(0, MOST_NAMED).join(', ') || 'none';
  throw new InvalidArgumentError(
    '--from',
    `a collection of the database ${db.databaseName}`,
    from,
    `there are: ${some}`,
  );
}

const MOST_NAMED = 10;

/** Collects what was left: all of it into a file, some of it to be shown. */
class Examples {
  readonly #file: string | undefined;
  readonly #shown = new Map<LeftReason, LeftJob[]>();

  constructor(file: string | undefined) {
    this.#file = file;
  }

  add(job: LeftJob): void {
    if (this.#file !== undefined) appendFileSync(this.#file, `${BSON.EJSON.stringify(job)}\n`);
    const shown = this.#shown.get(job.reason) ?? [];
    this.#shown.set(job.reason, shown);
    if (shown.length < MOST_EXAMPLES) shown.push(job);
  }

  lines(): string[] {
    return [...this.#shown].flatMap(([reason, jobs]) =>
      ON_PURPOSE.has(reason)
        ? []
        : jobs.map(({ id, name, detail }) => `  ${reason}: ${String(name)} (${id}): ${detail}`),
    );
  }
}

function linesOf({ dryRun, read, stored, storedBefore, left, notes }: MigrationReport): string[] {
  return [
    dryRun ? 'Nothing was written (dry run).' : 'The migration is through.',
    `${read} documents read`,
    ...countLines(stored, dryRun ? 'would be stored as' : 'stored as'),
    ...countLines({ '': storedBefore }, 'stored by an earlier run'),
    ...countLines(notes, 'of these'),
    ...countLines(left, 'left:'),
  ];
}

function countLines(counts: Readonly<Record<string, number>>, what: string): string[] {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count} ${what} ${kind}`.trimEnd());
}
