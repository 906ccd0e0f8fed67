/**
 * Counts of all jobs, which read every job: kept for a while, and made once for all who ask at the same time.
 *
 * @module
 */
import type { QueueStats } from '@monque/core';
import { nowMs } from '../clock.ts';

const KEPT_MS = 60_000;
const MOST_KEPT = 200;

/** Counts, and when they were made. */
export interface CountedStats {
  readonly stats: QueueStats;
  readonly asOf: Date;
}

/** Counts by name; the empty text stands for all names. */
export class StatsCache {
  readonly #kept = new Map<
    string,
    { readonly atMs: number; readonly counted: Promise<CountedStats> }
  >();

  /** Those that are kept, or new ones. The caller has checked that they may be seen. */
  read(name: string, now: Date, count: () => Promise<QueueStats>): Promise<CountedStats> {
    const kept = this.#kept.get(name);
    if (kept !== undefined && nowMs() - kept.atMs < KEPT_MS) return kept.counted;
    const counted = count().then((stats) => ({ stats, asOf: now }));
    this.#kept.delete(name);
    this.#kept.set(name, { atMs: nowMs(), counted });
    counted.catch(() => this.#kept.delete(name));
    const [oldest = ''] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(oldest);
    return counted;
  }
}
