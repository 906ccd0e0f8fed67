/** The rules of the protocol that a test can switch off, one by one, to see that it is needed. */
export interface Guards {
  /** A settle filters on the claim token. */
  readonly settleToken: boolean;
  /** A claim filters on `status: 'pending'` when it writes. */
  readonly claimStatus: boolean;
  /** A claim filters on `nextRunAt <= now` when it writes. */
  readonly claimDue: boolean;
  /** A claim with an unknown outcome is read by its token and never sent again. */
  readonly claimOnce: boolean;
  /** A lease is marked dead only if its counter is still the one that was judged. */
  readonly leaseCas: boolean;
  /** A failed or late read starts an observer's count again. */
  readonly observerGaps: boolean;
  /** Claims under my id that I neither hold nor await are released. */
  readonly reconcile: boolean;
  /** Reconciling reads the ledger first and the memory second. */
  readonly reconcileReadOrder: boolean;
  /** Whatever makes a claimed job pending leaves out jobs that were asked to cancel. */
  readonly cancelExclusion: boolean;
  /** An enqueue with an unknown outcome is sent again with the same ids. */
  readonly sameIdResend: boolean;
  /** A rescue round reads the `claimedBy` values first and the leases second. */
  readonly rescueReadOrder: boolean;
  /** A rescue leaves `lastToken` alone, so that it always names a claim its holder settled. */
  readonly rescueLastToken: boolean;
  /** Past the deadline of its lease an instance sends no claim and starts no handler. */
  readonly holderDeadline: boolean;
  /** The holder's deadline also counts wall time: a suspended machine stops the monotonic clock. */
  readonly holderWallTime: boolean;
  /** A handler starts only under the lease its job was claimed with, not under a newer one. */
  readonly claimLease: boolean;
  /** A finished outcome is sent again until it is answered cleanly. */
  readonly settleResend: boolean;
}

export const ALL_GUARDS: Guards = Object.freeze({
  settleToken: true,
  claimStatus: true,
  claimDue: true,
  claimOnce: true,
  leaseCas: true,
  observerGaps: true,
  reconcile: true,
  reconcileReadOrder: true,
  cancelExclusion: true,
  sameIdResend: true,
  rescueReadOrder: true,
  rescueLastToken: true,
  holderDeadline: true,
  holderWallTime: true,
  claimLease: true,
  settleResend: true,
});

/** Times in virtual milliseconds; the proportions are the design's, the scale is not. */
export const TIMES: {
  readonly leaseMs: number;
  readonly leaseMarginMs: number;
  readonly renewEveryMs: number;
  /** Shorter than the largest gap an observer accepts, or no count would ever get through. */
  readonly rescueEveryMs: number;
  readonly observerGapMs: number;
  readonly operationDeadlineMs: number;
  /** What an operation takes at most each way while nothing is wrong. */
  readonly operationUsualMs: number;
  readonly pollMs: number;
  readonly backoffMs: number;
  readonly clockSkewMs: number;
  /** How long faults happen, and how long everything may take to come to its end afterwards. */
  readonly faultyMs: number;
  readonly drainMs: number;
} = Object.freeze({
  leaseMs: 3000,
  leaseMarginMs: 300,
  renewEveryMs: 1000,
  rescueEveryMs: 500,
  observerGapMs: 1000,
  operationDeadlineMs: 500,
  operationUsualMs: 15,
  pollMs: 120,
  backoffMs: 200,
  clockSkewMs: 5,
  faultyMs: 18_000,
  drainMs: 120_000,
});

export const LIMITS: {
  readonly maxRetries: number;
  readonly rescueLimit: number;
  readonly concurrency: number;
  readonly prefetch: number;
  readonly enqueueAttempts: number;
} = Object.freeze({
  maxRetries: 3,
  rescueLimit: 3,
  concurrency: 3,
  prefetch: 2,
  enqueueAttempts: 6,
});
