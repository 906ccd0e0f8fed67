/**
 * Many instances of the real engine over one ledger in memory, in virtual time, with faults, all from one seed. Faults
 * come first; then they stop, and whatever was accepted must come to its end.
 */
import type { Clock } from '../../src/foundation/clock.ts';
import { sample } from '../../src/foundation/random.ts';
import type { Job } from '../../src/index.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import type { Counts } from './facts.ts';
import { JOB_NAMES, LAST_WORDS_MS, type Users } from './features/users.ts';
import { FEATURES } from './features.ts';
import { makeRunBatch, makeRunHandler } from './handlers.ts';
import { Host, type SimulatedLedger, type Surroundings } from './host.ts';
import { Machine, WALL_START_MS } from './machine.ts';
import { MemoryLedger } from './memory-ledger.ts';
import { Network } from './network.ts';
import { Observer, type Violation } from './observer.ts';
import { drawProfile, LEASE_MS, type Profile } from './profile.ts';
import { deadHolders } from './rules/limit-rules.ts';
import { SteppedLedger } from './stepped-ledger.ts';
import { Trace, type TraceLine } from './trace.ts';
import { World } from './world.ts';

const DRAIN_MS = 150_000;
/** Longer than the time after which it is looked at flows whose process died while nobody waited. */
const FLOWS_DRAIN_MS = 750_000;
const LONGEST_STOP_MS = 30_000;
const LONGEST_ELECTION_MS = 400;
const LOOK_EVERY_MS = 50;
/** How long all must be at its end, so that those who wait for an answer have it. */
const QUIET_MS = 200;
/** How late a run of a series may be in a world that is quiet. */
const LATEST_RUN_MS = 1_000;
const FINISHED = new Set(['completed', 'failed', 'cancelled']);

/** What a run is given. */
export interface RunOptions {
  /** Fixes what the seed would draw otherwise. */
  readonly profile?: Partial<Profile>;
  /** Notes down what happens. */
  readonly trace?: boolean;
}

/** What a run showed. */
export interface RunResult {
  readonly seed: number;
  readonly profile: Profile;
  readonly violations: readonly Violation[];
  readonly trace: readonly TraceLine[];
  readonly stats: Counts & { readonly steps: number; readonly virtualMs: number };
}

/** Runs one seed to the end, or to the first violation. The same seed and options give the same result. */
export function runSeed(seed: number, options: RunOptions = {}): Promise<RunResult> {
  return new Simulation(seed, options).run();
}

class Simulation {
  readonly #seed: number;
  readonly #world: World;
  readonly #profile: Profile;
  readonly #observer: Observer;
  readonly #network: Network;
  readonly #hosts: Host[] = [];
  #nextLookMs = 0;
  #drainedSinceMs = 0;

