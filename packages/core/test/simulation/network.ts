/**
 * The way from a machine to the ledger and back. A message may be late, overtaken or lost, a batch may be carried out
 * in part, and nothing at all may get through for a while, for one machine or for all.
 */
import type { Fault } from '../../src/testing/faults.ts';
import type { Chance } from './chance.ts';
import type { Machine } from './machine.ts';
import type { Observer } from './observer.ts';
import { LEASE_MS, type NetworkRates, OPERATION_TIMEOUT_MS, type Profile } from './profile.ts';
import type { World } from './world.ts';

const USUAL_MS = 8;
/** Of all messages: they take no time at all, which also makes for fewer steps. */
const INSTANT_RATE = 0.5;
const LONGEST_SPLIT_MS = 300;
const SILENT_MS = 2 * OPERATION_TIMEOUT_MS;
const NO_FAULTS: NetworkRates = Object.freeze({ lossRate: 0, lateRate: 0, partRate: 0 });
const LOSSY_HINTS_RATE = 0.5;

/** What a network is given. */
export interface NetworkParams {
  readonly world: World;
  readonly chance: Chance;
  readonly observer: Observer;
  readonly profile: Profile;
  /** Called when a machine is about to send something. */
  readonly beforeSend: (machine: Machine) => void;
}

/** What is sent. */
interface SentCall {
  readonly verb: string;
}

interface Outage {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly machineName: string | undefined;
}

/** All connections of one run. */
export class Network {
  readonly #params: NetworkParams;
  readonly #outages: Outage[] = [];
  #rates: NetworkRates;
  #losesHints: boolean;
  #travelling = 0;
  #isHealed = false;

  constructor(params: NetworkParams) {
    this.#params = params;
    this.#rates = params.profile;
    this.#losesHints = params.profile.hints === 'lossy';
  }

  /** Calls that were sent while faults happened and have not come back. */
  get travelling(): number {
    return this.#travelling;
  }

  /** Lets nothing through until then, from now on. */
  cutOff(untilMs: number, machine: Machine | undefined): void {
    const { world, observer } = this.#params;
    this.#outages.push({ fromMs: world.nowMs, untilMs, machineName: machine?.name });
    observer.facts.counts.outages += 1;
    const overMs = untilMs + OPERATION_TIMEOUT_MS;
    if (machine === undefined) observer.facts.trouble(overMs);
    else machine.trouble(overMs);
    const who = machine?.name ?? 'everybody';
    observer.trace.note('network', () => `cuts ${who} off until ${untilMs}`);
  }

  /** Works from now on. */
  heal(): void {
    this.#isHealed = true;
    this.#rates = NO_FAULTS;
    this.#losesHints = false;
  }

  /** What happens to a call of a machine. */
  faultFor(machine: Machine, call: SentCall): Fault {
    if (machine.isCrashed) return { fail: 'before', onReply: forEver };
    if (call.verb === 'hint') return this.#hintFault(machine);
    this.#params.beforeSend(machine);
    if (machine.isCrashed && this.#params.chance.happens(0.5)) {
      return { fail: 'before', onReply: forEver };
    }
    const isLasting = !this.#isHealed;
    if (isLasting) this.#travelling += 1;
    const fault = this.#draw(machine);
    if (fault.fail !== undefined) this.#params.observer.facts.counts.faults += 1;
    this.#params.observer.trace.note(machine.name, () => describeCall(call, fault));
    return { ...fault, onReply: () => this.#comeBack(machine, isLasting) };
  }

  #comeBack(machine: Machine, isLasting: boolean): Promise<void> {
    if (isLasting) this.#travelling -= 1;
    return new Promise((resolve) => machine.deliver(resolve));
  }

  #hintFault(machine: Machine): Fault {
    const { chance, world } = this.#params;
    const delayBeforeMs = this.#usualMs();
    const isLost =
      (this.#losesHints && chance.happens(LOSSY_HINTS_RATE)) ||
      this.#isDown(machine, world.nowMs + delayBeforeMs);
    if (isLost) return { fail: 'before' };
    return {
      delayBeforeMs,
      onReply: () => new Promise<void>((resolve) => machine.deliver(resolve)),
    };
  }

  #draw(machine: Machine): Fault {
    const { chance, world } = this.#params;
    const { lossRate, partRate } = this.#rates;
    const delayBeforeMs = this.#delayMs(machine);
    const delayAfterMs = this.#delayMs(machine);
    const isLostThere = this.#isDown(machine, world.nowMs + delayBeforeMs);
    if (isLostThere) return { fail: 'before', delayBeforeMs, delayAfterMs: this.#errorMs() };
    const isLostBack = this.#isDown(machine, world.nowMs + delayBeforeMs + delayAfterMs);
    if (isLostBack) return { fail: 'after', delayBeforeMs, delayAfterMs: this.#errorMs() };
    if (chance.happens(lossRate)) {
      machine.trouble(world.nowMs + delayBeforeMs + OPERATION_TIMEOUT_MS);
      const fail = chance.pick(['before', 'after'] as const);
      return { fail, delayBeforeMs, delayAfterMs: this.#errorMs() };
    }
    if (!chance.happens(partRate)) return { delayBeforeMs, delayAfterMs };
    machine.trouble(world.nowMs + delayBeforeMs + OPERATION_TIMEOUT_MS);
    if (chance.happens(0.5)) return { fail: 'partial', delayBeforeMs, delayAfterMs };
    return { splitMs: chance.between(0, LONGEST_SPLIT_MS), delayBeforeMs, delayAfterMs };
  }

  /** A lost message shows as an error soon, or only as silence. */
  #errorMs(): number {
    const { chance } = this.#params;
    return chance.happens(0.5) ? chance.between(1, USUAL_MS) : SILENT_MS;
  }

  #delayMs(machine: Machine): number {
    const { chance, world, profile } = this.#params;
    if (!chance.happens(this.#rates.lateRate)) return this.#usualMs();
    // What is late when the faults end comes soon, since nothing more is to be learned from waiting for it.
    const mostMs = Math.min(profile.longestLateMs, profile.faultyMs + LEASE_MS - world.nowMs);
    const delayMs = chance.between(USUAL_MS, mostMs);
    machine.trouble(world.nowMs + delayMs + OPERATION_TIMEOUT_MS);
    return delayMs;
  }

  #usualMs(): number {
    const { chance } = this.#params;
    return chance.happens(INSTANT_RATE) ? 0 : chance.fraction() * USUAL_MS;
  }

  #isDown(machine: Machine, atMs: number): boolean {
    return this.#outages.some(
      ({ fromMs, untilMs, machineName }) =>
        atMs >= fromMs && atMs < untilMs && (machineName ?? machine.name) === machine.name,
    );
  }
}

function forEver(): Promise<never> {
  return new Promise(() => undefined);
}

function describeCall({ verb }: SentCall, { fail, splitMs, ...delays }: Fault): string {
  const delay = `${delays.delayBeforeMs?.toFixed(1)} there, ${delays.delayAfterMs?.toFixed(1)} back`;
  const faults = [fail && `fails ${fail}`, splitMs && `split by ${splitMs}`].filter(Boolean);
  return [`sends ${verb}: ${delay}`, ...faults].join(', ');
}
