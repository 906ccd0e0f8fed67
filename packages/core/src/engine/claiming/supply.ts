/**
 * How many jobs the last rounds brought: whether hints of more are worth what they cost.
 *
 * @module
 */

/**
 * `backlogged`: many jobs came fast, with more to come. `steady`: many keep coming, though each look takes all there are.
 * `scarce`: neither.
 */
export type Supply = 'scarce' | 'steady' | 'backlogged';

/** Won within {@link BACKLOG_WINDOW_MS}, with more to come, so many jobs make a backlog at once. */
const BACKLOG_JOBS = 1_000;

/**
 * And so many where there was more to come for the whole of it, until there are fewer than half. Many processes at one
 * queue win few jobs each, and the stream of each is woken by those of all.
 */
const LASTING_BACKLOG_JOBS = 100;
const BACKLOG_WINDOW_MS = 1_000;

/** From so many jobs a second on they come steadily, and until there are fewer than half. */
const STEADY_JOBS_A_SECOND = 500;
const STEADY_WINDOW_MS = 500;

/** After so long without a job they no longer come, in milliseconds. */
const DRY_MS = 100;

/** Learns from each round. */
export class SupplyGauge {
  #backlog: { sinceMs: number; jobs: number; isFast: boolean } | undefined;
  readonly #stream = { sinceMs: 0, jobs: 0, lastMs: 0, isSteady: false };

  /** What there is after a round that brought so many jobs; `isSaturated` as in a report of the round. */
  note(jobs: number, isSaturated: boolean | undefined, nowMs: number): Supply {
    const isSteady = this.#isSteady(jobs, nowMs);
    if (this.#isBacklogged(jobs, isSaturated, nowMs)) return 'backlogged';
    return isSteady ? 'steady' : 'scarce';
  }

  /** True from the moment at which many jobs came fast, until there are no more or they come slowly. */
  #isBacklogged(jobs: number, isSaturated: boolean | undefined, nowMs: number): boolean {
    if (isSaturated === false) {
      this.#backlog = undefined;
      return false;
    }
    const backlog = this.#backlog ?? { sinceMs: nowMs, jobs: 0, isFast: false };
    this.#backlog = backlog;
    backlog.jobs += jobs;
    const tookMs = nowMs - backlog.sinceMs;
    if (backlog.jobs >= BACKLOG_JOBS) backlog.isFast = true;
    if (tookMs > BACKLOG_WINDOW_MS) {
      const least = LASTING_BACKLOG_JOBS / (backlog.isFast ? 2 : 1);
      backlog.isFast = backlog.jobs >= (least * tookMs) / BACKLOG_WINDOW_MS;
      Object.assign(backlog, { sinceMs: nowMs, jobs: 0 });
    }
    return backlog.isFast;
  }

  #isSteady(jobs: number, nowMs: number): boolean {
    const stream = this.#stream;
    stream.jobs += jobs;
    if (jobs > 0) stream.lastMs = nowMs;
    const tookMs = nowMs - stream.sinceMs;
    if (tookMs >= STEADY_WINDOW_MS) {
      const least = STEADY_JOBS_A_SECOND / (stream.isSteady ? 2 : 1);
      stream.isSteady = stream.jobs >= (least * tookMs) / 1_000;
      Object.assign(stream, { sinceMs: nowMs, jobs: 0 });
    }
    if (nowMs - stream.lastMs > DRY_MS) stream.isSteady = false;
    return stream.isSteady;
  }
}
