/**
 * Every option of a scheduler in one row: how a value is checked, what holds without one, its unit, whether it can
 * change, and whether it belongs to the ledger. All that is done with options is derived from these rows, and
 * `docs/api/options.md` lists the same.
 *
 * @module
 */
import {
  type Check,
  checkCollectionName,
  DAY_MS,
  fields,
  hasMethods,
  integer,
  numberFrom,
  oneOf,
  YEAR_MS,
} from '../foundation/argument-checks.ts';
import { systemClock } from '../foundation/clock.ts';
import { systemRandom } from '../foundation/random.ts';
import { LARGEST_PAYLOAD_BYTES } from '../job/payload.ts';
import { DEFAULT_OPERATION_TIMEOUT } from '../ledger/ledger-repository.ts';
import { DEFAULT_COLLECTION_NAME } from '../ledger/mongodb/ledger-options.ts';
import { checkInvariantOptions } from '../ledger/rules/rules.ts';
import { checkAlerts } from './alert-options.ts';
import type { LiveOptionName, MonqueOptions, OptionWithoutDefault } from './options.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** What is known of one option. */
export interface OptionRow<Name extends keyof MonqueOptions> {
  /** Refuses a value that it cannot take. */
  readonly check: Check;
  /** What holds when nothing is given. */
  readonly default: Name extends OptionWithoutDefault ? undefined : Required<MonqueOptions>[Name];
  /** Of its numbers. */
  readonly unit?: 'ms' | 'bytes';
  /** Whether `reconfigure` takes it. The others belong to what is open already, or to an agreement with other processes. */
  readonly isLive: Name extends LiveOptionName ? true : false;
  /** `ledger`: it concerns only a ledger that Monque makes itself from a `Db`. */
  readonly of: 'engine' | 'ledger';
}

const checkRetention = (field: string, value: unknown): void => {
  if (value !== false) integer(0, 100 * YEAR_MS)(field, value);
};

/** Any name that the platform knows can be listened for; a wrong one is refused by Node.js itself. */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGBREAK'];

const checkSignals = (field: string, value: unknown): void => {
  if (!Array.isArray(value)) oneOf(true, false)(field, value);
  else for (const [index, item] of value.entries()) oneOf(...SIGNALS)(`${field}[${index}]`, item);
};

