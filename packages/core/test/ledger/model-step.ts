/** The steps that are taken on ledgers and on the model, and what is shown of a job. */

/** The verbs with which the holder of a claim ends it. */
export const SETTLE_VERBS = [
  'complete',
  'repeat',
  'repeatAfterFailure',
  'retry',
  'snooze',
  'block',
  'release',
  'fail',
  'discard',
  'cancelled',
  'cancelByHandler',
] as const;

/** The stages of a job, in their order. */
export const STAGES = ['a', 'b', 'c'] as const;

/** What gates are opened on. */
export const EVIDENCE = { checked: true };

/** The verbs whose settlements state the recorded stages. */
export const STAGED_VERBS: readonly string[] = ['complete', 'repeat', 'block'];

export type SettleVerb = (typeof SETTLE_VERBS)[number];

/** How a job holds its key; the job of a series runs each full second. */
export type Hold = 'done' | 'started' | 'window' | 'series';

export interface JobSpec {
  readonly name: string;
  readonly priority: number;
  readonly delayMs: number;
  readonly key: string | null;
  readonly hold: Hold;
  /** When a series ends, from its creation; null for never. */
  readonly endsAfterMs: number | null;
}

/** One call. Jobs and claims are named by a number, which counts from the first and starts again at the end. */
export type Step =
  | { readonly kind: 'tick'; readonly ms: number }
  | { readonly kind: 'enqueue'; readonly jobs: readonly JobSpec[] }
  | { readonly kind: 'resend' | 'cancel' | 'remove' | 'getJob'; readonly job: number }
  | {
      readonly kind: 'claim';
      readonly instance: string;
      readonly name: string;
      readonly limit: number;
      readonly suspects: boolean;
      /** How many go first of those that have been due for so long; null when none do, as with suspects. */
      readonly overdue: { readonly agoMs: number; readonly most: number } | null;
    }
  | {
      readonly kind: 'settle';
      readonly claims: readonly number[];
      readonly verb: SettleVerb;
      readonly lastFailCount: number;
      readonly delayMs: number;
      readonly result: string | null;
      readonly progress: number | null;
      /** How many stages are recorded, as the caller believes; null when it says nothing of them. */
      readonly stagesBefore: number | null;
      /** For block: the gate, and how long the job waits there; null for ever. */
      readonly gate: string;
      readonly waitMs: number | null;
      /** Works with the plan as it is now, instead of as it was claimed. */
      readonly isReread: boolean;
    }
  | {
      readonly kind: 'checkpoint';
      readonly claim: number;
      readonly stage: number;
      readonly before: number;
      readonly gates: readonly string[];
    }
  | { readonly kind: 'openGate'; readonly job: number; readonly gate: string }
  | { readonly kind: 'expireGates' }
  | { readonly kind: 'note'; readonly claim: number; readonly progress: number }
  | { readonly kind: 'redrive'; readonly job: number; readonly delayMs: number }
  | {
      readonly kind: 'amend';
      readonly job: number;
      readonly delayMs: number | null;
      readonly priority: number | null;
    }
  | {
      readonly kind: 'replan';
      readonly job: number;
      readonly isStale: boolean;
      readonly delayMs: number | null;
      readonly endsAfterMs: number | null;
    }
  | { readonly kind: 'endSeries'; readonly job: number; readonly isStale: boolean }
  | { readonly kind: 'findSeries'; readonly name: string | null }
  | {
      readonly kind: 'listJobs';
      readonly orderBy: '_id' | 'nextRunAt' | 'updatedAt';
      readonly isDescending: boolean;
      readonly status: JobView['status'] | null;
      readonly skip: number;
      readonly limit: number;
    }
  | { readonly kind: 'prune'; readonly ageMs: number }
  | { readonly kind: 'setPaused'; readonly name: string; readonly paused: boolean }
  | { readonly kind: 'readPaused' | 'readStats' | 'readLeases' }
  | { readonly kind: 'rescue'; readonly instance: string; readonly rescueLimit: number }
  | {
      readonly kind: 'openLease' | 'renewLease' | 'endLease' | 'removeLease' | 'readClaims';
      readonly instance: string;
    }
  | { readonly kind: 'declareDead'; readonly instance: string; readonly isStale: boolean }
  | { readonly kind: 'nextDue'; readonly name: string; readonly withinMs: number }
  | { readonly kind: 'findClaimants'; readonly except: string };

/** The step of a kind. */
export type StepOf<K extends Step['kind']> = Extract<Step, { readonly kind: K }>;

/** What a ledger shows of a job; times in milliseconds from the start. */
export interface JobView {
  status: 'pending' | 'processing' | 'blocked' | 'completed' | 'failed' | 'cancelled';
  readonly name: string;
  priority: number;
  dueMs: number;
  fence: number;
  failCount: number;
  failReason?: string;
  rescueCount: number;
  updatedMs: number;
  token?: string;
  instance?: string;
  lastToken?: string;
  startedMs?: number;
  askedMs?: number;
  finishedMs?: number;
  readonly key?: string;
  readonly hold?: Hold;
  uniqueLock?: string;
  startLock?: string;
  windowLock?: string;
  windowEndMs?: number;
  /** True while the series goes on. */
  repeats: boolean;
  version?: number;
  scheduledMs?: number;
  seriesEndMs?: number;
  result?: string;
  /** The recorded stages, with their times. */
  stages: readonly (readonly [name: string, ms: number])[];
  /** The gates that were opened. */
  gates: readonly string[];
  blockedBy?: string;
  blockedMs?: number;
  blockedUntilMs?: number;
  progress?: number;
  /** The verbs in the history. */
  history: readonly string[];
}

/** The item that a number names; undefined when there are none. */
export function pick<T>(items: readonly T[], number: number): T | undefined {
  return items[number % Math.max(items.length, 1)];
}

/** Of several numbers the claims they name, of each job the first. */
export function pickClaims<C extends { readonly job: number }>(
  claims: readonly C[],
  numbers: readonly number[],
): C[] {
  const picked = new Map<number, C>();
  for (const claim of numbers.flatMap((number) => pick(claims, number) ?? [])) {
    if (!picked.has(claim.job)) picked.set(claim.job, claim);
  }
  return [...picked.values()];
}
