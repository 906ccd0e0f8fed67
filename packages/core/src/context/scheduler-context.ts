/**
 * What every part of the engine is given.
 *
 * @module
 */
import { type Detached, detachedHere } from '../foundation/async-context.ts';
import type { Clock } from '../foundation/clock.ts';
import { toError } from '../foundation/errors.ts';
import type { Random } from '../foundation/random.ts';
import { codeOf } from '../ledger/ledger-calls.ts';
import type { LedgerRepository } from '../ledger/ledger-repository.ts';
import type { Access } from '../ledger/views/actor-view.ts';
import { withCodec } from '../ledger/views/codec-view.ts';
import type { ResolvedOptions } from '../options/resolve-options.ts';
import { Log } from '../telemetry/log.ts';
import { Metrics } from '../telemetry/metrics.ts';
import type { Emit, MonqueEventMap } from './events.ts';
import { HealthMonitor } from './health.ts';
import { Instruments } from './instruments.ts';
import { LedgerTime } from './ledger-time.ts';
import { ThroughputRecorder } from './throughput-recorder.ts';

/** The surroundings of one instance. */
export interface EngineContext {
  readonly ledger: LedgerRepository;
  readonly ledgerTime: LedgerTime;
  readonly clock: Clock;
  readonly random: Random;
  /** Read at each use, not copied: a `Reconfigurer`, and nothing else, changes them. */
  readonly options: ResolvedOptions;
  readonly emit: Emit;
  /** Runs what goes on after a call, and what users are called with, outside the caller's asynchronous context. */
  readonly detached: Detached;
  readonly health: HealthMonitor;
  /** Where the user gave a logger; another one once that was changed. */
  readonly log: Log | undefined;
  readonly metrics: Metrics;
  /** Counts by minute for all processes, where that was asked for. */
  readonly throughput: ThroughputRecorder | undefined;
  /** The tracers and the observers of metrics that the user brought. */
  readonly instruments: Instruments;
  /** Opens the ledger and learns its time, once; what a caller gave is checked before. */
  readonly ready: () => Promise<void>;
  /** Reports an error outside of handlers, as the event `job:error`. */
  readonly report: (error: unknown) => void;
}

/** Fires the events of a scheduler. */
export interface EventSink {
  readonly emit: (...event: Parameters<Emit>) => unknown;
  /** False where it would be fired for nobody. */
  readonly isHeard: (name: keyof MonqueEventMap) => boolean;
}

/** The surroundings of a scheduler over a ledger, whose events `events` fires. */
export function makeContext(
  { ledger: source, options: resolved }: Pick<EngineContext, 'ledger' | 'options'>,
  events: EventSink,
): EngineContext {
  const detached = detachedHere();
  const emit: Emit = (name, payload) => {
    // Most events are heard by nobody, and each door out costs as much as all else that is done for an event.
    if (events.isHeard(name)) detached(() => events.emit(name, payload));
  };
  const options = { ...resolved };
  const { clock, random, codec } = options;
  const log = (): Log | undefined => (options.logger ? new Log(options.logger) : undefined);
  const health = new HealthMonitor(emit);
  const metrics = new Metrics();
  const report = (thrown: unknown): void => {
    const error = toError(thrown);
    health.failed(error, new Date(clock.now()));
    detached(() => log()?.failed(error));
    metrics.count('errors', { code: codeOf(error) });
    emit('job:error', { error });
  };
  const maxBytes = (): number => options.maxPayloadBytes;
  const ledger = codec ? withCodec(source, { codec, maxBytes, report }) : source;
  const ledgerTime = new LedgerTime(ledger, clock, report);
  source.onViolation((violation) => emit('invariant:violated', violation));
  const ready = async (): Promise<void> => {
    await ledger.open();
    await ledgerTime.ensureSampled();
  };
  const keptMs = options.throughputHistoryMs;
  const throughput =
    keptMs === undefined
      ? undefined
      : new ThroughputRecorder({
          ...{ ledger, ledgerTime, metrics, clock, random, detached, report, keptMs },
        });
  const instruments = new Instruments({ ledger, metrics, report });
  return {
    ...{ ledger, ledgerTime, clock, random, options },
    ...{ detached, emit, health, metrics, throughput, instruments, ready, report },
    get log() {
      return log();
    },
  };
}

/** The same surroundings over another ledger. */
export function contextOver(context: EngineContext, ledger: LedgerRepository): EngineContext {
  return {
    ...context,
    ledger,
    // A getter is not copied with the others.
    get log() {
      return context.log;
    },
  };
}

/** Who may do what: the hook of the scheduler, or that of its ledger where it has none. */
export function accessOf({ ledger, options }: Pick<EngineContext, 'ledger' | 'options'>): Access {
  return options.access ?? ledger.access;
}
