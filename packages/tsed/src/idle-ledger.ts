/**
 * The ledger of a scheduler that is disabled or not configured: whatever needs it is refused, so that no job is lost
 * in a process that seems to keep jobs.
 *
 * @module
 */
import { InMemoryLedgerRepository, MonqueError } from '@monque/core';

/** Refuses to be opened, and so every verb. */
export class IdleLedger extends InMemoryLedgerRepository {
  readonly #reason: string;

  /** @param reason - why, as the end of the sentence "Monque does nothing, since ..." */
  constructor(reason: string) {
    super();
    this.#reason = reason;
  }

  protected override async performOpen(): Promise<void> {
    throw new MonqueError('IDLE', `Monque does nothing, since ${this.#reason}`);
  }
}