/** The rows. */
export const OPTIONS: { readonly [Name in keyof MonqueOptions]-?: OptionRow<Name> } = {
  collectionName: {
    check: checkCollectionName,
    default: DEFAULT_COLLECTION_NAME,
    isLive: false,
    of: 'ledger',
  },
  writeConcern: {
    check: oneOf('majority', 1),
    default: 'majority',
    isLive: false,
    of: 'ledger',
  },
  skipIndexCreation: {
    check: oneOf(true, false),
    default: false,
    isLive: false,
    of: 'ledger',
  },
  listingIndexes: {
    check: oneOf(true, false),
    default: false,
    isLive: false,
    of: 'ledger',
  },
  transitionLog: {
    check: oneOf(true, false),
    default: false,
    isLive: false,
    of: 'ledger',
  },
  throughputHistory: {
    check: (field, value) => {
      if (value !== false) integer(HOUR_MS, YEAR_MS)(field, value);
    },
    default: false,
    unit: 'ms',
    isLive: false,
    of: 'engine',
  },
  pollInterval: {
    check: integer(10, DAY_MS),
    default: 1_000,
    unit: 'ms',
    isLive: true,
    of: 'engine',
  },
  claimOnEnqueue: {
    check: oneOf(true, false),
    default: true,
    isLive: true,
    of: 'engine',
  },
  defaultConcurrency: {
    check: integer(1, 10_000),
    default: 5,
    isLive: true,
    of: 'engine',
  },
  instanceConcurrency: {
    check: integer(1, 100_000),
    default: undefined,
    isLive: true,
    of: 'engine',
  },
  maxRetries: {
    check: integer(1, 1_000_000),
    default: 10,
    isLive: true,
    of: 'engine',
  },
  baseRetryInterval: {
    check: integer(1, YEAR_MS),
    default: 1_000,
    unit: 'ms',
    isLive: true,
    of: 'engine',
  },
  maxBackoffDelay: {
    check: integer(1, YEAR_MS),
    default: DAY_MS,
    unit: 'ms',
    isLive: true,
    of: 'engine',
  },
  shutdownTimeout: {
    check: integer(0, DAY_MS),
    default: 30_000,
    unit: 'ms',
    isLive: true,
    of: 'engine',
  },
  leaseDuration: {
    check: integer(1_000, DAY_MS),
    default: 30_000,
    unit: 'ms',
    isLive: false,
    of: 'engine',
  },
  rescueLimit: {
    check: integer(1, 1_000),
    default: 5,
    isLive: true,
    of: 'engine',
  },
  recoverStaleJobs: {
    check: oneOf(true, false),
    default: true,
    isLive: false,
    of: 'engine',
  },
  lockTimeout: {
    check: integer(1_000, YEAR_MS),
    default: 30 * MINUTE_MS,
    unit: 'ms',
    isLive: true,
    of: 'engine',
  },
  retryJitter: {
    check: numberFrom(0, 1),
    default: 0,
    isLive: true,
    of: 'engine',
  },
  jobRetention: {
    check: fields({
      completed: checkRetention,
      failed: checkRetention,
      cancelled: checkRetention,
      archive: oneOf(true, false),
    }),
    default: Object.freeze({
      completed: DAY_MS,
      failed: 7 * DAY_MS,
      cancelled: DAY_MS,
      archive: false,
    }),
    unit: 'ms',
    isLive: true,
    of: 'engine',
  },
  handleSignals: {
    check: checkSignals,
    default: false,
    isLive: false,
    of: 'engine',
  },
  resendLimit: {
    check: integer(0, DAY_MS),
    default: 10 * MINUTE_MS,
    unit: 'ms',
    isLive: false,
    of: 'engine',
  },
  maxPayloadSize: {
    check: integer(16, LARGEST_PAYLOAD_BYTES),
    default: 1_048_576,
    unit: 'bytes',
    isLive: true,
    of: 'engine',
  },
  operationTimeout: {
    check: integer(100, DAY_MS),
    default: DEFAULT_OPERATION_TIMEOUT,
    unit: 'ms',
    isLive: false,
    of: 'engine',
  },
  access: {
    check: hasMethods('may'),
    default: undefined,
    isLive: false,
    of: 'engine',
  },
  codec: {
    check: hasMethods('encode', 'decode'),
    default: undefined,
    isLive: false,
    of: 'engine',
  },
  logger: {
    check: (field, value) => {
      if (value !== false) hasMethods('debug', 'info', 'warn', 'error')(field, value);
    },
    default: undefined,
    isLive: true,
    of: 'engine',
  },
  invariants: {
    check: checkInvariantOptions,
    default: undefined,
    isLive: true,
    of: 'ledger',
  },
  alerts: {
    check: checkAlerts,
    default: undefined,
    isLive: true,
    of: 'engine',
  },
  clock: {
    check: hasMethods('now', 'monotonic', 'setTimer', 'setImmediate'),
    default: systemClock,
    isLive: false,
    of: 'engine',
  },
  random: {
    check: hasMethods('fraction', 'token', 'objectId'),
    default: systemRandom,
    isLive: false,
    of: 'engine',
  },
};

type OptionName = keyof MonqueOptions;

/** The names of the options. */
export const OPTION_NAMES: readonly OptionName[] = Object.freeze(
  Object.keys(OPTIONS) as OptionName[],
);

/** What values each option takes. */
export const OPTION_CHECKS: Readonly<Record<OptionName, Check>> = Object.fromEntries(
  OPTION_NAMES.map((name) => [name, OPTIONS[name].check]),
) as Record<OptionName, Check>;

/**
 * What holds for each option that nothing was said of; those that are off or without bound then are left out. So your
 * own configuration can refer to a default.
 */
export const DEFAULTS: Readonly<Required<Omit<MonqueOptions, OptionWithoutDefault>>> =
  Object.freeze(
    Object.fromEntries(
      OPTION_NAMES.filter((name) => OPTIONS[name].default !== undefined).map((name) => [
        name,
        OPTIONS[name].default,
      ]),
    ) as unknown as Required<Omit<MonqueOptions, OptionWithoutDefault>>,
  );
