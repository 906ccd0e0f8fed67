/**
 * Counts what happens to jobs in this process by minute and name, and adds it to what the ledger counts for all.
 *
 * What always holds: the ledger is sent at most one call a minute, and none while nothing happens; it takes bounded
 * room; and no job waits for it. What could not be added is lost, since nobody knows whether it was.
 *
 * @module
 */
import type { Detached } from '../foundation/async-context.ts';
import type { Clock } from '../foundation/clock.ts';
import type { Random } from '../foundation/random.ts';
import { ServiceLoop } from '../foundation/service-loop.ts';
import { SingleFlight } from '../foundation/single-flight.ts';
import type { JobCounts, LedgerRepository } from '../ledger/ledger-repository.ts';
import { NO_COUNTS } from '../ledger/throughput-sums.ts';
import type { Bounded } from '../ledger/verbs/call.ts';
import type { CounterName, HistogramName } from '../telemetry/metric-catalogue.ts';
import { type Labels, type Metrics, OTHER_LABEL } from '../telemetry/metrics.ts';
import type { LedgerTime } from './ledger-time.ts';

const MINUTE_MS = 60_000;

/** How many minutes of names are held until the next call; more are counted under one name. */
export const MOST_ROWS = 500;

/** How long the last call may take when a scheduler stops, in milliseconds. */
const LAST_CALL_MS = 5_000;

/** What is counted in, while it is. */
type Row = { -readonly [Field in keyof JobCounts]: number } & {
  readonly name: string;
  readonly at: Date;
};

/** What a recorder is made from. */
export interface RecorderParams {
  readonly ledger: Pick<LedgerRepository, 'addThroughput'>;
  readonly ledgerTime: Pick<LedgerTime, 'now'>;
  readonly metrics: Pick<Metrics, 'observe'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly detached: Detached;
  readonly report: (error: unknown) => void;
  /** How long the ledger keeps it, in milliseconds. */
  readonly keptMs: number;
}

/** The count of a run that ended so. */
const ENDS: Readonly<Record<string, 'completed' | 'failed' | 'retried' | 'cancelled'>> = {
  completed: 'completed',
  failed: 'failed',
  retried: 'retried',
  cancelled: 'cancelled',
};

/** Listens to the measurements of a scheduler. */
export class ThroughputRecorder {
  readonly #params: RecorderParams;
  readonly #rows = new Map<string, Row>();
  readonly #calls = new SingleFlight(() => this.#add({}));
  /** When the next call may be sent; monotonic time. */
  #dueMs: number;

  constructor(params: RecorderParams) {
    this.#params = params;
    this.#dueMs = params.clock.monotonic() + MINUTE_MS;
    params.metrics.observe(
      {
        counted: (metric, amount, labels) => this.#counted(metric, amount, labels),
        recorded: (metric, value, labels) => this.#recorded(metric, value, labels),
      },
      params.report,
    );
  }

  /** What sends the counts of a scheduler that runs, also when nothing happens any more. */
  makeLoop(): ServiceLoop {
    const { clock, random } = this.#params;
    const waitMs = (): number => Math.max(1, this.#dueMs - clock.monotonic());
    return new ServiceLoop({
      clock,
      kind: 'upkeep',
      // Instances that were started together need not write together.
      firstWaitMs: () => MINUTE_MS * random.fraction(),
      round: async () => {
        if (clock.monotonic() >= this.#dueMs) await this.#calls.run();
        return waitMs();
      },
      onFailed: waitMs,
    });
  }

  /** Sends what is left. Never rejects. */
  async finish(): Promise<void> {
    await this.#calls.idle();
    await this.#add({ deadlineMs: LAST_CALL_MS });
  }

  #counted(metric: CounterName, amount: number, { name, outcome }: Labels): void {
    if (name === undefined) return;
    if (metric === 'enqueued') this.#row(name).enqueued += amount;
    if (metric === 'settled') this.#row(name)[ENDS[outcome as string] ?? 'others'] += amount;
  }

  #recorded(metric: HistogramName, value: number, { name }: Labels): void {
    if (name === undefined) return;
    const row = this.#row(name);
    if (metric === 'waitMs') {
      row.started += 1;
      row.waitMs += value;
      row.longestWaitMs = Math.max(row.longestWaitMs, value);
    } else {
      row.ended += 1;
      row.runMs += value;
      row.longestRunMs = Math.max(row.longestRunMs, value);
    }
  }

  #row(name: string): Row {
    const { clock, ledgerTime, detached } = this.#params;
    // A process that was not started has no timer: what happens next in it sends what happened before.
    if (clock.monotonic() >= this.#dueMs) detached(() => void this.#calls.run());
    const nowMs = ledgerTime.now().getTime();
    const at = new Date(nowMs - (nowMs % MINUTE_MS));
    const key = `${at.getTime()} ${name}`;
    const known = this.#rows.get(key);
    if (known) return known;
    if (this.#rows.size >= MOST_ROWS && name !== OTHER_LABEL) return this.#row(OTHER_LABEL);
    const made = { ...NO_COUNTS, name, at };
    this.#rows.set(key, made);
    return made;
  }

  async #add(bound: Bounded): Promise<void> {
    const { ledger, clock, report, keptMs } = this.#params;
    this.#dueMs = clock.monotonic() + MINUTE_MS;
    const rows = [...this.#rows.values()];
    this.#rows.clear();
    if (rows.length === 0) return;
    try {
      await ledger.addThroughput({ rows, keptMs, ...bound });
    } catch (error) {
      report(error);
    }
  }
}
