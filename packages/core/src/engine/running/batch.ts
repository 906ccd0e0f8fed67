/**
 * One call of a handler for several jobs: it waits for their runs to come to it, and gives each what it is to end with.
 *
 * What always holds: the handler is called once, when every run has come or has ended before it came, and not at all
 * when none came; each run that came is given its own end, once, when the handler has ended.
 *
 * @module
 */
import type { EngineContext } from '../../context/scheduler-context.ts';
import { apart } from '../../foundation/async-context.ts';
import { InvalidArgumentError, toError } from '../../foundation/errors.ts';
import { isError } from '../../foundation/kinds.ts';
import type { Job } from '../../job/job.ts';
import type { BatchContext, BatchPlan } from '../../workers/batches.ts';
import type { JobContext } from '../../workers/handler.ts';

/** A job of the batch, whose run waits. */
interface Member {
  readonly job: Job;
  readonly context: JobContext;
  readonly resolve: (returned: unknown) => void;
  readonly reject: (error: Error) => void;
  error?: Error;
}

/** The place of one run in a batch. */
export interface BatchSeat {
  /** The run has come to its handler: resolves with what that returned for it, or rejects with what is its failure. */
  join(job: Job, context: JobContext): Promise<unknown>;
  /** The run has ended. */
  leave(): void;
}

/** Gathers the runs of one batch. */
export class Batch {
  readonly #context: Pick<EngineContext, 'report' | 'detached'>;
  readonly #plan: BatchPlan;
  readonly #members: Member[] = [];
  #awaited: number;

  /** @param size - how many runs there are */
  constructor(context: Pick<EngineContext, 'report' | 'detached'>, plan: BatchPlan, size: number) {
    this.#context = context;
    this.#plan = plan;
    this.#awaited = size;
  }

  /** A place for one of the runs. */
  seat(): BatchSeat {
    let isAwaited = true;
    const arrived = (): void => {
      if (!isAwaited) return;
      isAwaited = false;
      this.#awaited -= 1;
      if (this.#awaited === 0 && this.#members.length > 0) void this.#call();
    };
    return {
      join: (job, context) =>
        new Promise((resolve, reject) => {
          this.#members.push({ job, context, resolve, reject });
          arrived();
        }),
      leave: arrived,
    };
  }

  async #call(): Promise<void> {
    const jobs = this.#members.map(({ job }) => job);
    const given = batchContext(this.#members);
    try {
      const { handler } = this.#plan;
      const returned = await this.#context.detached(() => apart(async () => handler(jobs, given)));
      const results = this.#resultsOf(returned);
      for (const [index, member] of this.#members.entries()) end(member, results, index);
    } catch (thrown) {
      const error = toError(thrown);
      for (const member of this.#members) member.reject(member.error ?? error);
    }
  }

  /** The work is done: results that belong to nobody are left out, and said, rather than done again. */
  #resultsOf(returned: unknown): readonly unknown[] {
    if (!Array.isArray(returned)) return [];
    const { length } = this.#members;
    if (returned.length === length) return returned;
    const expected = `nothing, or a list of ${length} results`;
    this.#context.report(new InvalidArgumentError('batch()', expected, returned));
    return [];
  }
}

/** One that cannot even be read is the failure of its job alone. */
function end({ error, resolve, reject }: Member, results: readonly unknown[], index: number): void {
  try {
    const result = results[index];
    const failure = error ?? (isError(result) ? result : undefined);
    if (failure === undefined) resolve(result);
    else reject(failure);
  } catch (thrown) {
    reject(toError(thrown));
  }
}

function batchContext(members: readonly Member[]): BatchContext {
  const byId = new Map(members.map((member) => [member.job._id.toHexString(), member]));
  const memberOf = (job: Job): Member => {
    const member = byId.get(String(Object(job)._id));
    if (member === undefined) throw new InvalidArgumentError('job', 'a job of this batch', job);
    return member;
  };
  let signal: AbortSignal | undefined;
  return Object.freeze({
    get signal(): AbortSignal {
      signal ??= signalOfAll(members.map(({ context }) => context.signal));
      return signal;
    },
    of: (job: Job) => memberOf(job).context,
    fail: (job: Job, error: unknown) => {
      const member = memberOf(job);
      member.error ??= toError(error);
    },
  });
}

/** Aborts when all of them have, with the reason of the last. */
function signalOfAll(signals: readonly AbortSignal[]): AbortSignal {
  const controller = new AbortController();
  const look = (): void => {
    const last = signals.at(-1);
    if (signals.every(({ aborted }) => aborted)) controller.abort(last?.reason);
  };
  for (const signal of signals) signal.addEventListener('abort', look, { once: true });
  look();
  return controller.signal;
}
