/**
 * What a dashboard is given when it is made.
 *
 * @module
 */
import {
  type Actor,
  type Health,
  type Inspection,
  InvalidArgumentError,
  type MetricsSnapshot,
} from '@monque/core';
import type { LedgersOption } from './options-of-ledgers.ts';
import type { Redactor } from './server/redaction.ts';

/** The scheduler that a dashboard shows: a `Monque`, whatever the names of its jobs. */
export interface AnyMonque {
  as(actor: Actor): object;
  health(): Health;
  inspect(): Promise<Inspection>;
  metrics(): MetricsSnapshot;
}

/** Options of {@link createDashboard}. */
export interface DashboardOptions {
  /** The scheduler whose jobs are shown. It need not be started. */
  readonly monque: AnyMonque;
  /**
   * Who asks: the actor of the request, which every call is made as; `null` for nobody, who gets a 401; or a `Response`
   * that is sent as it is, such as the way to a login. To open the dashboard to everybody, write
   * `actor: () => 'anyone'`.
   */
  readonly actor: (request: Request) => Actor | Response | null | Promise<Actor | Response | null>;
  /** Let nobody, or not these actors, change anything. @default false */
  readonly readOnly?: boolean | ((actor: Actor) => boolean);
  /**
   * Which stored values are taken out of every answer: names of keys, whatever their case and punctuation, at any
   * depth; or a function that is given each value of a job. @default {@link DEFAULT_REDACTED_KEYS}
   */
  readonly redact?: readonly string[] | Redactor;
  /** What the pages are called. @default 'Monque' */
  readonly title?: string;
  /** Such as `production`: shown as a badge. */
  readonly environment?: string;
  /** Work ledgers to show beside the jobs, of `@monque/ledgers`. @default none */
  readonly ledgers?: LedgersOption;
  /** Job names beside those that have waiting jobs or a worker, for actors who may not see all names. */
  readonly names?: readonly string[];
  /** Milliseconds after which a request is given up. From 100 to 120000. @default 15000 */
  readonly timeout?: number;
  /** Called with errors that the dashboard does not know. They never reach the host otherwise. @default nothing */
  readonly onError?: (error: unknown) => void;
}

const KNOWN = new Set<string>([
  ...['monque', 'actor', 'readOnly', 'redact', 'title', 'environment', 'names', 'timeout'],
  ...['onError', 'ledgers'],
]);

/** The milliseconds after which a request is given up, when nothing is said. */
export const DEFAULT_TIMEOUT = 15_000;

const LEDGER_VERBS: Readonly<Record<string, readonly string[]>> = {
  verification: ['list', 'resultsOf'],
  coordination: ['list', 'statistics'],
};

const VERBS = ['as', 'health', 'inspect', 'metrics'] as const;

/** Checks the options. */
export function checkOptions(options: DashboardOptions): void {
  const given: unknown = options;
  if (typeof given !== 'object' || given === null) throw wrong('options', 'an object', given);
  for (const name of Object.keys(given)) {
    if (!KNOWN.has(name)) {
      const value: unknown = Reflect.get(given, name);
      throw wrong(`options.${name}`, `one of ${[...KNOWN].join(', ')}`, value);
    }
  }
  const { monque, actor, readOnly, redact, names, timeout, onError } = options;
  if (!VERBS.every((verb) => typeof monque?.[verb] === 'function')) {
    throw wrong('options.monque', 'a Monque', monque);
  }
  if (typeof actor !== 'function') {
    const hint = "to open the dashboard to everybody, write `actor: () => 'anyone'`";
    throw new InvalidArgumentError('options.actor', 'a function', actor, hint);
  }
  checkIf('options.readOnly', readOnly, 'a boolean or a function', isOneOf('boolean', 'function'));
  checkIf('options.redact', redact, 'a list of texts or a function', isTextsOrFunction);
  checkLedgers(options.ledgers);
  checkIf('options.title', options.title, 'a text', isOneOf('string'));
  checkIf('options.environment', options.environment, 'a text', isOneOf('string'));
  checkIf('options.names', names, 'a list of texts', isTexts);
  checkIf('options.timeout', timeout, 'an integer from 100 to 120000', isTimeout);
  checkIf('options.onError', onError, 'a function', isOneOf('function'));
}

function checkLedgers(ledgers: DashboardOptions['ledgers']): void {
  if (ledgers === undefined) return;
  checkIf('options.ledgers', ledgers, 'an object', (value) => typeof value === 'object' && !!value);
  for (const [name, value] of Object.entries(ledgers)) {
    const verbs = Object.hasOwn(LEDGER_VERBS, name) ? LEDGER_VERBS[name] : undefined;
    if (verbs === undefined) {
      throw wrong(`options.ledgers.${name}`, 'verification or coordination', value);
    }
    const isLedger = verbs.every((verb) => typeof Reflect.get(Object(value), verb) === 'function');
    if (!isLedger) throw wrong(`options.ledgers.${name}`, 'a ledger of @monque/ledgers', value);
  }
}

function checkIf(
  field: string,
  value: unknown,
  expected: string,
  is: (value: unknown) => boolean,
): void {
  if (value !== undefined && !is(value)) throw wrong(field, expected, value);
}

function wrong(field: string, expected: string, value: unknown): InvalidArgumentError {
  return new InvalidArgumentError(field, expected, value);
}

function isOneOf(...types: readonly string[]): (value: unknown) => boolean {
  return (value) => types.includes(typeof value);
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isTextsOrFunction(value: unknown): boolean {
  return typeof value === 'function' || isTexts(value);
}

function isTimeout(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 100 && Number(value) <= 120_000;
}
