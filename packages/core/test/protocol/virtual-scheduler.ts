/**
 * Virtual time, seeded chance and processes that can be paused or killed at any step.
 *
 * A task is a generator: each `yield` hands over a function that arranges for its resumption, so
 * that everything a process does is a chain of atomic steps the scheduler orders by virtual time.
 */

type Arrange = (resume: (value: unknown) => void) => void;

/** A chain of steps inside one process; what it returns is available by `yield*`. */
export type Task<T> = Generator<Arrange, T, unknown>;

/** Suspends the calling task until `arrange` calls its argument (the first call counts). */
export function* wait<T>(arrange: (resume: (value: T) => void) => void): Task<T> {
  return (yield arrange as Arrange) as T;
}

/** Repeatable chance (mulberry32): the whole run depends on the seed and on nothing else. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed * 0x9e3779b1 + 0x7f4a7c15) >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability;
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.next() * items.length)];
  }
}

interface ScheduledStep {
  readonly time: number;
  readonly order: number;
  readonly run: () => void;
}

function precedes(left: ScheduledStep, right: ScheduledStep): boolean {
  return left.time < right.time || (left.time === right.time && left.order < right.order);
}

/** A binary heap of steps by time, then by the order in which they were scheduled. */
export class VirtualScheduler {
  readonly #heap: ScheduledStep[] = [];
  #order = 0;
  #now = 0;

  get now(): number {
    return this.#now;
  }

  at(time: number, run: () => void): void {
    const step = { time: Math.max(time, this.#now), order: this.#order++, run };
    const heap = this.#heap;
    let index = heap.push(step) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !precedes(step, above)) break;
      heap[index] = above;
      heap[parent] = step;
      index = parent;
    }
  }

  /** Runs the next step and says whether there was one. */
  step(): boolean {
    const next = this.#heap[0];
    const last = this.#heap.pop();
    if (next === undefined || last === undefined) return false;
    if (this.#heap.length > 0) this.#sink(last);
    this.#now = next.time;
    next.run();
    return true;
  }

  #sink(step: ScheduledStep): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      let below = heap[child];
      const right = heap[child + 1];
      if (below !== undefined && right !== undefined && precedes(right, below)) {
        child += 1;
        below = right;
      }
      if (below === undefined || !precedes(below, step)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = step;
  }
}

/** A reading of both clocks of a process, taken in one step. */
export interface ClockReading {
  readonly monotonic: number;
  readonly wall: number;
}

/**
 * One operating-system process: its steps wait while it is paused and never happen once it crashed.
 * Its monotonic clock runs at a rate of its own and stands still while the machine is suspended; its
 * wall clock can be set forward.
 */
export class VirtualProcess {
  readonly name: string;
  readonly startedAt: number;
  diedAt: number | undefined;
  readonly #scheduler: VirtualScheduler;
  readonly #random: SeededRandom;
  readonly #beforeStep: (process: VirtualProcess) => void;
  readonly #rate: number;
  readonly #wallOffset: number;
  #pausedUntil = 0;
  #suspendedFor = 0;
  #wallStep = 0;

  constructor(params: {
    name: string;
    scheduler: VirtualScheduler;
    random: SeededRandom;
    /** Called before each step; may crash or pause the process. */
    beforeStep: (process: VirtualProcess) => void;
  }) {
    this.name = params.name;
    this.#scheduler = params.scheduler;
    this.#random = params.random;
    this.#beforeStep = params.beforeStep;
    this.startedAt = params.scheduler.now;
    this.#rate = 1 + (params.random.next() - 0.5) / 100;
    this.#wallOffset = params.random.between(-100_000, 100_000);
  }

  get isAlive(): boolean {
    return this.diedAt === undefined;
  }

  get isPaused(): boolean {
    return this.#scheduler.now < this.#pausedUntil;
  }

  readClocks(): ClockReading {
    return {
      monotonic: (this.#scheduler.now - this.#suspendedFor) * this.#rate,
      wall: this.#scheduler.now + this.#wallOffset + this.#wallStep,
    };
  }

  spawn(task: Task<void>): void {
    this.deliver(() => this.#advance(task, undefined));
  }

  /** Runs `run` as the next step of this process, after a pause if there is one. */
  deliver(run: () => void): void {
    this.#scheduler.at(this.#scheduler.now, () => {
      if (!this.isAlive) return;
      if (!this.isPaused) this.#beforeStep(this);
      if (this.isPaused) this.#deliverAfterPause(run);
      else if (this.isAlive) run();
    });
  }

  after(delayMs: number, run: () => void): void {
    this.#scheduler.at(this.#scheduler.now + delayMs, () => this.deliver(run));
  }

  *sleep(delayMs: number): Task<void> {
    yield* wait<void>((resume) => this.after(delayMs, () => resume()));
  }

  /** Stops the process for a while; with `isSuspend` its monotonic clock stands still meanwhile. */
  pause(durationMs: number, isSuspend: boolean): void {
    if (this.isPaused) return;
    this.#pausedUntil = this.#scheduler.now + durationMs;
    if (isSuspend) this.#suspendedFor += durationMs;
  }

  stepWallClock(byMs: number): void {
    this.#wallStep += byMs;
  }

  crash(): void {
    this.diedAt ??= this.#scheduler.now;
  }

  #deliverAfterPause(run: () => void): void {
    // What waited wakes in no particular order, as timers and sockets do.
    this.#scheduler.at(this.#pausedUntil + this.#random.between(0, 8), () => this.deliver(run));
  }

  #advance(task: Task<void>, value: unknown): void {
    const step = task.next(value);
    if (step.done === true) return;
    let isResumed = false;
    step.value((answer) => {
      if (isResumed) return;
      isResumed = true;
      this.deliver(() => this.#advance(task, answer));
    });
  }
}
