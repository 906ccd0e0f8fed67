/** Who uses the simulated schedulers, and what it means that a feature of the engine is simulated. */
import type { WorkerOptions } from '../../../src/index.ts';
import { ownLimitKey } from '../../../src/options/limit-options.ts';
import type { Chance } from '../chance.ts';
import type { Host } from '../host.ts';
import type { Observer } from '../observer.ts';
import { LEASE_MS, type Profile } from '../profile.ts';
import type { MakeRule } from '../rules/rule.ts';
import type { World } from '../world.ts';

/** The names of simulated jobs. */
export const JOB_NAMES: readonly string[] = ['mail', 'image', 'report'];

/** The name under which dead letters wait. */
export const DEAD_LETTER_NAME = 'dead-letters';

/** The name of the jobs with a group. */
export const GROUPED_NAME = 'grouped';

/** How many jobs of a group may run at once that has no limit of its own. */
export const LIMIT_OF_GROUPS = 2;
/** The name of the jobs that stand in orders. */
export const ORDERED_NAME = 'account';

/** The name of the jobs that supersede those before them. */
export const SUPERSEDING_NAME = 'render';

/** The name of the jobs that come in crowds to a worker with patience. */
export const PATIENT_NAME = 'digest';

/** The names whose workers have patience, where there is any; one of them shares a limit. */
export const PATIENT_NAMES: readonly string[] = [PATIENT_NAME, 'image'];

/** How long their jobs are due before they go first, in milliseconds. */
export const PATIENCE_MS = 400;

/** The limit that several names share. */
export const SHARED_LIMIT = 'fleet';

/** How many jobs of the name with a limit of its own run at once. */
const OWN_CONCURRENCY = 2;

const SHARING: readonly string[] = ['image', 'report', ORDERED_NAME];
const OWNER = 'report';

/** How the worker of a name is limited. */
export function limitOptionsOf(name: string, { limits }: Profile): WorkerOptions {
  if (limits === 0 || !SHARING.includes(name)) return {};
  const own = name === OWNER && { limit: { concurrency: OWN_CONCURRENCY } };
  return { limits: [SHARED_LIMIT], ...own };
}

/** How patient the worker of a name is. */
export function patienceOptionsOf(name: string, { patientJobs }: Profile): WorkerOptions {
  return patientJobs > 0 && PATIENT_NAMES.includes(name) ? { patience: PATIENCE_MS } : {};
}

/** The keys of those limits. */
export function limitKeysOf(name: string, profile: Profile): readonly string[] {
  const { limits = [], limit } = limitOptionsOf(name, profile);
  return [...limits, ...(limit ? [ownLimitKey(name)] : [])];
}

/** So long after the faults nothing of them is on its way any more, and users say what they want in the end. */
export const LAST_WORDS_MS: number = LEASE_MS + 500;

/** What a feature works with. */
export interface Users {
  readonly world: World;
  readonly chance: Chance;
  readonly profile: Profile;
  readonly observer: Observer;
  readonly hosts: readonly Host[];
}

/** Something the engine can do. */
export interface Feature {
  /** Plans what is done with it in the time of the faults. */
  readonly plan?: (users: Users) => void;
  readonly rules: readonly MakeRule[];
}

/** Whoever happens to be there; a place that stopped its workers still enqueues. */
export function pickHost({ hosts, chance }: Users): Host | undefined {
  const there = hosts.filter(({ machine }) => machine.isRunning);
  return there.length > 0 ? chance.pick(there) : undefined;
}
