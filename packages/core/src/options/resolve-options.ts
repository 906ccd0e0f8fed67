/**
 * From the options of a scheduler, as they were given, to what its parts read.
 *
 * @module
 */
import { checkFields } from '../foundation/argument-checks.ts';
import type { Clock } from '../foundation/clock.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import type { Random } from '../foundation/random.ts';
import type { Codec } from '../job/codec.ts';
import type { JobStatus } from '../job/job.ts';
import type { Access } from '../ledger/ledger-repository.ts';
import type { WriteConcernOption } from '../ledger/mongodb/server/commands.ts';
import type { InvariantOptions } from '../ledger/rules/rules.ts';
import type { Logger } from '../telemetry/log.ts';
import { type ResolvedAlerts, resolveAlerts } from './alert-options.ts';
import { DEFAULTS, OPTION_CHECKS, OPTION_NAMES, OPTIONS } from './option-table.ts';
import type { MonqueOptions } from './options.ts';

/** The options after defaults, with units in their names. */
export interface ResolvedOptions {
  /** How long what happened by minute is kept; undefined where it is not counted. */
  readonly throughputHistoryMs: number | undefined;
  readonly pollIntervalMs: number;
  readonly claimOnEnqueue: boolean;
  readonly defaultConcurrency: number;
  readonly instanceConcurrency: number;
  readonly maxRetries: number;
  readonly baseRetryIntervalMs: number;
  readonly maxBackoffDelayMs: number;
  readonly shutdownTimeoutMs: number;
  readonly leaseDurationMs: number;
  readonly rescueLimit: number;
  readonly recoverStaleJobs: boolean;
  readonly lockTimeoutMs: number;
  readonly retryJitter: number;
  /** A state that is left out is kept for ever. */
  readonly retentionMs: Readonly<Partial<Record<JobStatus, number>>>;
  readonly archive: boolean;
  readonly signals: readonly NodeJS.Signals[];
  readonly resendLimitMs: number;
  readonly maxPayloadBytes: number;
  /** The most bytes of a value as it is given; unbounded where a codec makes another of it, which is bounded. */
  readonly maxGivenBytes: number;
  readonly access: Access | undefined;
  readonly codec: Codec | undefined;
  readonly operationTimeoutMs: number;
  readonly logger?: Logger | false;
  readonly alerts: ResolvedAlerts;
  readonly clock: Clock;
  readonly random: Random;
  readonly ledger: {
    readonly collectionName: string;
    readonly writeConcern: WriteConcernOption;
    readonly skipIndexCreation: boolean;
    readonly listingIndexes: boolean;
    readonly transitionLog: boolean;
    readonly invariants: InvariantOptions;
  };
}

/**
 * Checks the options, fills in the defaults and freezes the result.
 *
 * @param ownLedger - true when the caller brought a ledger, so that options of the ledger would do nothing
 * @throws InvalidArgumentError naming the option
 */
export function resolveOptions(options: MonqueOptions = {}, ownLedger = false): ResolvedOptions {
  checkFields('options', options, OPTION_CHECKS);
  if (ownLedger) refuseOptionsOfLedger(options);
  const { instanceConcurrency, access, codec, logger, alerts, invariants = {}, ...given } = options;
  const all = { ...DEFAULTS, ...defined(given) };
  const { collectionName, writeConcern, skipIndexCreation, listingIndexes, transitionLog } = all;
  const { archive, ...retention } = { ...DEFAULTS.jobRetention, ...defined(all.jobRetention) };
  return Object.freeze({
    throughputHistoryMs: all.throughputHistory === false ? undefined : all.throughputHistory,
    pollIntervalMs: all.pollInterval,
    claimOnEnqueue: all.claimOnEnqueue,
    defaultConcurrency: all.defaultConcurrency,
    instanceConcurrency: instanceConcurrency ?? Number.POSITIVE_INFINITY,
    maxRetries: all.maxRetries,
    baseRetryIntervalMs: all.baseRetryInterval,
    maxBackoffDelayMs: all.maxBackoffDelay,
    shutdownTimeoutMs: all.shutdownTimeout,
    leaseDurationMs: all.leaseDuration,
    rescueLimit: all.rescueLimit,
    recoverStaleJobs: all.recoverStaleJobs,
    lockTimeoutMs: all.lockTimeout,
    retryJitter: all.retryJitter,
    retentionMs: keptFor(retention),
    archive: archive === true,
    signals: resolveSignals(all.handleSignals),
    resendLimitMs: all.resendLimit,
    maxPayloadBytes: all.maxPayloadSize,
    maxGivenBytes: codec ? Number.POSITIVE_INFINITY : all.maxPayloadSize,
    access,
    codec,
    operationTimeoutMs: all.operationTimeout,
    ...(logger !== undefined && { logger }),
    alerts: resolveAlerts(alerts),
    clock: all.clock,
    random: all.random,
    ledger: Object.freeze({
      ...{ collectionName, writeConcern, skipIndexCreation, listingIndexes, transitionLog },
      invariants,
    }),
  });
}

function refuseOptionsOfLedger(options: MonqueOptions): void {
  const isMisplaced = (name: keyof MonqueOptions): boolean =>
    OPTIONS[name].of === 'ledger' && options[name] !== undefined;
  const misplaced = OPTION_NAMES.find(isMisplaced);
  if (misplaced === undefined) return;
  const expected = 'left out, since a ledger repository was given';
  throw new InvalidArgumentError(`options.${misplaced}`, expected, options[misplaced]);
}

/** A state whose jobs are kept for ever is left out. */
function keptFor(
  retention: Readonly<Record<string, number | false | undefined>>,
): ResolvedOptions['retentionMs'] {
  return Object.fromEntries(
    Object.entries(retention).filter(([, retentionMs]) => retentionMs !== false),
  ) as ResolvedOptions['retentionMs'];
}

function defined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}

function resolveSignals(handled: boolean | readonly NodeJS.Signals[]): readonly NodeJS.Signals[] {
  if (typeof handled !== 'boolean') return [...handled];
  return handled ? ['SIGTERM', 'SIGINT'] : [];
}
