/**
 * Enqueues and works in one process: first as fast as it goes with a fixed number of jobs under way, which gives the
 * capacity, then at shares of it, with the times at which jobs are to be sent fixed in advance. Latency counts from
 * those times, so a system that falls behind cannot hide it.
 *
 * @module
 */
import { type JobData, jobData, type System } from '../adapter.ts';
import { percentile } from '../statistics.ts';
import { param, type Role } from './role.ts';

const UNDER_WAY = 500;
const LONGEST_WARM_UP_MS = 5_000;
const SEND_EVERY_MS = 1;
const CATCH_UP_MS = 5_000;

/** `durationMs` for each phase; figures for 50 % and 80 %. */
export const steady: Role = async ({ open, place, params }) => {
  const durationMs = param(params, 'durationMs');
  const system = await open(place);
  const load = new Load(system);
  await system.work({ started: (data) => load.started(data), recorded: () => {} });
  const capacity = await load.runClosed(durationMs);
  const result: Record<string, number> = { capacity };
  for (const percent of capacity > 0 ? [50, 80] : []) {
    const latenciesMs = await load.runOpen((capacity * percent) / 100, durationMs);
    for (const [name, share] of [
      ['p50', 0.5],
      ['p95', 0.95],
      ['p99', 0.99],
    ] as const) {
      result[`${name}At${percent}Ms`] = percentile(latenciesMs, share);
    }
  }
  await system.close();
  return result;
};

class Load {
  readonly #system: System;
  #next = 0;
  #startedCount = 0;
  #failure: unknown;
  /** When the jobs under way were to be sent. */
  readonly #dueMs = new Map<number, number>();
  #latenciesMs: number[] = [];
  #onStarted: (() => void) | undefined;

  constructor(system: System) {
    this.#system = system;
  }

  started({ index }: JobData): void {
    const dueMs = this.#dueMs.get(index);
    if (dueMs === undefined) return;
    this.#dueMs.delete(index);
    this.#startedCount += 1;
    this.#latenciesMs.push(performance.now() - dueMs);
    this.#onStarted?.();
  }

  /** Jobs a second with a fixed number under way, once as many have started. */
  async runClosed(durationMs: number): Promise<number> {
    this.#onStarted = () => this.#send(performance.now());
    for (let sent = 0; sent < UNDER_WAY; sent += 1) this.#send(performance.now());
    const warmUntilMs = performance.now() + LONGEST_WARM_UP_MS;
    while (this.#startedCount < UNDER_WAY && performance.now() < warmUntilMs) await pause(5);
    const startedMs = performance.now();
    const before = this.#startedCount;
    await pause(durationMs);
    const rate = ((this.#startedCount - before) / (performance.now() - startedMs)) * 1_000;
    this.#onStarted = undefined;
    await this.#untilIdle();
    return rate;
  }

  /** Latencies at a fixed rate. */
  async runOpen(jobsPerSecond: number, durationMs: number): Promise<readonly number[]> {
    this.#latenciesMs = [];
    const startedMs = performance.now();
    const total = Math.max(1, Math.round((jobsPerSecond * durationMs) / 1_000));
    for (let sent = 0; sent < total; ) {
      const elapsedMs = performance.now() - startedMs;
      while (sent < total && (sent / jobsPerSecond) * 1_000 <= elapsedMs) {
        this.#send(startedMs + (sent / jobsPerSecond) * 1_000);
        sent += 1;
      }
      await pause(SEND_EVERY_MS);
    }
    await this.#untilIdle();
    return this.#latenciesMs;
  }

  #send(dueMs: number): void {
    const data = jobData(this.#next);
    this.#next += 1;
    this.#dueMs.set(data.index, dueMs);
    this.#system.enqueue(data).catch((error: unknown) => {
      this.#failure = error;
    });
  }

  /** What did not start in time counts as that late, and is forgotten. */
  async #untilIdle(): Promise<void> {
    const endMs = performance.now() + CATCH_UP_MS;
    while (this.#dueMs.size > 0 && performance.now() < endMs) await pause(5);
    if (this.#failure !== undefined) throw this.#failure;
    for (const dueMs of this.#dueMs.values()) this.#latenciesMs.push(performance.now() - dueMs);
    this.#dueMs.clear();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
