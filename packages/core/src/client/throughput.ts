/**
 * What happened in all processes, as people see it.
 *
 * @module
 */
import type { EngineContext } from '../context/scheduler-context.ts';
import { InvalidArgumentError } from '../foundation/errors.ts';
import type { ThroughputPoint } from '../ledger/ledger-repository.ts';
import {
  checkThroughputOptions,
  DEFAULT_THROUGHPUT_STEP,
  MOST_THROUGHPUT_POINTS,
  type ThroughputOptions,
} from '../options/throughput-options.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** What {@link MonqueManagement.getThroughput} answers. */
export interface Throughput {
  /** When it was read, by the ledger's clock. */
  readonly at: Date;
  /** The beginning of the first step that was looked at. */
  readonly from: Date;
  /** How long a step is, in milliseconds. */
  readonly stepMs: number;
  /** The steps in which something was counted, in their order; with `perName` one point for each name. */
  readonly points: readonly ThroughputPoint[];
  /** True when there were more than 10000 points, so that the last steps are left out. */
  readonly isCut: boolean;
  /** True when this scheduler has `throughputHistory`; where it has not, others may have it. */
  readonly isRecorded: boolean;
}

type ThroughputContext = Pick<EngineContext, 'ledger' | 'ledgerTime' | 'ready' | 'throughput'>;

/** What was counted by minute, in steps. */
export async function readThroughput(
  { ledger, ledgerTime, ready, throughput }: ThroughputContext,
  options: ThroughputOptions,
): Promise<Throughput> {
  checkThroughputOptions(options);
  const { step = DEFAULT_THROUGHPUT_STEP, name, perName, timeout } = options;
  await ready();
  const at = ledgerTime.now();
  // With the minute that is on.
  const { before = new Date(at.getTime() + MINUTE_MS) } = options;
  const { from: first = new Date(before.getTime() - HOUR_MS) } = options;
  const from = new Date(first.getTime() - (first.getTime() % step));
  if (from >= before) {
    throw new InvalidArgumentError('options.before', 'a time after `from`', before);
  }
  const points = await ledger.readThroughput({
    ...{ from, before, stepMs: step, limit: MOST_THROUGHPUT_POINTS + 1 },
    ...(name !== undefined && { names: [name].flat() }),
    ...(perName !== undefined && { perName }),
    ...(timeout !== undefined && { deadlineMs: timeout }),
  });
  const isCut = points.length > MOST_THROUGHPUT_POINTS;
  const isRecorded = throughput !== undefined;
  const shown = points.slice(0, MOST_THROUGHPUT_POINTS);
  return { at, from, stepMs: step, points: shown, isCut, isRecorded };
}
