/**
 * Runs the handler of one job in a context of its own.
 *
 * A job may be woken by the request that enqueued it, and would then run in the context of that request: with its
 * logger, its user, its tenant. What always holds: a run has a new context, nobody else's, which is destroyed after
 * it with the instances that were made for it.
 *
 * @module
 */
import { type Job, type JobContext, type JobHandler, MonqueError } from '@monque/core';
import {
  DIContext,
  getAsyncStore,
  type InjectorService,
  runInContext,
  type TokenProvider,
} from '@tsed/di';
import { setCurrentJob } from './current-job.ts';
import { nameOfClass } from './decorators/decorated.ts';
import { errorOf } from './thrown.ts';

/** The method that runs a job, of a provider. */
export interface HandlerPlace {
  readonly token: TokenProvider;
  readonly method: string | symbol;
}

type Handlers = Readonly<Record<string | symbol, JobHandler>>;

/** Makes a handler for `@monque/core` of a method of a provider. */
export function makeHandler(injector: InjectorService, place: HandlerPlace): JobHandler {
  return async (job, context) => {
    const $ctx = makeContext(injector, job, context);
    return runIsolated($ctx, async () => {
      try {
        return await callHandler(injector, place, $ctx, [job, context]);
      } finally {
        // Within the context, so that what is destroyed sees the job it was made for.
        await destroy($ctx);
      }
    });
  };
}

function makeContext(injector: InjectorService, job: Job, context: JobContext): DIContext {
  const jobId = job._id.toHexString();
  const $ctx = new DIContext({
    id: jobId,
    injector,
    logger: injector.logger,
    level: injector.logger.level,
    additionalProps: { jobId, jobName: job.name, fence: context.fence, failCount: job.failCount },
    // A job may run for hours; what it says is to be read meanwhile.
    maxStackSize: 0,
  });
  $ctx.container.set(DIContext, $ctx);
  setCurrentJob($ctx, job, context);
  return $ctx;
}

/** Ts.ED goes on in a context that is there already, so that has to be left first. */
async function runIsolated<T>($ctx: DIContext, run: () => Promise<T>): Promise<T> {
  return getAsyncStore().run(undefined as never, () => runInContext($ctx, run));
}

async function callHandler(
  injector: InjectorService,
  { token, method }: HandlerPlace,
  $ctx: DIContext,
  [job, context]: readonly [job: Job, context: JobContext],
): Promise<unknown> {
  const instance = injector.invoke<Handlers>(token, { locals: $ctx.container });
  const handler = instance[method];
  if (typeof handler === 'function') return handler.call(instance, job, context);
  // A job without a handler would else be taken for one that is done.
  throw new MonqueError(
    'INVALID_JOB',
    `Expected what stands in for ${nameOfClass(token)} to have a method ${String(method)}, which runs the job ${job.name}; add it`,
  );
}

/** What goes wrong here cannot undo the work of the job, and must not have it done again. */
async function destroy($ctx: DIContext): Promise<void> {
  try {
    await $ctx.destroy();
  } catch (thrown) {
    const { name, message, stack } = errorOf(thrown);
    $ctx.logger.error({
      event: 'MONQUE_CONTEXT_DESTROY_ERROR',
      error_name: name,
      error_message: message,
      stack,
    });
  }
}
