/**
 * The protocol of the ledger as a small model: instances, a network that loses and delays, processes
 * that crash and pause, all in virtual time from one seed. Faults come first; then they stop, and
 * whatever was accepted must come to its end.
 */
import { Invariants, type Violation } from './invariants.ts';
import type { EnqueueCall } from './model-enqueuer.ts';
import { ModelInstance } from './model-instance.ts';
import { ModelLedger, type Verb } from './model-ledger.ts';
import { ModelNetwork, type NetworkFaults } from './model-network.ts';
import { ALL_GUARDS, type Guards, TIMES } from './model-settings.ts';
import type { World } from './model-world.ts';
import { SeededRandom, VirtualProcess, VirtualScheduler } from './virtual-scheduler.ts';

/** What goes wrong and how often: per message, per statement step and per process step. */
export interface FaultProfile extends NetworkFaults {
  readonly instances: number;
  readonly crashRate: number;
  readonly pauseRate: number;
  readonly outages: number;
  readonly hasSuspends: boolean;
}

interface RunOptions {
  /** Switches single rules off; what is absent stays on. */
  readonly guards?: Partial<Guards>;
  /** Fixes what the seed would draw otherwise, to look where a certain fault is likely. */
  readonly faults?: Partial<FaultProfile>;
  /** Ends at the first violation, which is all that a search for one needs. */
  readonly stopsAtViolation?: boolean;
}

interface RunStats {
  readonly steps: number;
  readonly virtualMs: number;
  readonly runs: number;
  readonly writes: Partial<Record<Verb, number>>;
  readonly crashes: number;
  readonly pauses: number;
  readonly outages: number;
  /** Jobs whose callers got another one instead (see `Invariants.unannouncedJobs`). */
  readonly unannouncedJobs: number;
}

export interface RunResult {
  readonly trace: readonly string[];
  readonly violations: readonly Violation[];
  readonly stats: RunStats;
}

/** Runs one seed from beginning to end; the same seed and options give the same result. */
export function runSeed(seed: number, options: RunOptions = {}): RunResult {
  return new Simulation(seed, options).run();
}

class Simulation {
  readonly #random: SeededRandom;
  readonly #scheduler = new VirtualScheduler();
  readonly #invariants = new Invariants(this.#scheduler);
  readonly #world: World;
  readonly #profile: FaultProfile;
  readonly #options: RunOptions;
  readonly #poison = new Set<string>();
  readonly #counts = { steps: 0, crashes: 0, pauses: 0, outages: 0 };
  #instances: ModelInstance[] = [];
  #lastId = 0;

