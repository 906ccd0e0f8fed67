/**
 * The events, and an emitter that no listener can harm.
 *
 * @module
 */
import { EventEmitter } from 'node:events';
import { toError } from './errors.ts';
import type { Job } from './job.ts';

/** Each event with its payload. Every event concerns only what this instance did itself. */
export interface MonqueEventMap {
  /** A handler is about to be called. The claim is written; nothing else is yet. */
  'job:start': [payload: { readonly job: Job }];
  /** A handler succeeded and that is recorded in the ledger. `duration` is the handler's, in milliseconds. */
  'job:complete': [payload: { readonly job: Job; readonly duration: number }];
  /**
   * A handler failed and that is recorded in the ledger: with a retry at `job.nextRunAt` when `willRetry`, else as
   * failed for good.
   */
  'job:fail': [payload: { readonly job: Job; readonly error: Error; readonly willRetry: boolean }];
  /** A job ended as cancelled, and that is recorded in the ledger. */
  'job:cancelled': [payload: { readonly job: Job }];
  /**
   * The end of a run could not be recorded: the claim was taken away since this instance seemed dead (`fenced`), or
   * the job went on so far that it cannot be told whether an earlier try was recorded (`unknown`).
   */
  'job:lost': [payload: { readonly job: Job; readonly reason: 'fenced' | 'unknown' }];
  /**
   * Something went wrong outside of a handler: the ledger did not answer, a listener threw, handlers did not end
   * before `shutdownTimeout`. Work goes on as soon as it can. Fires when it is found out.
   */
  'job:error': [payload: { readonly error: Error; readonly job?: Job }];
}

/** Hands an event to its listeners. */
export type Emit = <Name extends keyof MonqueEventMap>(
  name: Name,
  payload: MonqueEventMap[Name][0],
) => void;

/**
 * An EventEmitter whose listeners cannot hurt a job or each other: what one throws, or rejects with, is told as
 * `job:error`, and the others are called all the same.
 */
export class MonqueEmitter extends EventEmitter<MonqueEventMap> {
  /** Calls every listener; true when there was one. */
  override emit<Name extends keyof MonqueEventMap>(
    name: Name | keyof MonqueEventMap,
    ...payload: MonqueEventMap[keyof MonqueEventMap] | unknown[]
  ): boolean {
    const listeners = this.rawListeners(name as never);
    for (const listener of listeners) {
      const failed = (thrown: unknown): void => this.#listenerFailed(name, thrown);
      try {
        const answer: unknown = Reflect.apply(listener, this, payload);
        if (answer instanceof Promise) answer.catch(failed);
      } catch (error) {
        failed(error);
      }
    }
    return listeners.length > 0;
  }

  /** A listener of `job:error` that fails itself has nobody to tell. */
  #listenerFailed(name: keyof MonqueEventMap, thrown: unknown): void {
    if (name !== 'job:error') this.emit('job:error', { error: toError(thrown) });
  }
}
