/**
 * One machine with one process: its clocks, and what can befall it. What reaches it while it stands still, timers and
 * answers alike, waits until it goes on; what reaches it after a crash is lost.
 */
import { type Clock, LONGEST_TIMER_MS, type Timer } from '../../src/foundation/clock.ts';
import type { Chance } from './chance.ts';
import type { Happening, World } from './world.ts';

/** The wall time at which every run begins. */
export const WALL_START_MS: number = Date.UTC(2030, 0, 1);

const LONGEST_WAKING_MS = 3;
const TIMER_TOLERANCE_MS = 1e-6;
/** Who finds that a timer fired a little early and sets it again must not do so for ever at one time. */
const SHORTEST_TIMER_MS = 0.01;

/** What a machine is given. */
export interface MachineParams {
  readonly name: string;
  readonly world: World;
  readonly chance: Chance;
  /** How fast its monotonic clock runs: 1 is right. */
  readonly rate: number;
  /** How far its wall clock is off, in milliseconds. */
  readonly wallOffsetMs: number;
  /** Called whenever the machine is about to do something. */
  readonly beforeStep: (machine: Machine) => void;
}

/** A machine; it is also the clock of the process on it. */
export class Machine implements Clock {
  readonly name: string;
  /** A clock of the same time for the user's code, whose timers are not the engine's. */
  readonly userClock: Clock;
  readonly startedMs: number;
  /** When it crashed, for ever. */
  crashedMs: number | undefined;
  /** Until then something went wrong that concerned this machine. */
  troubledUntilMs = 0;
  readonly #params: MachineParams;
  readonly #immediates: (() => void)[] = [];
  #held: (() => void)[] = [];
  #isStanding = false;
  #suspendedSinceMs: number | undefined;
  #suspendedMs = 0;
  #wallOffsetMs: number;
  #pendingTimers = 0;

  constructor(params: MachineParams) {
    this.#params = params;
    this.name = params.name;
    this.startedMs = params.world.nowMs;
    this.#wallOffsetMs = params.wallOffsetMs;
    this.userClock = {
      now: () => this.now(),
      monotonic: () => this.monotonic(),
      setTimer: (callback, delayMs) => this.#setTimer(callback, delayMs, () => undefined),
      setImmediate: (callback) => this.setImmediate(callback),
    };
  }

  get isCrashed(): boolean {
    return this.crashedMs !== undefined;
  }

  /** True unless it crashed or stands still. */
  get isRunning(): boolean {
    return !this.isCrashed && !this.#isStanding;
  }

  /** Timers of the engine that are neither fired nor cancelled. */
  get pendingTimers(): number {
    return this.#pendingTimers;
  }

  now(): number {
    return WALL_START_MS + this.#params.world.nowMs + this.#wallOffsetMs;
  }

  monotonic(): number {
    const { world, rate } = this.#params;
    const standingMs =
      this.#suspendedSinceMs === undefined ? 0 : world.nowMs - this.#suspendedSinceMs;
    return (world.nowMs - this.startedMs - this.#suspendedMs - standingMs) * rate;
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    this.#pendingTimers += 1;
    return this.#setTimer(callback, delayMs, () => {
      this.#pendingTimers -= 1;
    });
  }

  setImmediate(callback: () => void): void {
    this.#immediates.push(callback);
    // Immediates keep their order whatever the order of the events that call them.
    this.#params.world.in(0, () => this.deliver(() => this.#immediates.shift()?.()));
  }

  /** Lets something reach the machine: now, when it goes on, or never. */
  deliver(run: () => void): void {
    if (!this.isCrashed && !this.#isStanding) this.#params.beforeStep(this);
    if (this.isCrashed) return;
    if (this.#isStanding) this.#held.push(run);
    else run();
  }

  /** Moves the wall clock. */
  stepWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** Ends the machine at once and for ever. */
  crash(): void {
    this.crashedMs ??= this.#params.world.nowMs;
    this.#held = [];
  }

  /** Stops the process for a while; with `isSuspend` the machine, whose monotonic clock then stands still too. */
  standStill(durationMs: number, isSuspend: boolean): void {
    if (!this.isRunning) return;
    const { world } = this.#params;
    this.#isStanding = true;
    if (isSuspend) this.#suspendedSinceMs = world.nowMs;
    this.trouble(world.nowMs + durationMs);
    world.in(durationMs, () => this.#goOn());
  }

  /** Notes that something went wrong that lasts until then. */
  trouble(untilMs: number): void {
    this.troubledUntilMs = Math.max(this.troubledUntilMs, untilMs);
  }

  #goOn(): void {
    const { world, chance } = this.#params;
    if (this.#suspendedSinceMs !== undefined) {
      this.#suspendedMs += world.nowMs - this.#suspendedSinceMs;
      this.#suspendedSinceMs = undefined;
    }
    this.#isStanding = false;
    const held = this.#held;
    this.#held = [];
    // What waited wakes in no particular order, as timers and sockets do.
    for (const run of held) {
      world.in(chance.between(0, LONGEST_WAKING_MS), () => this.deliver(run));
    }
  }

  #setTimer(callback: () => void, delayMs: number, onGone: () => void): Timer {
    const boundedMs = Math.min(Math.max(delayMs, SHORTEST_TIMER_MS), LONGEST_TIMER_MS);
    const dueMs = this.monotonic() + boundedMs;
    let isGone = false;
    let happening: Happening;
    const cancel = (): void => {
      if (!isGone) onGone();
      isGone = true;
      happening.isCancelled = true;
    };
    const fire = (): void => {
      if (isGone) return;
      const earlyMs = dueMs - this.monotonic();
      if (earlyMs > TIMER_TOLERANCE_MS) {
        arm(earlyMs);
        return;
      }
      cancel();
      callback();
    };
    const arm = (inMs: number): void => {
      happening = this.#params.world.in(inMs / this.#params.rate, () => this.deliver(fire));
    };
    arm(dueMs - this.monotonic());
    return { cancel };
  }
}
