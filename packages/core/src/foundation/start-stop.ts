/**
 * Starts and stops in the order of their calls.
 *
 * What always holds: one runs at a time; calls of the same kind in a row are one; and what failed may be tried again.
 *
 * @module
 */

/** The queue of starts and stops. */
export class Turns {
  #lastCall: { readonly verb: 'start' | 'stop'; readonly done: Promise<void> } | undefined;

  /** Runs the action after what was asked for before; a second call of the kind that was last shares its promise. */
  take(verb: 'start' | 'stop', action: () => Promise<void>): Promise<void> {
    if (this.#lastCall?.verb === verb) return this.#lastCall.done;
    const before = this.#lastCall?.done.catch(() => undefined) ?? Promise.resolve();
    const call = { verb, done: before.then(action) };
    this.#lastCall = call;
    call.done.catch(() => {
      if (this.#lastCall === call) this.#lastCall = undefined;
    });
    return call.done;
  }
}
