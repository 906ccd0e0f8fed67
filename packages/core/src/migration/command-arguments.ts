/**
 * The arguments of `monque-migrate`.
 *
 * @module
 */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { InvalidArgumentError, toError } from '../foundation/errors.ts';
import type { MigrateJobsOptions, SeriesChoice } from './migration-options.ts';
import type { PlainFormat } from './plain-format.ts';

/** What the command shows when it is asked for help. */
export const COMMAND_HELP = `monque-migrate: copies the jobs of another queue into Monque's collection

Stop the workers of the other queue first. The source is only read. Run it again at any time: what was
stored is not stored again.

  --uri <uri>                 where the database is; MONGODB_URI when left out
  --database <name>           the database of Monque's jobs; that of the uri when left out
  --from <collection>         the collection of the other queue, such as agendaJobs
  --from-database <name>      its database, if that is another
  --to <collection>           the collection of Monque's jobs (monque_jobs)
  --format agenda | plain     which queue it is: Agenda 4 to 6, or one with a state and a due time
  --dry-run                   read and report, write nothing
  --finished leave | failed | all    which finished jobs to take (leave)
  --locked import | leave     whether jobs that a worker had taken run again (import)
  --timezone <zone>           of cron expressions that state none: that of the old workers (UTC)
  --cron <name>=<expression>  the plan of a recurring job, in place of its own; may be repeated
  --key <name>=<key>          the uniqueKey that the application gives to schedule(); may be repeated
  --max-payload-size <bytes>  the most bytes of data a job may have (1048576)
  --batch-size <number>       documents read and written at a time (500)
  --left-to <file>            append what was left to a file, one line of JSON a document
  --json                      print the report as JSON

Of the format plain:
  --field <ours>=<theirs>     where something is kept, such as data=payload.body; may be repeated
  --status <ours>=<a>,<b>     the values of a state, such as pending=new,waiting; may be repeated
  --name <name>               the name of all jobs, if the documents have none
  --priority-order lowerFirst | higherFirst    which priority goes first (lowerFirst)

Ends with 0 when all was stored or left on purpose, with 2 when some was left for a reason to look at,
with 1 when it did not come to its end.`;

/** What the command was given. */
export interface CommandArguments {
  readonly uri: string;
  readonly database?: string;
  readonly from: string;
  readonly fromDatabase?: string;
  readonly leftFile?: string;
  readonly isJson: boolean;
  readonly options: Omit<MigrateJobsOptions, 'source' | 'db' | 'onLeft' | 'onProgress'>;
}

const TEXT = { type: 'string' } as const;
const TEXTS = { type: 'string', multiple: true, default: [] as string[] } as const;
const SWITCH = { type: 'boolean', default: false } as const;

const ARGUMENTS = {
  uri: TEXT,
  database: TEXT,
  from: TEXT,
  'from-database': TEXT,
  to: TEXT,
  format: TEXT,
  'dry-run': SWITCH,
  finished: TEXT,
  locked: TEXT,
  timezone: TEXT,
  cron: TEXTS,
  key: TEXTS,
  'max-payload-size': TEXT,
  'batch-size': TEXT,
  'left-to': TEXT,
  json: SWITCH,
  field: TEXTS,
  status: TEXTS,
  name: TEXT,
  'priority-order': TEXT,
  help: { type: 'boolean', short: 'h', default: false },
} as const satisfies ParseArgsConfig['options'];

type Values = ReturnType<typeof parse>;

/**
 * Reads the arguments; what they say is checked by the migration.
 *
 * @throws InvalidArgumentError for arguments that are not known, or lack what is needed
 */
export function readArguments(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): CommandArguments | 'help' {
  const values = parse(args);
  if (values.help) return 'help';
  const fromDatabase = values['from-database'];
  const leftFile = values['left-to'];
  return {
    uri: needed('--uri', values.uri ?? environment.MONGODB_URI),
    from: needed('--from', values.from),
    ...(values.database !== undefined && { database: values.database }),
    ...(fromDatabase !== undefined && { fromDatabase }),
    ...(leftFile !== undefined && { leftFile }),
    isJson: values.json,
    options: optionsOf(values),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: ARGUMENTS, allowPositionals: false }).values;
  } catch (error) {
    throw new InvalidArgumentError(
      'arguments',
      'those that --help lists',
      args.join(' '),
      toError(error).message,
    );
  }
}

function needed(argument: string, value: string | undefined): string {
  if (value !== undefined && value !== '') return value;
  throw new InvalidArgumentError(argument, 'given', value);
}

function optionsOf(values: Values): CommandArguments['options'] {
  const payload = values['max-payload-size'];
  const batch = values['batch-size'];
  const choices = {
    ...(values.to !== undefined && { collectionName: values.to }),
    ...(values.finished !== undefined && { finished: values.finished }),
    ...(values.locked !== undefined && { locked: values.locked }),
    ...(values.timezone !== undefined && { timezone: values.timezone }),
    ...(payload !== undefined && { maxPayloadSize: Number(payload) }),
    ...(batch !== undefined && { batchSize: Number(batch) }),
  };
  return {
    ...choices,
    format: formatOf(values),
    dryRun: values['dry-run'],
    series: seriesOf(values),
  } as CommandArguments['options'];
}

function formatOf(values: Values): 'agenda' | PlainFormat {
  const format = needed('--format', values.format);
  const order = values['priority-order'];
  const plain = {
    ...(values.field.length > 0 && { fields: Object.fromEntries(pairs('--field', values.field)) }),
    ...(values.status.length > 0 && { statuses: statusesOf(values.status) }),
    ...(values.name !== undefined && { name: values.name }),
    ...(order !== undefined && { priorityOrder: order }),
  } as PlainFormat;
  if (format === 'plain') return plain;
  if (format !== 'agenda') throw new InvalidArgumentError('--format', 'agenda or plain', format);
  const [unused] = Object.keys(plain);
  if (unused === undefined) return format;
  throw new InvalidArgumentError('--format', 'plain where fields or states are described', format);
}

function statusesOf(given: readonly string[]): Record<string, string[]> {
  const ofEach = pairs('--status', given).map(([status, list]) => [status, list.split(',')]);
  return Object.fromEntries(ofEach);
}

function seriesOf({ cron, key }: Values): Record<string, SeriesChoice> {
  const series: Record<string, SeriesChoice> = {};
  for (const [name, expression] of pairs('--cron', cron)) {
    series[name] = { ...series[name], cron: expression };
  }
  for (const [name, uniqueKey] of pairs('--key', key)) {
    series[name] = { ...series[name], uniqueKey };
  }
  return series;
}

/** Each is split at its first equals sign; a name does not hold one. */
function pairs(argument: string, given: readonly string[]): [string, string][] {
  return given.map((text) => {
    const at = text.indexOf('=');
    if (at < 1) throw new InvalidArgumentError(argument, 'a pair such as name=value', text);
    return [text.slice(0, at), text.slice(at + 1)];
  });
}
