/**
 * The machine of a run, without anything that would say whose it is.
 *
 * @module
 */
import { arch, cpus, loadavg, platform, totalmem } from 'node:os';

/** What the figures depend on. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
}

/** This machine. */
export function describeMachine(): Machine {
  const all = cpus();
  return {
    processor: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    system: `${platform()} ${arch()}`,
    node: process.version,
  };
}

/** Processes that wanted to run during the last minute, on average. */
export function loadOfLastMinute(): number {
  return loadavg()[0] ?? Number.NaN;
}
