/**
 * The events, and an emitter that no listener can harm.
 *
 * @module
 */

import { EventEmitter } from 'node:events';
import type { ObjectId } from 'mongodb';
import { InvalidArgumentError, toError } from '../foundation/errors.ts';
import { isPromiseAside } from '../foundation/promises.ts';
import type { JobOf, JobTypes, NameOf, UntypedJobs } from '../job/typed-jobs.ts';
import type { FlowOutcome } from '../ledger/ledger-repository.ts';
import type { InvariantViolation } from '../ledger/rules/rules.ts';
import type { Alert } from '../options/alert-options.ts';

/**
 * Each event with its payload. Every event concerns only what this instance did itself.
 *
 * @typeParam Types - the names of the jobs with their types: a check of `job.name` then narrows `job.data`
 */
export interface MonqueEventMap<Types extends JobTypes = UntypedJobs> {
  /** A handler is about to be called. The claim is written; nothing else is yet. */
  'job:start': [payload: { readonly job: JobOf<Types, NameOf<Types>> }];
  /** A handler succeeded and that is recorded in the ledger. `durationMs` is the handler's. */
  'job:complete': [
    payload: {
      readonly job: JobOf<Types, NameOf<Types>>;
      readonly durationMs: number;
      readonly result?: unknown;
    },
  ];
  /** A handler reported its progress. It is stored in the ledger soon after. */
  'job:progress': [
    payload: { readonly job: JobOf<Types, NameOf<Types>>; readonly progress: unknown },
  ];
  /**
   * A handler failed and that is recorded in the ledger: with a retry at `job.nextRunAt` when `willRetry`, else as
   * failed for good; the job of a series then waits for its next run.
   */
  'job:fail': [
    payload: {
      readonly job: JobOf<Types, NameOf<Types>>;
      readonly error: Error;
      readonly willRetry: boolean;
    },
  ];
  /**
   * A job, or the run of a series, ended as cancelled, and that is recorded in the ledger: by its own handler, after
   * a request, or by this instance's `cancelJob`.
   */
  'job:cancelled': [payload: { readonly job: JobOf<Types, NameOf<Types>> }];
  /**
   * A stage of a job was finished and that is recorded in the ledger. Of the last stage, which ends the run,
   * `job:complete` reports.
   */
  'job:stage': [payload: { readonly job: JobOf<Types, NameOf<Types>>; readonly stage: string }];
  /** A job came to a closed gate and waits there; that is recorded in the ledger. */
  'job:blocked': [payload: { readonly job: JobOf<Types, NameOf<Types>>; readonly gate: string }];
  /** This instance's `openGate` made a job pending that waited at the gate; that is recorded in the ledger. */
  'job:unblocked': [payload: { readonly job: JobOf<Types, NameOf<Types>>; readonly gate: string }];
  /**
   * Jobs whose gate was not opened in time have failed, or went on with the next run of their series; recorded in the
   * ledger by this instance. `count` is how many.
   */
  'gate:expired': [payload: { readonly count: number }];
  /** This instance's `retryJob` made a finished job pending again; that is recorded in the ledger. */
  'job:retried': [payload: { readonly job: JobOf<Types, NameOf<Types>> }];
  /** This instance's `deleteJob` deleted a job; `job` is what it was. */
  'job:deleted': [payload: { readonly job: JobOf<Types, NameOf<Types>> }];
  /** A run that failed for good made its job a dead letter, named `source.name` before; that is recorded in the ledger. */
  'job:buried': [payload: { readonly job: JobOf<Types, NameOf<Types>> }];
  /** This instance's `enqueue` with `supersede` asked a job that it replaces to cancel; `by` is the id of the new one. */
  'job:superseded': [payload: { readonly job: JobOf<Types, NameOf<Types>>; readonly by: ObjectId }];
  /**
   * A job that failed for good holds its order up, since its worker says `whenFailed: 'halt'`; that is recorded in the
   * ledger by this instance: at the end of its run, as its gate was not opened in time, or as its instances died.
   */
  'order:halted': [payload: { readonly job: JobOf<Types, NameOf<Types>>; readonly order: string }];
  /**
   * No job of a flow is unfinished any more; noticed by this instance, and recorded in the ledger. Fires in one process
   * for each end: a flow that is redriven ends again. `outcome` is how the worst of its jobs ended, or `abandoned` when the
   * flow was not stored to its end.
   */
  'flow:ended': [
    payload: {
      readonly flow: ObjectId;
      readonly outcome: FlowOutcome;
      readonly uniqueKey?: string;
    },
  ];
  /** This instance's `setGroup` paused a group of a name. */
  'group:paused': [payload: { readonly name: string; readonly group: string }];
  /** This instance's `setGroup` ended the pause of a group, or said that there is none. */
  'group:resumed': [payload: { readonly name: string; readonly group: string }];
  /**
   * A limit has nothing left for a worker here that has free slots: its concurrency is held, or its rate is used up. Fires
   * again only once there was room for all due jobs under it.
   */
  'limit:full': [payload: { readonly limit: string }];
  /** A handler here had nothing under a limit start until then; that is recorded in the ledger. */
  'limit:backedOff': [payload: { readonly limit: string; readonly until: Date }];
  /**
   * Times of a series were passed over, since nobody could run them or a run took longer; that is recorded in the
   * ledger. `skipped` counts them, up to 100.
   */
  'job:skipped': [payload: { readonly job: JobOf<Types, NameOf<Types>>; readonly skipped: number }];
  /**
   * The end of a run could not be recorded: the claim was taken away since this instance seemed dead (`fenced`), or
   * the job went on so far that it is not known whether an earlier try was recorded (`unknown`).
   */
  'job:lost': [
    payload: { readonly job: JobOf<Types, NameOf<Types>>; readonly reason: 'fenced' | 'unknown' },
  ];
  /**
   * Something went wrong outside of a handler: the ledger did not answer, a listener threw, handlers did not end
   * before `shutdownTimeout`. Work goes on as soon as it can. Fires when it is found out.
   */
  'job:error': [payload: { readonly error: Error; readonly job?: JobOf<Types, NameOf<Types>> }];
  /**
   * Jobs were given back: those of an instance that died, named by `instanceId`, or of another tool, without. Recorded
   * in the ledger; `count` is how many.
   */
  'stale:recovered': [payload: { readonly count: number; readonly instanceId?: string }];
  /** An actor was refused by `access.may`, before anything was done. `name` is that of the jobs it concerned. */
  'access:denied': [
    payload: { readonly actor: string; readonly verb: string; readonly name?: string },
  ];
  /**
   * A write broke a rule of the ledger. With `isRefused` nothing was written of it, and who made it got the same error;
   * else the rule only reports. Fires for every scheduler on the same ledger object.
   */
  'invariant:violated': [payload: InvariantViolation];
  /** The ledger does not answer any more. Fires with the first call of the engine that fails. */
  'connection:lost': [payload: { readonly error: Error }];
  /** The ledger answers again. */
  'connection:restored': [payload: Readonly<Record<string, never>>];
  /**
   * The event loop was blocked for longer than a third of `leaseDuration`. An instance that is
   * blocked for longer than the lease counts as dead, and its jobs are given to others.
   */
  'loop:delayed': [payload: { readonly delayMs: number }];
  /** A value crossed its threshold of the option `alerts`. Fires when it is found out. */
  alert: [payload: Alert];
  /** A value of an alert is well below its threshold again. It takes turns with `alert` of the same kind. */
  'alert:cleared': [payload: Alert];
}

