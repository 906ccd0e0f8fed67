/**
 * The work ledgers of a command: in a Markdown file, or in MongoDB when an address is known and no file is named.
 *
 * @module
 */
import { resolve } from 'node:path';
import { Monque } from '@monque/core';
import {
  type ChangedBy,
  CheckRunner,
  CoordinationFormat,
  CoordinationLedger,
  type LedgerDocument,
  MarkdownRecordStore,
  MongoRecordStore,
  type RecordStore,
  readSecrets,
  runIdAt,
  VerificationFormat,
  VerificationLedger,
} from '@monque/ledgers';
import type { Session } from '../context/context.ts';
import { usageError } from '../context/errors.ts';

/** Options of every command on a work ledger. */
export interface LedgerOptions {
  readonly file?: string;
  readonly run?: string;
  readonly reason?: string;
  /** Names of variables of the environment. */
  readonly secret?: readonly string[];
}

/** A ledger, and the file that it is in. */
export interface Opened<Ledger> {
  readonly ledger: Ledger;
  /** Absent for a ledger in MongoDB. */
  readonly file?: MarkdownRecordStore;
  readonly format: LedgerDocument;
}

/** The file of each kind, when none is named. */
const LEDGER_FILES = { steps: 'LEDGER.md', tasks: 'TASKS.md' } as const;

const COLLECTIONS = { steps: 'monque_steps', tasks: 'monque_tasks' } as const;

async function openStore(
  session: Session,
  { file }: LedgerOptions,
  kind: keyof typeof LEDGER_FILES,
  format: LedgerDocument,
): Promise<{ readonly store: RecordStore; readonly file?: MarkdownRecordStore }> {
  const { uri } = await session.settings();
  if (file === undefined && uri !== undefined) {
    const { db } = await session.open();
    return { store: new MongoRecordStore(db, { collectionName: COLLECTIONS[kind] }) };
  }
  const path = resolve(session.io.cwd, file ?? LEDGER_FILES[kind]);
  const store = new MarkdownRecordStore(path, format);
  return { store, file: store };
}

/** The values of `.env` where the command runs, and of the variables that were named. */
function secretsOf(
  { io }: Session,
  { secret = [] }: LedgerOptions,
): ReturnType<typeof readSecrets> {
  return readSecrets({ envFiles: [resolve(io.cwd, '.env')], variables: secret });
}

/** Opens the verification ledger. Checks run where the command runs; no value of its `.env` is kept or shown. */
export async function openSteps(
  session: Session,
  options: LedgerOptions,
): Promise<Opened<VerificationLedger> & { readonly scheduler: Monque }> {
  const { cwd } = session.io;
  const format = new VerificationFormat();
  const { store, file } = await openStore(session, options, 'steps', format);
  const redactor = await secretsOf(session, options);
  // Whoever stops it wants what runs to end; what is found is shown by the command.
  const scheduler = Monque.inMemory({ shutdownTimeout: 0, logger: false });
  const runner = new CheckRunner({ scheduler, redactor, root: cwd });
  const ledger = new VerificationLedger({ store, runner, redactor });
  return { ledger, format, scheduler, ...(file !== undefined && { file }) };
}

/** Opens the coordination ledger. */
export async function openTasks(
  session: Session,
  options: LedgerOptions,
): Promise<Opened<CoordinationLedger> & { readonly format: CoordinationFormat }> {
  const format = new CoordinationFormat();
  const { store, file } = await openStore(session, options, 'tasks', format);
  const redactor = await secretsOf(session, options);
  const ledger = new CoordinationLedger({ store, redactor });
  return { ledger, format, ...(file !== undefined && { file }) };
}

/** Who changes something, and why. */
export async function changedBy(session: Session, { reason }: LedgerOptions): Promise<ChangedBy> {
  const { actor } = await session.settings();
  return { actor, ...(reason !== undefined && { reason }) };
}

/** The same with the run: that of `--run` or MONQUE_RUN, or one named by the time. */
export async function runBy(
  session: Session,
  options: LedgerOptions,
): Promise<ChangedBy & { readonly run: string }> {
  const { io } = session;
  const run = options.run ?? (io.env.MONQUE_RUN || runIdAt(io.now().getTime()));
  return { ...(await changedBy(session, options)), run };
}

/** The file of a ledger, for commands that only a file has. */
export function fileOf<Ledger>({ file }: Opened<Ledger>): MarkdownRecordStore {
  if (file !== undefined) return file;
  throw usageError('This is for a ledger in a file: name it with --file');
}
