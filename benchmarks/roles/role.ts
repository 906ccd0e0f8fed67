/**
 * What one process of a measurement does, and how it talks with the process that measures.
 *
 * @module
 */
import type { Open, Place } from '../adapter.ts';

/** The channel to the process that measures. */
export interface Link {
  /** Reports something on the way. */
  note(value: Record<string, unknown>): void;
  /** The next word of the measuring process; words wait until they are read. */
  receive(): Promise<string>;
}

/** Numbers that a role needs, by their names. */
export type RoleParams = Readonly<Record<string, number>>;

/** What one process is given. */
export interface RoleContext {
  readonly open: Open;
  readonly place: Place;
  readonly params: RoleParams;
  readonly link: Link;
}

/** Resolves with what was measured. */
export type Role = (context: RoleContext) => Promise<Record<string, unknown>>;

/** A parameter that has to be there. */
export function param(params: RoleParams, name: string): number {
  const value = params[name];
  if (value === undefined) throw new Error(`Expected the parameter ${name}, it is missing`);
  return value;
}

/** Nanoseconds of the clock that all processes of this machine share. */
export function sharedNowNs(): number {
  return Number(process.hrtime.bigint());
}
