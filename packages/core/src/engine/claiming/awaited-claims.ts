/**
 * The claims of this process whose jobs it does not hold yet: their answer is not known, or they are about to be handed
 * over. Reconciliation leaves them alone.
 *
 * @module
 */

/** Tokens of claims, from before each is sent until its jobs are handed over. */
export class AwaitedClaims {
  readonly #tokens = new Set<string>();
  #won = 0;

  /** A claim is about to be sent under this token. */
  begin(claimToken: string): void {
    this.#tokens.add(claimToken);
  }

  /** Its jobs were handed over, or nothing can come of it here any more. */
  end(claimToken: string): void {
    this.#tokens.delete(claimToken);
  }

  /** A claim may have won a job. */
  mayHaveWon(): void {
    this.#won += 1;
  }

  /** True while the answer of this claim is not known, or its jobs are not handed over. */
  has(claimToken: string): boolean {
    return this.#tokens.has(claimToken);
  }

  /** True while that holds of some claim. */
  get isAny(): boolean {
    return this.#tokens.size > 0;
  }

  /** Grows with every claim that may have won a job. */
  get won(): number {
    return this.#won;
  }
}
