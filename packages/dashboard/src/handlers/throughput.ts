/**
 * Answers what happened in all processes: as the pages draw it, and of the last minute as Prometheus reads it.
 *
 * @module
 */
import type { Throughput } from '@monque/core';
import type { ThroughputOptions } from '@monque/core/types';
import type { ThroughputAnswer } from '../api/types.ts';
import { timeOf } from '../clock.ts';
import type { Call, Handlers } from '../server/call.ts';
import { prometheusOfMinute } from '../server/metrics.ts';

const MINUTE_MS = 60_000;

/** Of the names that the actor sees; nothing for one who sees none. */
async function read(call: Call, options: ThroughputOptions): Promise<Throughput | undefined> {
  const name = options.name ?? (await call.names());
  if (name?.length === 0) return undefined;
  const timeout = call.server.timeoutMs;
  return call.monque.getThroughput({ ...options, ...(name !== undefined && { name }), timeout });
}

async function getThroughput(call: Call): Promise<ThroughputAnswer> {
  const { from, before, ...rest } = call.query as Readonly<Record<string, string | undefined>>;
  const found = await read(call, {
    ...(rest as ThroughputOptions),
    ...(from !== undefined && { from: new Date(from) }),
    ...(before !== undefined && { before: new Date(before) }),
  });
  const { at } = call;
  if (found === undefined) {
    const nothing = { stepMs: MINUTE_MS, points: [], isCut: false, isRecorded: false };
    return { at, from: at, ...nothing };
  }
  return {
    ...{ ...found, at: timeOf(found.at), from: timeOf(found.from) },
    points: found.points.map((point) => ({ ...point, at: timeOf(point.at) })),
  };
}

/** The last minute of which all processes have reported, as lines of the text format. */
export async function lastMinuteOf(call: Call): Promise<string> {
  const nowMs = call.server.snapshots.now().getTime();
  const beforeMs = nowMs - (nowMs % MINUTE_MS) - MINUTE_MS;
  const range = { from: new Date(beforeMs - MINUTE_MS), before: new Date(beforeMs) };
  const found = await read(call, { ...range, perName: true });
  return prometheusOfMinute(found?.points ?? []);
}

/** The handlers. */
export const THROUGHPUT_HANDLERS: Handlers<'getThroughput'> = { getThroughput };