  constructor(seed: number, options: RunOptions) {
    this.#seed = seed;
    this.#world = new World(seed);
    const { chance } = this.#world;
    this.#profile = drawProfile(chance, options.profile ?? {});
    const rules = FEATURES.flatMap((feature) => feature.rules);
    const trace = new Trace(this.#world, options.trace ?? false);
    this.#observer = new Observer(this.#world, this.#profile, trace, rules);
    this.#network = new Network({
      world: this.#world,
      chance,
      observer: this.#observer,
      profile: this.#profile,
      beforeSend: (machine) => this.#strike(machine),
    });
  }

  async run(): Promise<RunResult> {
    this.#setUp();
    const { facts, violations } = this.#observer;
    await this.#runUntil(() => this.#isQuiet());
    if (violations.length === 0) this.#observer.drained();
    if (violations.length === 0) await this.#stopAll();
    if (violations.length === 0) this.#observer.ended();
    return {
      seed: this.#seed,
      profile: this.#profile,
      violations,
      trace: this.#observer.trace.lines,
      stats: { ...facts.counts, steps: this.#world.steps, virtualMs: this.#world.nowMs },
    };
  }

  #setUp(): void {
    const [world, chance, observer, profile] = [
      this.#world,
      this.#world.chance,
      this.#observer,
      this.#profile,
    ];
    const ledger = this.#makeLedger();
    const shared: Surroundings = {
      world,
      chance,
      observer,
      network: this.#network,
      ledger,
      makeMachine: (name) => this.#makeMachine(name),
      runHandler: makeRunHandler(observer),
      runBatch: makeRunBatch(observer),
    };
    for (let index = 1; index <= profile.workers; index += 1) {
      const names = JOB_NAMES.filter(() => index === 1 || chance.happens(0.9));
      const workers = new Map(names.map((name) => [name, chance.between(1, 8)]));
      this.#hosts.push(new Host(shared, { name: `w${index}`, workers, isEven: index % 2 === 0 }));
    }
    for (let index = 1; index <= profile.producers; index += 1) {
      this.#hosts.push(new Host(shared, { name: `p${index}`, workers: new Map(), isEven: true }));
    }
    const users: Users = { world, chance, profile, observer, hosts: this.#hosts };
    for (const feature of FEATURES) feature.plan?.(users);
    this.#planTroubles(ledger);
  }

  #planTroubles({ transactionServer }: SimulatedLedger): void {
    const [world, chance, profile] = [this.#world, this.#world.chance, this.#profile];
    const plan = (count: number, act: (host: Host) => void): void => {
      for (let index = 0; index < count; index += 1) {
        world.in(chance.fraction() * profile.faultyMs, () => act(chance.pick(this.#hosts)));
      }
    };
    plan(profile.outages, ({ machine }) => {
      const untilMs = world.nowMs + chance.between(50, 2 * LEASE_MS);
      this.#network.cutOff(untilMs, chance.happens(0.5) ? machine : undefined);
    });
    plan(profile.messages > 0 ? profile.failovers : 0, () => {
      transactionServer.failOver();
      this.#network.cutOff(world.nowMs + chance.between(1, LONGEST_ELECTION_MS), undefined);
    });
    plan(profile.stops, (host) => {
      if (host.isWorker && host.isUp) void host.stop(chance.between(0, LEASE_MS));
    });
    // A wall clock that is set back while its machine is suspended leaves nothing to notice the time by.
    plan(profile.hasSuspends ? 0 : profile.wallSteps, ({ machine }) => {
      machine.stepWall(chance.between(-5_000, 5_000));
    });
    world.in(profile.faultyMs, () => {
      this.#observer.trace.note('network', () => 'works from now on');
      this.#network.heal();
    });
  }

  #makeMachine(name: string): Machine {
    const { chance } = this.#world;
    return new Machine({
      name,
      world: this.#world,
      chance,
      rate: 1 + (chance.fraction() - 0.5) * 0.01,
      wallOffsetMs: chance.between(-60_000, 60_000),
      beforeStep: (machine) => this.#strike(machine),
    });
  }

  #strike(machine: Machine): void {
    const { crashRate, pauseRate, hasSuspends, faultyMs } = this.#profile;
    const { chance, nowMs } = this.#world;
    if (nowMs >= faultyMs || !machine.isRunning) return;
    if (chance.happens(crashRate)) this.#hostOf(machine)?.crash();
    else if (chance.happens(pauseRate)) this.#pause(machine, hasSuspends && chance.happens(0.5));
  }

  /** Mostly about as long as a lease, where a stale belief and a verdict meet. */
  #pause(machine: Machine, isSuspend: boolean): void {
    const { chance } = this.#world;
    const { counts } = this.#observer.facts;
    const isNear = chance.happens(0.7);
    const durationMs = isNear
      ? chance.between(LEASE_MS * 0.7, LEASE_MS * 1.5)
      : chance.between(10, LEASE_MS * 4);
    counts.pauses += isSuspend ? 0 : 1;
    counts.suspends += isSuspend ? 1 : 0;
    const how = isSuspend ? 'is suspended' : 'pauses';
    this.#observer.trace.note(machine.name, () => `${how} for ${durationMs} ms`);
    machine.standStill(durationMs, isSuspend);
  }

  #hostOf(machine: Machine): Host | undefined {
    return this.#hosts.find((host) => host.machine === machine);
  }

  #makeLedger(): SimulatedLedger {
    const [world, chance, observer] = [this.#world, this.#world.chance, this.#observer];
    const clock = serverClock(world);
    const letOthersIn = (): Promise<void> => {
      const isSlow =
        world.nowMs < this.#profile.faultyMs && chance.happens(this.#profile.slowStepRate);
      if (!isSlow)
        return chance.happens(0.5) ? world.sleep(chance.fraction() * 2) : Promise.resolve();
      const delayMs = chance.between(10, LEASE_MS);
      observer.facts.trouble(world.nowMs + delayMs);
      return world.sleep(delayMs);
    };
    const random = new SeededRandom(chance.seed());
    const canHint = this.#profile.hints !== 'none';
    if (this.#profile.ledger === 'memory')
      return new MemoryLedger({ world, clock, observer, canHint });
    return new SteppedLedger({
      world,
      clock,
      observer,
      canHint,
      letOthersIn,
      sample: (items, count) => sample(random, items, count),
    });
  }

  #runUntil(isDone: () => boolean): Promise<void> {
    return this.#world.run(() => {
      this.#observer.passed();
      if (this.#observer.violations.length > 0) return true;
      if (this.#world.nowMs < this.#nextLookMs) return false;
      this.#nextLookMs = this.#world.nowMs + LOOK_EVERY_MS;
      return isDone();
    });
  }

  #isQuiet(): boolean {
    const { nowMs } = this.#world;
    if (!this.#isDrained()) this.#drainedSinceMs = nowMs;
    const drainMs = this.#profile.flows > 0 ? FLOWS_DRAIN_MS : DRAIN_MS;
    const lateMs = nowMs - this.#profile.faultyMs - drainMs;
    // Series go on for ever: a run that has just returned is given the time to be recorded.
    const isLate = lateMs > LAST_WORDS_MS || (lateMs > 0 && this.#areReported());
    return isLate || nowMs - this.#drainedSinceMs >= QUIET_MS;
  }

  /** Every job has ended, every call was answered, every machine is up, and nothing is on its way. */
  #isDrained(): boolean {
    const { nowMs } = this.#world;
    if (nowMs <= this.#profile.faultyMs + LAST_WORDS_MS) return false;
    if (!this.#hosts.every((host) => host.isUp)) return false;
    const { facts } = this.#observer;
    const { jobs, enqueues } = facts;
    // An instance that could not settle for long tries again only after a while.
    if (!this.#areReported()) return false;
    for (const job of jobs.values()) if (!isAtRest(job, nowMs)) return false;
    for (const { answer, machine } of [
      ...enqueues.values(),
      ...facts.flowCalls.values(),
      ...facts.messageCalls,
    ]) {
      if (answer === undefined && !machine.isCrashed) return false;
    }
    const dead = [...facts.limits.values()].flatMap((limit) => deadHolders(facts, limit));
    return this.#network.travelling === 0 && dead.length === 0 && facts.openFlows.size === 0;
  }

  /** Every run that returned was told of, where its claim stands. */
  #areReported(): boolean {
    const { facts } = this.#observer;
    return ![...facts.unreported.values()].some((run) => facts.isStanding(run));
  }

  async #stopAll(): Promise<void> {
    const deadlineMs = this.#world.nowMs + LONGEST_STOP_MS;
    let stopping = this.#hosts.length;
    for (const host of this.#hosts) void host.stop().then(() => (stopping -= 1));
    await this.#runUntil(() => stopping === 0 || this.#world.nowMs > deadlineMs);
    if (stopping > 0 && this.#observer.violations.length === 0) {
      this.#observer.violate('a stop never ends', `${stopping} instances still stop`);
    }
  }
}

/** A job has ended; a series waits for its next run. */
function isAtRest({ status, repeatInterval, nextRunAt }: Job, nowMs: number): boolean {
  if (FINISHED.has(status)) return true;
  const isWaiting = nextRunAt.getTime() > WALL_START_MS + nowMs - LATEST_RUN_MS;
  return repeatInterval !== undefined && (status === 'processing' || isWaiting);
}

/** The server's time; its own deadlines never pass, so they need no timers. */
function serverClock(world: World): Clock {
  const now = (): number => WALL_START_MS + world.nowMs;
  return {
    now,
    monotonic: now,
    setTimer: () => ({ cancel: () => undefined }),
    setImmediate: (callback) => {
      world.in(0, callback);
    },
  };
}
