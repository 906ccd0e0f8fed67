/**
 * What a simulated ledger is given, and what it answers to who wants hints.
 */
import type { Clock } from '../../src/foundation/clock.ts';
import type { LedgerWatch } from '../../src/ledger/ledger-repository.ts';
import type { Observer } from './observer.ts';
import type { World } from './world.ts';

/** What is answered to who wants to watch a ledger that gives no hints. */
export const NO_HINTS: LedgerWatch = Object.freeze({
  unsupported: 'it is simulated without',
  close: async () => undefined,
});

/** What a stepped ledger is given. */
export interface SteppedLedgerParams {
  readonly world: World;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly canHint: boolean;
  /** Waits between two commands. */
  readonly letOthersIn: () => Promise<void>;
  /** Takes that many of the items, by chance. */
  readonly sample: <T>(items: readonly T[], count: number) => readonly T[];
}
