/**
 * Enqueueing a job, and waiting for one.
 *
 * @module
 */
import type { EnqueueOptions, Job, WaitError } from '@monque/core';
import type { WaitReason, WhenTaken } from '@monque/core/types';
import type { Session } from '../context/context.ts';
import { readData } from '../context/data-argument.ts';
import { ExitCode } from '../context/exit-codes.ts';
import { extended, plain } from '../context/json.ts';
import { withId } from './look.ts';
import { metadataOf } from './selection.ts';

/** Options of `enqueue`, as commander gives them. */
export interface EnqueueArguments {
  readonly data?: string;
  readonly at?: Date;
  readonly delay?: number;
  readonly key?: string;
  readonly keyHold?: string;
  readonly whenTaken?: string;
  readonly order?: string;
  readonly group?: string;
  readonly priority?: number;
  readonly meta?: Readonly<Record<string, string>>;
  readonly maxRetries?: number;
  readonly runTimeout?: number;
  readonly dryRun?: boolean;
}

/** `monque enqueue` */
export async function enqueue(
  session: Session,
  name: string,
  given: EnqueueArguments,
): Promise<ExitCode> {
  const { output, io } = session;
  const data = await readData(io, '--data', given.data);
  const options = optionsOf(given);
  const job = given.dryRun
    ? await inMemory(name, data, options)
    : await (await session.open({ makesIndexes: true })).jobs.enqueue(name, data, options);
  await output.record(plain(withId(job)) as object, () => job._id.toHexString());
  if (given.dryRun) output.note('It would be stored. Nothing was written (dry run).');
  else output.note(`${job.name} is ${job.status}, due at ${job.nextRunAt.toISOString()}`);
  return ExitCode.DONE;
}

/** The checks of an enqueue without a database. */
async function inMemory(name: string, data: unknown, options: EnqueueOptions): Promise<Job> {
  const { Monque } = await import('@monque/core');
  return Monque.inMemory({ logger: false }).enqueue(name, data, options);
}

function optionsOf(given: EnqueueArguments): EnqueueOptions {
  const { at, delay, key, keyHold, whenTaken, order, group } = given;
  const { priority, meta, maxRetries, runTimeout } = given;
  const hold = keyHold === undefined ? undefined : holdOf(keyHold);
  return {
    ...(at && { runAt: at }),
    ...(delay !== undefined && { delay }),
    ...(key !== undefined && { uniqueKey: key }),
    ...(hold !== undefined && { uniqueHold: hold }),
    ...(whenTaken !== undefined && { whenTaken: whenTaken as WhenTaken }),
    ...(order !== undefined && { order }),
    ...(group !== undefined && { group }),
    ...(priority !== undefined && { priority }),
    ...(meta && { metadata: metadataOf(meta) }),
    ...(maxRetries !== undefined && { maxRetries }),
    ...(runTimeout !== undefined && { timeout: runTimeout }),
  };
}

/** The two words of the library, or a window in milliseconds. */
function holdOf(text: string): NonNullable<EnqueueOptions['uniqueHold']> {
  const window = Number(text);
  return Number.isNaN(window) ? (text as 'untilDone' | 'untilStarted') : { window };
}

const OF_REASONS: Readonly<Record<WaitReason, ExitCode>> = {
  failed: ExitCode.ENDED_BADLY,
  cancelled: ExitCode.ENDED_BADLY,
  gone: ExitCode.MISSING,
  timeout: ExitCode.TIMEOUT,
  stopped: ExitCode.INTERRUPTED,
  unknown: ExitCode.UNREACHABLE,
};

/** `monque wait` */
export async function wait(
  { output, open }: Session,
  id: string,
  { for: timeout }: { readonly for: number },
): Promise<ExitCode> {
  const { jobs } = await open();
  try {
    const result = await jobs.waitFor(id, { timeout });
    if (result === undefined && !output.isJson) return ExitCode.DONE;
    await output.line(JSON.stringify(extended(result) ?? null));
    return ExitCode.DONE;
  } catch (error) {
    const code = OF_REASONS[(error as WaitError).reason];
    if (code === undefined) throw error;
    output.fault((error as WaitError).message);
    return code;
  }
}
