/**
 * Runs an action once at a time, whoever asks for it how often.
 *
 * What always holds: two runs never overlap; who asks while one is under way shares it; and who asks for a run again gets
 * one that begins after the call, many such calls together one.
 *
 * @module
 */

/** One action, and whether it is under way. */
export class SingleFlight {
  readonly #action: () => Promise<void>;
  #flight: Promise<void> | undefined;
  #isWantedAgain = false;

  constructor(action: () => Promise<void>) {
    this.#action = action;
  }

  /** True while a run is under way. */
  get isUnderWay(): boolean {
    return this.#flight !== undefined;
  }

  /** Runs the action, or shares the run that is under way; rejects as that does. */
  run(): Promise<void> {
    this.#flight ??= this.#action().finally(() => {
      this.#flight = undefined;
      if (!this.#isWantedAgain) return;
      this.#isWantedAgain = false;
      void this.run();
    });
    return this.#flight;
  }

  /** Runs the action, once more behind a run that is under way. For actions that never reject. */
  runAgain(): void {
    this.#isWantedAgain = this.isUnderWay;
    void this.run();
  }

  /** Resolves when no run is under way, however it ended; a run again that was asked for is called off. */
  async idle(): Promise<void> {
    this.#isWantedAgain = false;
    await Promise.allSettled([this.#flight]);
  }
}
