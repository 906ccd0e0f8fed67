/**
 * What happened by minute, in memory.
 *
 * @module
 */
import type { Clock } from '../../../foundation/clock.ts';
import type {
  AddThroughputParams,
  NamedCounts,
  ReadThroughputParams,
  ThroughputPoint,
  ThroughputVerbs,
} from '../../ledger-repository.ts';
import { addCounts, NO_COUNTS, sumThroughput } from '../../throughput-sums.ts';

/** So many minutes of names are kept; of more the oldest leave. */
export const MOST_MINUTES = 20_000;

/** Keeps the minutes of each name. */
export class MemoryThroughput implements ThroughputVerbs {
  readonly #rows = new Map<string, { readonly counts: NamedCounts; readonly expiresMs: number }>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async addThroughput({ rows, keptMs }: AddThroughputParams): Promise<void> {
    for (const { name, at, ...counts } of rows) {
      const key = `${at.getTime()} ${name}`;
      const sum = addCounts(this.#rows.get(key)?.counts ?? NO_COUNTS, counts);
      const kept = { ...sum, name, at: new Date(at) };
      this.#rows.set(key, { counts: kept, expiresMs: at.getTime() + keptMs });
    }
    this.#forget();
  }

  async readThroughput(params: ReadThroughputParams): Promise<readonly ThroughputPoint[]> {
    return sumThroughput(
      [...this.#rows.values()].map(({ counts }) => counts),
      params,
    );
  }

  #forget(): void {
    const nowMs = this.#clock.now();
    for (const [key, { expiresMs }] of this.#rows) {
      if (expiresMs <= nowMs || this.#rows.size > MOST_MINUTES) this.#rows.delete(key);
    }
  }
}
