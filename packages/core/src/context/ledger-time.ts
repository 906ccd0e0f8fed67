/**
 * The ledger's time as this process knows it. All due times and stamps refer to the ledger's clock, so that processes
 * whose own clocks differ agree on what is due.
 *
 * What always holds: no time is given before the first sample; and between two samples the time moves with the monotonic clock, whatever the wall clock does.
 *
 * @module
 */
import type { Clock } from '../foundation/clock.ts';
import { assert } from '../foundation/errors.ts';
import { SingleFlight } from '../foundation/single-flight.ts';
import type { LedgerRepository } from '../ledger/ledger-repository.ts';

const SAMPLES = 3;
const RESAMPLE_AFTER_MS = 600_000;
const LARGEST_DRIFT_MS = 500;
const RETRY_AFTER_MS = 1_000;

/** An estimate of the ledger's clock, held against the monotonic clock. */
export class LedgerTime {
  readonly #ledger: LedgerRepository;
  readonly #clock: Clock;
  readonly #report: (error: unknown) => void;
  #offsetMs = 0;
  #sampledAtMs = Number.NEGATIVE_INFINITY;
  #wallLeadMs = 0;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  readonly #samples = new SingleFlight(() => this.#takeSamples());

  /** @param report - called with samples that failed in the background */
  constructor(ledger: LedgerRepository, clock: Clock, report: (error: unknown) => void) {
    this.#ledger = ledger;
    this.#clock = clock;
    this.#report = report;
  }

  /** Samples once; later calls do nothing. */
  async ensureSampled(): Promise<void> {
    if (this.#sampledAtMs === Number.NEGATIVE_INFINITY) await this.sample();
  }

  /** Asks the ledger for its time and keeps the sample with the shortest way. Shared by concurrent callers. */
  sample(): Promise<void> {
    return this.#samples.run();
  }

  /** Samples when a sample that is under way, which may be of another clock, is over. */
  async sampleAgain(): Promise<void> {
    await this.#samples.idle();
    await this.sample();
  }

  /** Resolves when no sample is under way. */
  idle(): Promise<void> {
    return this.#samples.idle();
  }

  /** The ledger's time now. Samples again in the background when the last sample has become doubtful. */
  now(): Date {
    const isSampled = this.#sampledAtMs !== Number.NEGATIVE_INFINITY;
    assert(isSampled, 'the time of the ledger is asked for before it is known');
    const monotonicMs = this.#clock.monotonic();
    if (this.#isDoubtful(monotonicMs)) this.#sampleInBackground(monotonicMs);
    return new Date(Math.round(monotonicMs + this.#offsetMs));
  }

  /** How far the wall clock of this process is from the ledger's time, in milliseconds, whichever is ahead. */
  get clockErrorMs(): number {
    if (this.#sampledAtMs === Number.NEGATIVE_INFINITY) return 0;
    return Math.abs(this.#clock.now() - this.#clock.monotonic() - this.#offsetMs);
  }

  /** A wall clock that moved against the monotonic one means a step of the clock, or a suspended machine. */
  #isDoubtful(monotonicMs: number): boolean {
    const driftMs = Math.abs(this.#clock.now() - monotonicMs - this.#wallLeadMs);
    return driftMs > LARGEST_DRIFT_MS || monotonicMs - this.#sampledAtMs > RESAMPLE_AFTER_MS;
  }

  #sampleInBackground(monotonicMs: number): void {
    if (this.#samples.isUnderWay || monotonicMs < this.#notBeforeMs) return;
    this.#notBeforeMs = monotonicMs + RETRY_AFTER_MS;
    this.sample().catch(this.#report);
  }

  async #takeSamples(): Promise<void> {
    let shortestMs = Number.POSITIVE_INFINITY;
    let offsetMs = 0;
    // Held against the clocks as they are now: if the wall time moves meanwhile, the samples are doubtful too.
    const wallLeadMs = this.#clock.now() - this.#clock.monotonic();
    for (let count = 0; count < SAMPLES; count += 1) {
      const sentMs = this.#clock.monotonic();
      const ledgerTime = await this.#ledger.readTime();
      const tookMs = this.#clock.monotonic() - sentMs;
      if (tookMs >= shortestMs) continue;
      shortestMs = tookMs;
      offsetMs = ledgerTime.getTime() - (sentMs + tookMs / 2);
    }
    this.#offsetMs = offsetMs;
    this.#sampledAtMs = this.#clock.monotonic();
    this.#wallLeadMs = wallLeadMs;
  }
}
