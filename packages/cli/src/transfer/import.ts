/**
 * Jobs from lines of extended JSON, as an export writes them.
 *
 * What always holds: ids are kept, so a job that is there already is not stored again, however often the import is run or
 * killed; what cannot be stored is reported with its line.
 *
 * @module
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type Job, JobStatus } from '@monque/core';
import { NEWEST_VERSION, unfitReason } from '@monque/core/ledger';
import {
  BSON,
  type Collection,
  type Document,
  type MongoBulkWriteError,
  ObjectId,
  type WriteError,
} from 'mongodb';
import type { Session } from '../context/context.ts';
import { usageError } from '../context/errors.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { counted } from '../context/words.ts';

const BATCH = 500;
const MOST_SHOWN = 20;

/** What became of the lines. */
interface Counts {
  stored: number;
  there: number;
  again: number;
  left: number;
}

interface Entry {
  readonly line: number;
  readonly document: Document;
}

/** `monque import` */
export async function importJobs(
  session: Session,
  file: string,
  { dryRun = false }: { readonly dryRun?: boolean },
): Promise<ExitCode> {
  const { io } = session;
  const input = file === '-' ? io.stdin : await inputOf(resolve(io.cwd, file));
  try {
    return await importFrom(input, session, dryRun);
  } finally {
    // Also where it was not read to its end.
    input.destroy();
  }
}

async function importFrom(input: Readable, session: Session, dryRun: boolean): Promise<ExitCode> {
  const { documents, monque } = await session.open({ makesIndexes: !dryRun });
  if (!dryRun) await monque.initialize();
  const signal = session.watchInterrupt();
  const work = new Import(session, documents, dryRun);
  const progress = session.output.progress('Imported');
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (signal.aborted) break;
    await work.take(text);
    progress.update(work.counts.stored);
  }
  if (!signal.aborted) await work.flush();
  progress.end();
  return work.report(signal.aborted);
}

async function inputOf(path: string): Promise<Readable> {
  const handle = await open(path).catch((error: Error) => {
    throw usageError(`The file cannot be read: ${error.message}`);
  });
  return createReadStream(path, { fd: handle });
}

class Import {
  readonly counts: Counts = { stored: 0, there: 0, again: 0, left: 0 };
  readonly #session: Session;
  readonly #documents: Collection<Document>;
  readonly #isDryRun: boolean;
  #line = 0;
  #batch: Entry[] = [];

  constructor(session: Session, documents: Collection<Document>, isDryRun: boolean) {
    this.#session = session;
    this.#documents = documents;
    this.#isDryRun = isDryRun;
  }

  async take(text: string): Promise<void> {
    this.#line += 1;
    if (text.trim() === '') return;
    const read = readJob(text);
    if (typeof read === 'string') this.#leave(this.#line, read);
    else this.#batch.push({ line: this.#line, document: this.#toPending(read) });
    if (this.#batch.length === BATCH) await this.flush();
  }

  async flush(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    if (batch.length === 0) return;
    if (this.#isDryRun) return this.#preview(batch);
    const errors = await this.#insert(batch.map(({ document }) => document));
    this.counts.stored += batch.length - errors.length;
    for (const { index, errmsg = '' } of errors) {
      if (/index: _id_/.test(errmsg)) this.counts.there += 1;
      else this.#leave(Number(batch[index]?.line), reasonOf(errmsg));
    }
  }

  async #preview(batch: readonly Entry[]): Promise<void> {
    const ids = batch.map(({ document }) => document._id);
    const there = await this.#documents.countDocuments({ _id: { $in: ids } });
    this.counts.there += there;
    this.counts.stored += batch.length - there;
  }

  async #insert(documents: Document[]): Promise<WriteError[]> {
    try {
      await this.#documents.insertMany(documents, {
        ordered: false,
        ignoreUndefined: true,
        writeConcern: { w: 'majority' },
      });
      return [];
    } catch (error) {
      const { writeErrors } = error as Partial<MongoBulkWriteError>;
      if (writeErrors === undefined) throw error;
      return [writeErrors].flat();
    }
  }

  /** Nobody here works on a job that was running there: it waits, as after the death of its process. */
  #toPending(document: Document): Document {
    if (document.status !== JobStatus.PROCESSING) return document;
    this.counts.again += 1;
    const { claimedBy, claimToken, lockedAt, cancelRequestedAt, ...job } = document;
    return { ...job, status: JobStatus.PENDING };
  }

  #leave(line: number, reason: string): void {
    this.counts.left += 1;
    const { output } = this.#session;
    if (this.counts.left <= MOST_SHOWN) output.note(`Line ${line} is left: ${reason}`);
  }

  report(isInterrupted: boolean): ExitCode {
    const { output } = this.#session;
    const { stored, there, again, left } = this.counts;
    const word = this.#isDryRun ? 'would be stored' : 'stored';
    output.note(`${counted(stored, 'job')} ${word}, ${there} there already, ${left} left.`);
    if (again > 0)
      output.note(`${counted(again, 'job')} of these ran when exported, and will run again.`);
    if (isInterrupted) output.note('It was ended before the last line; run it again to go on.');
    if (isInterrupted) return ExitCode.INTERRUPTED;
    return left > 0 ? ExitCode.PARTLY : ExitCode.DONE;
  }
}

function reasonOf(errmsg: string): string {
  return /E11000/.test(errmsg) ? 'another job holds its unique key' : errmsg;
}

const STATES: ReadonlySet<unknown> = new Set(Object.values(JobStatus));

/** The document of a line, or why it is none that can be stored. */
function readJob(text: string): Document | string {
  let document: Document;
  try {
    document = BSON.EJSON.parse(text, { relaxed: false });
  } catch (error) {
    return `it is no extended JSON: ${(error as Error).message}`;
  }
  if (!(document?._id instanceof ObjectId)) return 'it has no ObjectId as _id';
  if (!STATES.has(document.status)) return `the state '${document.status}' is not known`;
  const promoted = BSON.EJSON.parse(text, { relaxed: true }) as Job;
  if (typeof promoted.name !== 'string') return 'it has no name';
  if (!(promoted.documentVersion <= NEWEST_VERSION)) return 'a newer version wrote it, or none';
  return unfitReason(promoted) ?? document;
}
