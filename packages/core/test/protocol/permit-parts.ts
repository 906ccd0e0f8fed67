/** What the model of limits is made of: the rules that may be left out, instances, and what they send. */

/** The rules of the protocol; each may be left out, to see what it is for. */
export interface PermitRules {
  /** A share grows by no more than what is free. */
  readonly boundByFree: boolean;
  /** A call for a share counts only when it is newer than the last one of its instance. */
  readonly numbered: boolean;
  /** Who holds a share gives it back; nobody else cuts it, not even a lower limit. */
  readonly neverCut: boolean;
  /** Nobody asks for less than he uses. */
  readonly coversUse: boolean;
  /** What is given back is not used from when it is asked for. */
  readonly goneAtOnce: boolean;
  /** After an outcome that is not known only what is used counts. */
  readonly doubts: boolean;
  /** After such an outcome the share is written again; what is read may still change. */
  readonly writesAgain: boolean;
  /** A claim without an answer counts as used. */
  readonly unansweredCounts: boolean;
  /** A job counts as used until its end is recorded. */
  readonly usedUntilRecorded: boolean;
  /** The share of a dead instance comes back only when nothing is claimed under its id. */
  readonly rescuedFirst: boolean;
  /** Nobody claims while more is given out than the limit allows. */
  readonly excessWaits: boolean;
  /** Nobody claims on old knowledge of the limit. */
  readonly oldIsNothing: boolean;
  /** A start of a rate is used once. */
  readonly usedOnce: boolean;
  /** Starts that are not used soon are void. */
  readonly unusedIsVoid: boolean;
}

/** The protocol as it is. */
export const ALL_RULES: PermitRules = {
  boundByFree: true,
  numbered: true,
  neverCut: true,
  coversUse: true,
  goneAtOnce: true,
  doubts: true,
  writesAgain: true,
  unansweredCounts: true,
  usedUntilRecorded: true,
  rescuedFirst: true,
  excessWaits: true,
  oldIsNothing: true,
  usedOnce: true,
  unusedIsVoid: true,
};

/** What a run can show to be wrong. */
export type PermitFault = 'over the limit' | 'over its share' | 'too many starts' | 'stuck';

/** A job that is claimed. */
export interface ModelClaim {
  readonly owner: ModelInstance;
  /** Nobody runs it: it came when its owner was dead, or had given it up. */
  readonly isLate: boolean;
}

/** An instance, with what it believes. */
export interface ModelInstance {
  isAlive: boolean;
  isDead: boolean;
  seq: number;
  share: number;
  isDoubted: boolean;
  starts: number;
  startsAt: number;
  readAt: number;
  known: { readonly concurrency: number; readonly total: number };
  /** Jobs that it knows to hold. */
  readonly jobs: Set<ModelClaim>;
  /** Jobs that have ended, and whose end is not recorded. */
  readonly ended: Set<ModelClaim>;
  asking: ShareCall | undefined;
  claiming: ClaimCall | undefined;
  /** Its call was given up, and what came of it is not read yet. */
  unread: ClaimCall | undefined;
}

interface Call {
  readonly from: ModelInstance;
  state: 'sent' | 'answered';
  isGivenUp: boolean;
}

/** A call for a share, and its answer once it came to the ledger. */
export interface ShareCall extends Call {
  readonly kind: 'share';
  readonly seq: number;
  readonly count: number;
  readonly starts: number;
  readonly sentAt: number;
  answer?: { readonly count: number; readonly starts: number; readonly isTaken: boolean };
  learned?: ModelInstance['known'];
}

/** A claim, with what it won. */
export interface ClaimCall extends Call {
  readonly kind: 'claim';
  readonly size: number;
  readonly sentAt: number;
  won: readonly ModelClaim[];
}

/** One that holds nothing. */
export function newInstance(): ModelInstance {
  return {
    ...{ isAlive: true, isDead: false, seq: 0, share: 0, isDoubted: false },
    ...{ starts: 0, startsAt: 0, readAt: Number.NEGATIVE_INFINITY },
    known: { concurrency: 0, total: 0 },
    ...{ jobs: new Set(), ended: new Set() },
    ...{ asking: undefined, claiming: undefined, unread: undefined },
  };
}
