/**
 * What an actor may see and do: names, instances, actions. Every answer about more than one job is cut down to it.
 *
 * @module
 */
import type { MonqueManagement } from '@monque/core';
import type { LedgerVerb } from '@monque/core/types';
import type { Action, Actions } from '../api/types.ts';
import type { Snapshot } from './snapshot.ts';

/** What one actor sees. */
export interface Scope {
  /** True for jobs of every name. */
  readonly seesAll: boolean;
  /** True for the instances, with their hosts. */
  readonly seesInstances: boolean;
  /** The names it sees, of those that are known. */
  readonly names: ReadonlySet<string>;
}

/** True when jobs of this name are shown. */
export function sees({ seesAll, names }: Scope, name: string): boolean {
  return seesAll || names.has(name);
}

/** The names that are known now. */
function knownNames({ inspection }: Snapshot, more: readonly string[]): string[] {
  const running = inspection.instances.flatMap(({ claims }) => claims?.byName ?? []);
  const names = [...inspection.names, ...running].map(({ name }) => name);
  return [...new Set([...names, ...more])].sort();
}

/** Asks the hook what the actor sees. */
export async function scopeOf(
  management: MonqueManagement,
  snapshot: Snapshot,
  more: readonly string[],
): Promise<Scope> {
  const [seesAll, seesInstances] = await Promise.all([
    management.can('findJobs'),
    management.can('readLeases'),
  ]);
  const known = knownNames(snapshot, more);
  const may = await Promise.all(known.map((name) => seesAll || management.can('findJobs', name)));
  return { seesAll, seesInstances, names: new Set(known.filter((_, index) => may[index])) };
}

/** The verb of the ledger that decides about an action. */
const VERBS: Readonly<Record<Action, LedgerVerb>> = {
  see: 'findJobs',
  enqueue: 'enqueue',
  cancel: 'cancel',
  retry: 'redrive',
  reschedule: 'amend',
  delete: 'remove',
  openGate: 'openGate',
  setMetadata: 'setMetadata',
  schedule: 'replan',
  unschedule: 'endSeries',
  pause: 'setPaused',
  audit: 'findJobs',
  repair: 'repair',
  setLimit: 'setLimit',
  setGroup: 'setGroup',
};

const READS: ReadonlySet<string> = new Set<Action>(['see', 'audit']);

/** What the actor may do, on jobs of a name where one is given. */
export async function actionsOf(
  management: MonqueManagement,
  readOnly: boolean,
  name?: string,
): Promise<Actions> {
  const entries = Object.entries(VERBS).map(async ([action, verb]) => {
    if (readOnly && !READS.has(action)) return [action, false];
    return [action, await (name === undefined ? management.can(verb) : management.can(verb, name))];
  });
  return Object.fromEntries(await Promise.all(entries)) as Actions;
}