  constructor(seed: number, options: RunOptions) {
    this.#options = options;
    this.#random = new SeededRandom(seed);
    const guards = { ...ALL_GUARDS, ...options.guards };
    const invariants = this.#invariants;
    const scheduler = this.#scheduler;
    const random = this.#random;
    this.#profile = this.#drawProfile();
    this.#world = {
      guards,
      scheduler,
      random,
      invariants,
      network: new ModelNetwork(scheduler, random, invariants),
      ledger: new ModelLedger(guards, invariants),
      poison: this.#poison,
      freshId: (prefix) => `${prefix}${++this.#lastId}`,
    };
  }

  run(): RunResult {
    this.#setUp();
    while (this.#scheduler.step()) {
      this.#counts.steps += 1;
      this.#invariants.checkStep();
      const isFailed = this.#options.stopsAtViolation && this.#invariants.violations.length > 0;
      if (isFailed || this.#isDrained()) return this.#result();
      if (this.#scheduler.now > TIMES.faultyMs + TIMES.drainMs) break;
    }
    this.#invariants.checkEnd(this.#world.ledger);
    return this.#result();
  }

  #result(): RunResult {
    const { trace, violations, runs, writes, unannouncedJobs } = this.#invariants;
    const virtualMs = this.#scheduler.now;
    const stats = { ...this.#counts, virtualMs, runs, writes, unannouncedJobs };
    return { trace, violations, stats };
  }

  #drawProfile(): FaultProfile {
    return {
      instances: this.#random.between(2, 4),
      crashRate: this.#random.pick([0, 0.0002, 0.001]) ?? 0,
      pauseRate: this.#random.pick([0, 0.0003, 0.001]) ?? 0,
      lossRate: this.#random.pick([0, 0.02, 0.08]) ?? 0,
      lateRate: this.#random.pick([0, 0.02, 0.08]) ?? 0,
      cutRate: this.#random.pick([0, 0.03]) ?? 0,
      outages: this.#random.pick([0, 0, 1, 2]) ?? 0,
      hasSuspends: this.#random.chance(0.5),
      ...this.#options.faults,
    };
  }

  #setUp(): void {
    const { network } = this.#world;
    network.faults = this.#profile;
    const { instances, outages } = this.#profile;
    for (let index = 0; index < instances; index += 1) this.#startInstance(`instance-${index}`);
    this.#planCalls();
    for (let index = 0; index < outages; index += 1) this.#planOutage();
    this.#scheduler.at(TIMES.faultyMs, () => {
      network.faults = { lossRate: 0, lateRate: 0, cutRate: 0 };
      this.#invariants.disturbed(this.#scheduler.now);
      this.#invariants.note('simulation', 'stops the faults');
    });
  }

  #startInstance(name: string): void {
    const process = new VirtualProcess({
      name,
      scheduler: this.#scheduler,
      random: this.#random,
      beforeStep: (stepping) => this.#maybeStrike(stepping),
    });
    this.#invariants.processes.push(process);
    this.#instances = this.#instances.filter((instance) => instance.process.isAlive);
    this.#instances.push(new ModelInstance(this.#world, process));
    this.#watch(process);
  }

  /** Every crash, a poison job's included, is followed by a start under a new name. */
  #watch(process: VirtualProcess): void {
    const everyMs = this.#random.between(20, TIMES.leaseMs);
    this.#scheduler.at(this.#scheduler.now + everyMs, () => {
      if (process.isAlive) return this.#watch(process);
      this.#invariants.disturbed(this.#scheduler.now);
      this.#startInstance(this.#world.freshId('instance-'));
    });
  }

  #maybeStrike(process: VirtualProcess): void {
    if (this.#scheduler.now >= TIMES.faultyMs) return;
    if (this.#random.chance(this.#profile.crashRate)) {
      this.#counts.crashes += 1;
      this.#invariants.note(process.name, 'crashes');
      process.crash();
    } else if (this.#random.chance(this.#profile.pauseRate)) {
      this.#counts.pauses += 1;
      this.#pause(process);
    }
  }

  /** Mostly about as long as a lease, where a stale belief and a verdict meet. */
  #pause(process: VirtualProcess): void {
    const { leaseMs } = TIMES;
    const isNear = this.#random.chance(0.7);
    const durationMs = isNear
      ? this.#random.between(leaseMs * 0.7, leaseMs * 1.5)
      : this.#random.between(10, leaseMs * 4);
    const isSuspend = this.#profile.hasSuspends && this.#random.chance(0.5);
    this.#invariants.note(process.name, `pauses for ${durationMs} ms`);
    this.#invariants.disturbed(this.#scheduler.now + durationMs, process.name);
    process.pause(durationMs, isSuspend);
    // A wall clock set back during a suspend would leave no clock to notice it by; then tokens alone
    // protect the ledger, and the model leaves the case out.
    if (this.#random.chance(0.2)) process.stepWallClock(isSuspend ? 4000 : -4000);
  }

  #planCalls(): void {
    const count = this.#random.between(8, 40);
    for (let index = 0; index < count; index += 1) {
      this.#scheduler.at(this.#random.between(0, TIMES.faultyMs), () => this.#enqueue(index));
    }
    for (let index = 0; index < count / 3; index += 1) {
      this.#scheduler.at(this.#random.between(0, TIMES.faultyMs), () => this.#manualVerb());
    }
  }

  #enqueue(index: number): void {
    const now = this.#scheduler.now;
    const due = () => now + (this.#random.chance(0.3) ? this.#random.between(0, 2000) : 0);
    const isKeyed = this.#random.chance(0.4);
    const uniqueKey = isKeyed ? `key-${this.#random.between(0, 2)}` : undefined;
    // Jobs with a unique key go in an insert of their own.
    const size = isKeyed ? 1 : this.#random.between(1, 3);
    const calls: EnqueueCall[] = [];
    for (let part = 0; part < size; part += 1) {
      calls.push({ name: `job-${index}-${part}`, uniqueKey, nextRunAt: due() });
    }
    if (this.#random.chance(0.03)) this.#poison.add(`job-${index}-0/0`);
    const instance = this.#random.pick(this.#instances);
    if (instance?.process.isAlive) instance.process.spawn(instance.enqueuer.enqueue(calls));
  }

  #manualVerb(): void {
    const instance = this.#random.pick(this.#instances);
    const jobs = [...this.#world.ledger.jobs.values()];
    const verb = this.#random.chance(0.7) ? 'cancel' : 'redrive';
    const suited = jobs.filter((job) =>
      verb === 'cancel'
        ? job.status === 'pending' || job.status === 'processing'
        : job.status === 'failed' || job.status === 'cancelled',
    );
    const job = this.#random.pick(suited);
    if (instance === undefined || job === undefined) return;
    instance.process.spawn(instance.enqueuer[verb](job.id));
  }

  #planOutage(): void {
    this.#scheduler.at(this.#random.between(0, TIMES.faultyMs - TIMES.leaseMs * 2), () => {
      const durationMs = this.#random.between(50, TIMES.leaseMs * 2);
      const isForAll = this.#random.chance(0.5);
      const name = (isForAll ? undefined : this.#random.pick(this.#instances)?.process.name) ?? '';
      this.#counts.outages += 1;
      this.#invariants.note(name || 'everybody', `is cut off for ${durationMs} ms`);
      this.#world.network.cutOff(durationMs, name);
    });
  }

  /** The last late request has arrived, every job has ended and no process has anything begun. */
  #isDrained(): boolean {
    if (this.#scheduler.now < TIMES.faultyMs + TIMES.leaseMs * 3) return false;
    const isIdle = this.#instances.every((one) => one.isIdle || !one.process.isAlive);
    if (!isIdle) return false;
    for (const job of this.#world.ledger.jobs.values()) {
      if (job.status === 'pending' || job.status === 'processing') return false;
    }
    this.#invariants.checkEnd(this.#world.ledger);
    return true;
  }
}
