/**
 * What is measured, as data: the systems, the figures, and how one measurement is made.
 *
 * @module
 */
import type { Servers } from '../servers/servers.ts';
import type { SystemDefinition } from '../systems.ts';

/** One number that a measurement gives. */
export interface Figure {
  readonly key: string;
  /** The head of its column. */
  readonly label: string;
  /** Digits after the point. @default 0 */
  readonly digits?: number;
}

/** One row of a scenario's table. */
export interface Case {
  readonly system: SystemDefinition;
  /** What sets it apart from other rows of this system; empty when there is one. */
  readonly variant: string;
}

/** Numbers by the keys of their figures; one that a system does not have is absent. */
export type Figures = Readonly<Record<string, number>>;

/** What a measurement is given. */
export interface Bench {
  readonly servers: Servers;
  /** Multiplies numbers of jobs and durations; below 1 for a quick look. */
  readonly scale: number;
}

/** One thing to measure. */
export interface Scenario {
  readonly id: string;
  readonly title: string;
  /** How it is measured, in full sentences. */
  readonly method: string;
  /** How often every case is measured; medians are shown. */
  readonly rounds: number;
  readonly cases: readonly Case[];
  /** True when cases do not disturb each other, so that all are measured at the same time. */
  readonly isConcurrent?: boolean;
  readonly figures: readonly Figure[];
  /** The figure of the chart. */
  readonly chart: string;
  /** The system whose chart figure the others' are divided by, variant by variant, in a column of its own. */
  readonly baseline?: string;
  measure(bench: Bench, measured: Case): Promise<Figures>;
}

/** Every system with every variant. */
export function casesOf(
  systems: readonly SystemDefinition[],
  variants: readonly string[] = [''],
): Case[] {
  return systems.flatMap((system) => variants.map((variant) => ({ system, variant })));
}
