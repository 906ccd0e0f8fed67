/**
 * What a migration did, in numbers, and what it left where it was.
 *
 * What always holds: the documents that were read are those that were stored, now or before, and those that were left.
 *
 * @module
 */

/** As what a job was stored. */
export type StoredKind = 'pending' | 'series' | 'completed' | 'failed' | 'cancelled';

/** Why a document was left. */
export type LeftReason =
  /** It is finished, and finished jobs were not asked for. */
  | 'finished'
  /** A worker had taken it, and such jobs were not asked for. */
  | 'locked'
  /** Somebody had switched it off; Monque pauses names, not single jobs. */
  | 'disabled'
  /** It has no time at which it would run. */
  | 'neverDue'
  /** Its plan is neither a cron expression nor an interval that can be read. */
  | 'interval'
  /** The document is none of that queue's jobs, or of a form that is not known. */
  | 'shape'
  /** Its name, data, key or plan is not one that Monque takes. */
  | 'invalid'
  /** Another job of its name holds its unique key, or the key of its series. */
  | 'keyTaken'
  /** Another job has its id. */
  | 'idTaken'
  /** MongoDB did not take it. */
  | 'refused';

/** What is different about a job that was stored. */
export type MigrationNote =
  /** A worker had taken it and never recorded how it ended, so it will run again. */
  | 'interrupted'
  /** Its priority was rounded, or is the nearest that there is. */
  | 'priorityBounded'
  /** Its cron expression had no time zone; the one of the options was taken. */
  | 'timezoneAssumed';

/** A document that was left. */
export interface LeftJob {
  /** The `_id` of the document. */
  readonly id: unknown;
  /** The name of the job, where it has one. */
  readonly name: unknown;
  readonly reason: LeftReason;
  /** What was expected and what was found. */
  readonly detail: string;
}

/** What a migration did. */
export interface MigrationReport {
  /** True when nothing was written: `stored` says what would be. */
  readonly dryRun: boolean;
  /** Documents read from the source. */
  readonly read: number;
  /** Jobs stored by this run, by what they became. */
  readonly stored: Readonly<Record<StoredKind, number>>;
  /** Documents whose jobs an earlier run stored. */
  readonly storedBefore: number;
  /** Documents that were left, by reason; reasons without any are absent. */
  readonly left: Readonly<Partial<Record<LeftReason, number>>>;
  /** What is different about stored jobs; one job may count in several. */
  readonly notes: Readonly<Partial<Record<MigrationNote, number>>>;
}

/** Counts while the migration goes on. */
export class ReportCounter {
  readonly #dryRun: boolean;
  readonly #onLeft: (job: LeftJob) => void;
  readonly #stored = { pending: 0, series: 0, completed: 0, failed: 0, cancelled: 0 };
  readonly #left = new Map<LeftReason, number>();
  readonly #notes = new Map<MigrationNote, number>();
  #read = 0;
  #storedBefore = 0;

  /** @param onLeft - called with every document that is left */
  constructor(dryRun: boolean, onLeft: (job: LeftJob) => void) {
    this.#dryRun = dryRun;
    this.#onLeft = onLeft;
  }

  countRead(): void {
    this.#read += 1;
  }

  countStored(kind: StoredKind, notes: readonly MigrationNote[]): void {
    this.#stored[kind] += 1;
    for (const note of notes) increase(this.#notes, note);
  }

  countStoredBefore(): void {
    this.#storedBefore += 1;
  }

  countLeft(job: LeftJob): void {
    increase(this.#left, job.reason);
    this.#onLeft(job);
  }

  report(): MigrationReport {
    return {
      dryRun: this.#dryRun,
      read: this.#read,
      stored: { ...this.#stored },
      storedBefore: this.#storedBefore,
      left: Object.fromEntries(this.#left),
      notes: Object.fromEntries(this.#notes),
    };
  }
}

function increase<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
