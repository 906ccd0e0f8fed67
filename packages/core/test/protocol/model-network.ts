/**
 * The way to the ledger and back. A request or its reply may be late, overtaken or lost, a statement
 * may stop halfway, and a caller may get a broken connection while its request still travels.
 */
import type { Invariants } from './invariants.ts';
import type { Statement } from './model-ledger.ts';
import { TIMES } from './model-settings.ts';
import {
  type SeededRandom,
  type Task,
  type VirtualProcess,
  type VirtualScheduler,
  wait,
} from './virtual-scheduler.ts';

/** How often the network misbehaves; all zero once the faults have stopped. */
export interface NetworkFaults {
  readonly lossRate: number;
  readonly lateRate: number;
  readonly cutRate: number;
}

/** A clean answer, or nothing known: the statement ran, ran halfway, will run, or never runs. */
export type Reply<T> = { readonly isKnown: true; readonly value: T } | { readonly isKnown: false };

const UNKNOWN = { isKnown: false } as const;

export class ModelNetwork {
  faults: NetworkFaults = { lossRate: 0, lateRate: 0, cutRate: 0 };
  readonly #scheduler: VirtualScheduler;
  readonly #random: SeededRandom;
  readonly #invariants: Invariants;
  readonly #downUntil = new Map<string, number>();

  constructor(scheduler: VirtualScheduler, random: SeededRandom, invariants: Invariants) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#invariants = invariants;
  }

  /** Nothing gets through for `durationMs`, for one process or, without a name, for all. */
  cutOff(durationMs: number, processName = ''): void {
    const until = this.#scheduler.now + durationMs;
    this.#downUntil.set(processName, Math.max(until, this.#downUntil.get(processName) ?? 0));
    this.#invariants.disturbed(until, processName === '' ? undefined : processName);
  }

  /** Sends a statement and waits for its reply, at most for the operation's deadline. */
  *send<T>(process: VirtualProcess, statement: Statement<T>): Task<Reply<T>> {
    return yield* wait<Reply<T>>((resume) => {
      process.after(TIMES.operationDeadlineMs, () => resume(UNKNOWN));
      this.#scheduler.at(this.#scheduler.now + this.#delay(process), () =>
        this.#arrive(process, statement, resume),
      );
      if (this.#random.chance(this.faults.lossRate / 2)) {
        process.after(this.#random.between(1, 30), () => resume(UNKNOWN));
        this.#invariants.disturbed(this.#scheduler.now, process.name);
      }
    });
  }

  #arrive<T>(
    process: VirtualProcess,
    statement: Statement<T>,
    resume: (reply: Reply<T>) => void,
  ): void {
    if (this.#isLost(process)) this.#breakConnection(process, resume);
    else this.#execute(process, statement, resume);
  }

  /** One atomic step of the statement; the next one follows after others had their chance. */
  #execute<T>(
    process: VirtualProcess,
    statement: Statement<T>,
    resume: (reply: Reply<T>) => void,
  ): void {
    const step =
      typeof statement === 'function'
        ? { done: true as const, value: statement() }
        : statement.next();
    if (step.done !== true) {
      if (this.#random.chance(this.faults.cutRate)) {
        this.#invariants.disturbed(this.#scheduler.now, process.name);
        this.#breakConnection(process, resume);
        return;
      }
      const isSlow = this.#random.chance(this.faults.lateRate);
      const gap = isSlow ? this.#random.between(0, TIMES.leaseMs) : this.#random.between(0, 1);
      if (isSlow) this.#invariants.disturbed(this.#scheduler.now + gap, process.name);
      this.#scheduler.at(this.#scheduler.now + gap, () =>
        this.#execute(process, statement, resume),
      );
      return;
    }
    if (this.#isLost(process)) this.#breakConnection(process, resume);
    else process.after(this.#delay(process), () => resume({ isKnown: true, value: step.value }));
  }

  /** A lost message shows as an error at once, or only as silence until the deadline. */
  #breakConnection<T>(process: VirtualProcess, resume: (reply: Reply<T>) => void): void {
    this.#invariants.disturbed(this.#scheduler.now + TIMES.operationDeadlineMs);
    if (this.#random.chance(0.5)) process.after(this.#delay(process), () => resume(UNKNOWN));
  }

  #isLost(process: VirtualProcess): boolean {
    const now = this.#scheduler.now;
    const isDown = ['', process.name].some((name) => now < (this.#downUntil.get(name) ?? 0));
    if (isDown) return true;
    const isLost = this.#random.chance(this.faults.lossRate);
    if (isLost) this.#invariants.disturbed(now + TIMES.operationDeadlineMs, process.name);
    return isLost;
  }

  #delay(process: VirtualProcess): number {
    if (!this.#random.chance(this.faults.lateRate)) {
      return this.#random.between(1, TIMES.operationUsualMs);
    }
    const delayMs = this.#random.between(TIMES.operationUsualMs, TIMES.leaseMs * 2);
    this.#invariants.disturbed(this.#scheduler.now + delayMs, process.name);
    return delayMs;
  }
}
