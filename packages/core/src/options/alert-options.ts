/**
 * Which thresholds there are for alerts, and what an alert says.
 *
 * @module
 */
import { DAY_MS, fields, integer, numberFrom } from '../foundation/argument-checks.ts';

/** Milliseconds over which the share of failed runs is taken: one minute. */
export const DEFAULT_FAILURE_WINDOW = 60_000;

/** Runs that must have ended within the window before their failures say something. */
export const DEFAULT_FAILURE_MINIMUM = 10;

/** What an alert can be about. */
export type AlertKind = 'queueLag' | 'failureRate' | 'settleDelay' | 'clockError';

/** A value that crossed its threshold, or came back. */
export interface Alert {
  readonly kind: AlertKind;
  readonly value: number;
  readonly threshold: number;
  /** Of both: milliseconds, or of `failureRate` a share from 0 to 1. */
  readonly unit: 'ms' | 'share';
  /** When it was found to have crossed the threshold, by the clock of this process. */
  readonly since: Date;
}

/** The unit of the values of each kind. */
export const ALERT_UNITS: Readonly<Record<AlertKind, Alert['unit']>> = Object.freeze({
  queueLag: 'ms',
  failureRate: 'share',
  settleDelay: 'ms',
  clockError: 'ms',
});

/** Thresholds for alerts. A value without a threshold is not looked at. */
export interface AlertOptions {
  /** How late jobs may start, in milliseconds, from 1. */
  readonly queueLag?: number;
  /** The share of runs that may fail, from 0.001 to 1. */
  readonly failureRate?: number;
  /** Milliseconds over which that share is taken, from 1000. @default 60000 */
  readonly failureWindow?: number;
  /** Runs that must have ended in the window, from 1; with fewer the share counts as 0. @default 10 */
  readonly failureMinimum?: number;
  /** How long it may take until the end of a run is recorded, in milliseconds, from 1. */
  readonly settleDelay?: number;
  /** How far the clock of this machine may be from the ledger's, in milliseconds, from 1. */
  readonly clockError?: number;
}

/** The thresholds after defaults. */
export interface ResolvedAlerts {
  readonly of: Readonly<Partial<Record<AlertKind, number>>>;
  readonly failureWindowMs: number;
  readonly failureMinimum: number;
}

const LOWEST_RATE = 0.001;

/** Refuses what is wrong with the option `alerts`, with an InvalidArgumentError that names it. */
export const checkAlerts: (field: string, value: unknown) => void = fields({
  queueLag: integer(1, DAY_MS),
  failureRate: numberFrom(LOWEST_RATE, 1),
  failureWindow: integer(1_000, DAY_MS),
  failureMinimum: integer(1, 1_000_000),
  settleDelay: integer(1, DAY_MS),
  clockError: integer(1, DAY_MS),
});

/** Fills in the defaults. */
export function resolveAlerts(options: AlertOptions = {}): ResolvedAlerts {
  const { failureWindow, failureMinimum, ...thresholds } = options;
  const given = Object.entries(thresholds).filter(([, threshold]) => threshold !== undefined);
  return {
    of: Object.fromEntries(given),
    failureWindowMs: failureWindow ?? DEFAULT_FAILURE_WINDOW,
    failureMinimum: failureMinimum ?? DEFAULT_FAILURE_MINIMUM,
  };
}