/** Hears of an event. What it throws, or rejects with, is emitted as `job:error`. */
export type EventListener<Types extends JobTypes, Name extends keyof MonqueEventMap<Types>> = (
  ...payload: MonqueEventMap<Types>[Name]
) => unknown;

/** Every event there is. */
const EVENTS: Readonly<Record<keyof MonqueEventMap, true>> = {
  'job:start': true,
  'job:complete': true,
  'job:progress': true,
  'job:fail': true,
  'job:cancelled': true,
  'job:stage': true,
  'job:blocked': true,
  'job:unblocked': true,
  'gate:expired': true,
  'job:retried': true,
  'job:deleted': true,
  'job:buried': true,
  'job:superseded': true,
  'order:halted': true,
  'flow:ended': true,
  'group:paused': true,
  'group:resumed': true,
  'limit:full': true,
  'limit:backedOff': true,
  'job:skipped': true,
  'job:lost': true,
  'job:error': true,
  'stale:recovered': true,
  'access:denied': true,
  'invariant:violated': true,
  'connection:lost': true,
  'connection:restored': true,
  'loop:delayed': true,
  alert: true,
  'alert:cleared': true,
};

/** Those of every emitter; `events.once` listens to `error`, which none of these fires. */
const OF_EMITTERS: ReadonlySet<unknown> = new Set(['newListener', 'removeListener', 'error']);

