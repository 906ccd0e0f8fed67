/**
 * What the tests of the engine share: a scheduler in memory on a manual clock, with a faulty ledger before the real
 * one, and a record of its events.
 *
 * @module
 */

import type { EventSink } from '../../src/context/scheduler-context.ts';
import { Monque, type MonqueEventMap, type MonqueOptions } from '../../src/index.ts';
import { InMemoryLedgerRepository } from '../../src/ledger/memory/in-memory-ledger-repository.ts';
import type { Fault } from '../../src/testing/faults.ts';
import { FaultyLedgerRepository } from '../../src/testing/faulty-ledger-repository.ts';
import { MANUAL_CLOCK_START, ManualClock, SeededRandom } from '../../src/testing/index.ts';

export type EventName = keyof MonqueEventMap;

/** One event as it fired. */
export type RecordedEvent = {
  [Name in EventName]: { readonly name: Name; readonly payload: MonqueEventMap[Name][0] };
}[EventName];

const EVENT_NAMES: readonly EventName[] = [
  'job:start',
  'job:complete',
  'job:fail',
  'job:cancelled',
  'job:lost',
  'job:error',
  'job:progress',
  'job:stage',
  'job:blocked',
  'job:unblocked',
  'gate:expired',
  'job:retried',
  'job:buried',
  'job:superseded',
  'order:halted',
  'flow:ended',
  'group:paused',
  'group:resumed',
  'limit:full',
  'limit:backedOff',
  'job:deleted',
  'job:skipped',
  'stale:recovered',
  'access:denied',
  'connection:lost',
  'connection:restored',
  'loop:delayed',
  'invariant:violated',
  'alert',
  'alert:cleared',
];

/** Records every event of a scheduler. */
export function recordEvents(monque: Monque): RecordedEvent[] {
  const events: RecordedEvent[] = [];
  for (const name of EVENT_NAMES) {
    monque.on(name, (payload: unknown) => events.push({ name, payload } as RecordedEvent));
  }
  return events;
}

/** A scheduler with its own way to the ledger. */
export interface TestInstance {
  readonly monque: Monque;
  readonly faulty: FaultyLedgerRepository;
  /** While it is down, no call of this scheduler reaches the ledger. */
  readonly network: { down: boolean };
  readonly events: readonly RecordedEvent[];
}

/** Schedulers that share a clock and a ledger in memory. */
export interface TestWorld {
  readonly clock: ManualClock;
  readonly ledger: InMemoryLedgerRepository;
  readonly makeInstance: (options?: MonqueOptions) => TestInstance;
}

/** A promise that is settled from outside. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/** A ledger in memory that several schedulers may share. */
export function makeWorld(seed = 1): TestWorld {
  const clock = new ManualClock();
  const ledger = new InMemoryLedgerRepository({ clock });
  let seeds = seed;
  const makeInstance = (options: MonqueOptions = {}): TestInstance => {
    const network = { down: false };
    const chooseFault = (): Fault => (network.down ? { fail: 'before' } : {});
    const faulty = new FaultyLedgerRepository(ledger, { clock, chooseFault });
    seeds += 1;
    // What is born claimed goes another way than most of these tests are about.
    const random = new SeededRandom(seeds);
    const defaults = { clock, random, claimOnEnqueue: false, logger: false } as const;
    const monque = new Monque(faulty, { ...defaults, ...options });
    return { monque, faulty, network, events: recordEvents(monque) };
  };
  return { clock, ledger, makeInstance };
}

/** One scheduler with its world. */
export function makeOne(options: MonqueOptions = {}): TestWorld & TestInstance {
  const world = makeWorld();
  return { ...world, ...world.makeInstance(options) };
}

/** Makes a promise that is settled from outside. */
export function deferred<T = void>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

/** The payloads of one event. */
export function payloads<Name extends EventName>(
  events: readonly RecordedEvent[],
  name: Name,
): MonqueEventMap[Name][0][] {
  return events.filter((event) => event.name === name).map(({ payload }) => payload) as never;
}

export const MINUTE_MS = 60_000;

/** The time so many minutes after the manual clock's start, which is midnight. */
export function minute(minutes: number): Date {
  return new Date(MANUAL_CLOCK_START.getTime() + minutes * MINUTE_MS);
}

/** For a context whose events nobody hears. */
export const NO_EVENTS: EventSink = { emit: () => undefined, isHeard: () => false };
