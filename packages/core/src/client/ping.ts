/**
 * Whether the ledger answers, asked for by whoever only enqueues.
 *
 * @module
 */
import type { EngineContext } from '../context/scheduler-context.ts';
import { checkFields, DAY_MS, integer } from '../foundation/argument-checks.ts';
import { withDeadline } from '../foundation/clock.ts';
import { ConnectionError, toError } from '../foundation/errors.ts';

/** How long the ledger is asked. */
export interface PingOptions {
  /** Milliseconds to wait at most, from 1 to a day. @default `operationTimeout` */
  readonly timeout?: number;
}

/** Whether the ledger answered. */
export type Ping =
  /** It did, after so many milliseconds. */
  | { readonly isReachable: true; readonly tookMs: number }
  /** It did not, and why. */
  | { readonly isReachable: false; readonly tookMs: number; readonly error: Error };

type PingContext = Pick<EngineContext, 'ledger' | 'clock' | 'options' | 'health' | 'report'>;

/** Asks the ledger for its time. Rejects only for wrong options. */
export async function pingLedger(context: PingContext, options: PingOptions): Promise<Ping> {
  checkFields('options', options, { timeout: integer(1, DAY_MS) });
  const { ledger, clock, health, report } = context;
  const { timeout = context.options.operationTimeoutMs } = options;
  const sentMs = clock.monotonic();
  const late = (): Error => new ConnectionError(`The ledger did not answer within ${timeout} ms`);
  try {
    await withDeadline(clock, ledger.readTime({ deadlineMs: timeout }), timeout, late);
    health.answered();
    return { isReachable: true, tookMs: clock.monotonic() - sentMs };
  } catch (error) {
    report(error);
    return { isReachable: false, tookMs: clock.monotonic() - sentMs, error: toError(error) };
  }
}