/** Refuses what never fires: a listener of a mistyped name would wait for ever. */
function checkEvent(name: unknown): void {
  if (typeof name === 'symbol' || OF_EMITTERS.has(name)) return;
  if (typeof name === 'string' && Object.hasOwn(EVENTS, name)) return;
  throw new InvalidArgumentError('event', `one of ${Object.keys(EVENTS).join(', ')}`, name);
}

/** Hands an event to its listeners. */
export type Emit = <Name extends keyof MonqueEventMap>(
  name: Name,
  payload: MonqueEventMap[Name][0],
) => void;

/**
 * An EventEmitter whose listeners cannot hurt a job or each other: what one throws, or rejects with, is emitted as
 * `job:error`, and the others are called all the same.
 */
export class MonqueEmitter<Types extends JobTypes = UntypedJobs> extends EventEmitter<
  MonqueEventMap<Types>
> {
  /** @throws InvalidArgumentError when there is no such event */
  override on<Name extends keyof MonqueEventMap>(
    name: Name,
    listener: EventListener<Types, Name>,
  ): this {
    checkEvent(name);
    return super.on(name, listener as never);
  }

  /** @throws InvalidArgumentError when there is no such event */
  override once<Name extends keyof MonqueEventMap>(
    name: Name,
    listener: EventListener<Types, Name>,
  ): this {
    checkEvent(name);
    return super.once(name, listener as never);
  }

  /** @throws InvalidArgumentError when there is no such event */
  override addListener<Name extends keyof MonqueEventMap>(
    name: Name,
    listener: EventListener<Types, Name>,
  ): this {
    return this.on(name, listener);
  }

  /** @throws InvalidArgumentError when there is no such event */
  override prependListener<Name extends keyof MonqueEventMap>(
    name: Name,
    listener: EventListener<Types, Name>,
  ): this {
    checkEvent(name);
    return super.prependListener(name, listener as never);
  }

  /** @throws InvalidArgumentError when there is no such event */
  override prependOnceListener<Name extends keyof MonqueEventMap>(
    name: Name,
    listener: EventListener<Types, Name>,
  ): this {
    checkEvent(name);
    return super.prependOnceListener(name, listener as never);
  }

  /** Calls every listener; true when there was one. */
  override emit<Name extends keyof MonqueEventMap>(
    name: Name | keyof MonqueEventMap,
    ...payload: MonqueEventMap[keyof MonqueEventMap] | unknown[]
  ): boolean {
    if (this.listenerCount(name) === 0) {
      this.unheard(name, payload[0] as never);
      return false;
    }
    const listeners = this.rawListeners(name as never);
    const given = payload.map(ownJob);
    for (const listener of listeners) {
      const failed = (thrown: unknown): void => this.#listenerFailed(name, thrown);
      try {
        const answer: unknown = Reflect.apply(listener, this, given);
        isPromiseAside(answer, failed);
      } catch (error) {
        failed(error);
      }
    }
    return true;
  }

  /** Called with an event that nobody listens to. */
  protected unheard<Name extends keyof MonqueEventMap>(
    _name: Name,
    _payload: MonqueEventMap[Name][0],
  ): void {
    // Whoever has something to do then overrides it.
  }

  /** A listener of `job:error` that fails itself has nobody to report to. */
  #listenerFailed(name: keyof MonqueEventMap, thrown: unknown): void {
    if (name !== 'job:error') this.emit('job:error', { error: toError(thrown) });
  }
}

/** The same payload with a job of its own: what a listener does to it changes nothing for the engine. */
function ownJob(payload: unknown): unknown {
  if (typeof payload !== 'object' || payload === null || !('job' in payload)) return payload;
  return { ...payload, job: { ...Object(payload.job) } };
}
