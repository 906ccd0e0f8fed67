/**
 * Transactions of a test scheduler: what is written in one is held back until it commits.
 *
 * @module
 */
import type { Session } from '../foundation/driver-shapes.ts';
import { UnsupportedError } from '../foundation/errors.ts';
import type { LedgerTransactions, MarkParams } from '../ledger/ledger-repository.ts';
import { StandInSession } from './test-session.ts';

/** The stand-in behind a session. Undefined for no session, and for one that nothing is known of. */
export function standInOf(session: Session | undefined): StandInSession | undefined {
  return session instanceof StandInSession ? session : undefined;
}

/** Transactions with sessions that stand in for those of the driver. */
export class TestTransactions implements LedgerTransactions {
  readonly #marks = new Set<string>();
  readonly #held = new WeakMap<StandInSession, Set<string>>();

  run<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return new StandInSession().withTransaction(work);
  }

  async setMark({ session, kind, name, id }: MarkParams): Promise<boolean> {
    const standIn = checkedStandIn(session);
    const mark = JSON.stringify([kind, name, id]);
    const held = this.#heldOf(standIn);
    if (this.#marks.has(mark) || held.has(mark)) return false;
    held.add(mark);
    standIn.hold(async () => this.#marks.add(mark));
    return true;
  }

  /** Transactions here do not conflict. */
  async countAtMark({ session }: MarkParams): Promise<void> {
    checkedStandIn(session);
  }

  /** A session may be used for one transaction after the other. */
  #heldOf(standIn: StandInSession): Set<string> {
    const held = standIn.isEmpty ? undefined : this.#held.get(standIn);
    if (held !== undefined) return held;
    const none = new Set<string>();
    this.#held.set(standIn, none);
    return none;
  }
}

function checkedStandIn(session: Session): StandInSession {
  const standIn = standInOf(session);
  if (standIn !== undefined) return standIn;
  throw new UnsupportedError('A test scheduler takes sessions of makeTestSession() alone');
}
