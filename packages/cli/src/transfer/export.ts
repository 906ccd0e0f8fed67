/**
 * Jobs as lines of extended JSON, in the order of their ids.
 *
 * What always holds: each document is written as it is stored, types included. An export into a file may be ended at any
 * time, and goes on behind the last whole line.
 *
 * @module
 */
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat, truncate } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { BSON, type Document, ObjectId } from 'mongodb';
import type { Session } from '../context/context.ts';
import { usageError } from '../context/errors.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { counted } from '../context/words.ts';
import { type FilterOptions, metadataOf } from '../jobs/selection.ts';

/** Options of `export`. */
export interface ExportOptions extends FilterOptions {
  readonly output?: string;
  readonly resume?: boolean;
  readonly archived?: boolean;
  readonly after?: string;
}

/** `monque export` */
export async function exportJobs(session: Session, options: ExportOptions): Promise<ExitCode> {
  const { output, io } = session;
  const path = options.output === undefined ? undefined : resolve(io.cwd, options.output);
  const after = await startOf(path, options);
  const { db, documents, collectionName } = await session.open();
  const signal = session.watchInterrupt();
  const source = options.archived ? db.collection(`${collectionName}.archive`) : documents;
  const filter = documentFilter(options, after);
  const raw = { promoteValues: false, sort: { _id: 1 }, batchSize: 500 } as const;
  const progress = output.progress('Exported');
  const sink =
    path === undefined
      ? undefined
      : createWriteStream(path, { flags: options.resume ? 'a' : 'wx' });
  let count = 0;
  try {
    if (sink) await once(sink, 'open');
    for await (const document of source.find(filter, raw)) {
      if (signal.aborted) break;
      const line = BSON.EJSON.stringify(document, { relaxed: false });
      await (sink === undefined ? output.line(line) : write(sink, `${line}\n`));
      count += 1;
      if (count % 500 === 0) progress.update(count);
    }
  } finally {
    progress.end();
    sink?.end();
    if (sink && !sink.destroyed) await once(sink, 'close');
  }
  const again = path === undefined ? '--after with the last id' : '--resume';
  const end = signal.aborted ? `; go on with ${again}` : '';
  output.note(`${counted(count, 'job')} exported${end}.`);
  return signal.aborted ? ExitCode.INTERRUPTED : ExitCode.DONE;
}

async function write(sink: Writable, text: string): Promise<void> {
  if (!sink.write(text)) await once(sink, 'drain');
}

/** Behind which id it begins: that of the last whole line of the file, for one that is resumed. */
async function startOf(
  path: string | undefined,
  { resume = false, after }: ExportOptions,
): Promise<ObjectId | undefined> {
  const isThere = path !== undefined && (await stat(path).catch(() => undefined)) !== undefined;
  if (!resume) {
    if (isThere) throw usageError(`${path} is there already; go on with --resume, or remove it`);
    return after === undefined ? undefined : idOf('--after', after);
  }
  if (path === undefined) throw usageError('--resume needs --output: the file to go on with');
  if (!isThere) return undefined;
  const last = await lastLine(path);
  await truncate(path, last.end);
  return last.line === undefined ? undefined : documentId(last.line);
}

/** The last line that has its end, and the place behind it. */
async function lastLine(path: string): Promise<{ line: string | undefined; end: number }> {
  const { size } = await stat(path);
  let end = 0;
  let line: string | undefined;
  const lines = createInterface({
    input: createReadStream(path),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  for await (const text of lines) {
    const behind = end + Buffer.byteLength(text) + 1;
    if (behind > size) break;
    [line, end] = [text, behind];
  }
  return { line, end };
}

function documentId(line: string): ObjectId {
  const { _id } = BSON.EJSON.parse(line) as { _id: ObjectId };
  return _id;
}

function idOf(option: string, text: string): ObjectId {
  if (ObjectId.isValid(text)) return new ObjectId(text);
  throw usageError(`${option}: expected an id of 24 hexadecimal characters, got '${text}'`);
}

/** What a filter asks of stored documents. An option without a row does not compile: it would mean every job. */
const QUERIES: {
  readonly [Option in keyof FilterOptions]-?: (
    value: NonNullable<FilterOptions[Option]>,
  ) => Document;
} = {
  name: (names) => ({ name: { $in: names } }),
  status: (states) => ({ status: { $in: states } }),
  key: (uniqueKey) => ({ uniqueKey }),
  order: (order) => ({ order }),
  group: (group) => ({ group }),
  flow: (id) => ({ flow: idOf('--flow', id) }),
  meta: (pairs) =>
    Object.fromEntries(
      Object.entries(metadataOf(pairs)).map(([field, value]) => [`metadata.${field}`, value]),
    ),
  createdFrom: ($gte) => ({ createdAt: { $gte } }),
  createdBefore: ($lt) => ({ createdAt: { $lt } }),
  failedWith: (text) => ({ failReason: { $regex: literal(text) } }),
  finishedFrom: ($gte) => ({ finishedAt: { $gte } }),
};

/** The options as a query on stored documents; pauses, which lie among the jobs, have texts as ids. */
function documentFilter(options: ExportOptions, after: ObjectId | undefined): Document {
  const asked = Object.entries(QUERIES).flatMap(([option, query]) => {
    const value = options[option as keyof FilterOptions];
    return value === undefined ? [] : [(query as (value: unknown) => Document)(value)];
  });
  return { $and: [{ _id: { $type: 'objectId', ...(after && { $gt: after }) } }, ...asked] };
}

function literal(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
