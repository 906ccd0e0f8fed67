/**
 * What is wrong in a cluster, found in one inspection of it: shown by `status`, `doctor` and `top` alike.
 *
 * @module
 */
import type { Inspection } from '@monque/core';
import type { InspectedInstance, InspectedName } from '@monque/core/types';
import { counted, span } from '../context/words.ts';

/** Something that somebody has to act on, or that is worth knowing. */
export interface Finding {
  /** A stable word for its kind. */
  readonly kind: string;
  /** `act`: something must be done; `know`: nothing needs to be. */
  readonly weight: 'act' | 'know';
  /** What is so. */
  readonly message: string;
  /** What to do. */
  readonly advice: string;
}

/** What makes a problem of what is normal to a degree. */
export interface ProblemBounds {
  /** Milliseconds for which a due job may wait where a worker for it is alive. */
  readonly maxQueueLagMs: number;
}

/** A due job waits longer than this only when workers cannot keep up. */
export const DEFAULT_MAX_QUEUE_LAG_MS = 60_000;

/** The problems that an inspection shows, the gravest first. */
export function problemsOf(inspection: Inspection, bounds: ProblemBounds): Finding[] {
  return [
    ...nobody(inspection),
    ...inspection.instances.flatMap(ofInstance),
    ...inspection.names.flatMap((name) => ofName(name, inspection, bounds)),
    ...ofVersions(inspection.instances),
  ];
}

function aliveOf({ instances }: Inspection): InspectedInstance[] {
  return instances.filter(({ state }) => state === 'alive');
}

function nobody(inspection: Inspection): Finding[] {
  if (aliveOf(inspection).length > 0 || !inspection.names.some(({ due }) => due > 0)) return [];
  return [
    {
      ...{ kind: 'noInstance', weight: 'act' },
      message: 'Jobs are due, and no instance is alive',
      advice: 'start a process that calls start()',
    },
  ];
}

const INSTANCE_WORDS = {
  silent: 'is silent',
  dead: 'is dead',
  unknown: 'is not on record',
} as const;

function ofInstance({ instanceId, state, info, claims }: InspectedInstance): Finding[] {
  if (state === 'alive' || claims === undefined || claims.count === 0) return [];
  const where = info === undefined ? '' : ` (${info.host}, pid ${info.pid})`;
  const held = counted(claims.count, 'job', claims.isCut);
  return [
    {
      ...{ kind: 'deadInstance', weight: 'act' },
      message: `Instance ${instanceId}${where} ${INSTANCE_WORDS[state]} and holds ${held}`,
      advice:
        'a live instance with recoverStaleJobs gives them back within about two leases; start one if there is none',
    },
  ];
}

function ofName(
  { name, due, dueIsCut, isPaused, instances, queueLagMs: lag }: InspectedName,
  inspection: Inspection,
  { maxQueueLagMs }: ProblemBounds,
): Finding[] {
  if (due === 0) return [];
  const jobs = counted(due, 'due job', dueIsCut);
  if (isPaused) {
    return [
      {
        ...{ kind: 'pausedDue', weight: 'act' },
        message: `The name '${name}' is paused and has ${jobs}, the oldest due for ${span(lag)}`,
        advice: `let it go on with \`monque names resume ${name}\``,
      },
    ];
  }
  const alive = aliveOf(inspection);
  // Instances that do not name all of their workers may well have one for it.
  const mayHave = alive.some(({ info }) => info === undefined || info.unnamedWorkers > 0);
  if (instances === 0) {
    if (alive.length === 0 || mayHave) return [];
    return [
      {
        ...{ kind: 'noWorker', weight: 'act' },
        message: `'${name}' has ${jobs}, and no live instance has a worker for it`,
        advice: `start a process with worker('${name}', ...), or look for a misspelt name`,
      },
    ];
  }
  if (lag <= maxQueueLagMs) return [];
  return [
    {
      ...{ kind: 'queueLag', weight: 'act' },
      message: `'${name}' has ${jobs}, the oldest due for ${span(lag)}`,
      advice: 'start more instances, or raise the concurrency of its worker',
    },
  ];
}

function ofVersions(instances: readonly InspectedInstance[]): Finding[] {
  const alive = instances.filter(({ state, info }) => state === 'alive' && info !== undefined);
  const versions = [...new Set(alive.map(({ info }) => String(info?.version)))].sort();
  if (versions.length < 2) return [];
  return [
    {
      ...{ kind: 'mixedVersions', weight: 'know' },
      message: `Instances of different versions are alive: ${versions.join(', ')}`,
      advice: 'fine during a rolling deploy; else bring all to one version',
    },
  ];
}
