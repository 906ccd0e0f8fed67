/**
 * The shared snapshot as one actor sees it.
 *
 * @module
 */
import type { Inspection } from '@monque/core';
import type { InspectedInstance, InspectedName } from '@monque/core/types';
import type { BoundedCount, InstanceRow, NameRow, OverviewAnswer } from '../api/types.ts';
import { timeOf } from '../clock.ts';
import { attentionOf } from './attention.ts';
import { type Scope, sees } from './scope.ts';
import type { Snapshot } from './snapshot.ts';

/** All of it at a glance. */
export function overviewOf(snapshot: Snapshot, scope: Scope): OverviewAnswer {
  const { inspection, problem } = snapshot;
  const instances = instancesOf(snapshot, scope);
  const names = namesOf(snapshot, scope);
  const alive = instances.filter(({ state }) => state === 'alive');
  return {
    at: timeOf(inspection.at),
    attention: attentionOf({ names, instances, snapshot, scope }),
    totals: {
      due: sumOf(names.map(({ due }) => due)),
      running: sumOf(instances.flatMap(({ claims }) => claims?.count ?? [])),
      names: names.length,
      instances: alive.length,
    },
    names,
    instances,
    namesAreCut: inspection.namesAreCut,
    ...(problem !== undefined && { problem }),
  };
}

/** The workers of instances, as these say themselves. */
export function workersOf(instances: readonly InspectedInstance[]): Info['workers'] {
  return instances.flatMap(({ info }) => info?.workers ?? []);
}

/** The names, with what runs of them in all live instances. */
export function namesOf({ inspection }: Snapshot, scope: Scope): NameRow[] {
  const alive = inspection.instances.filter(({ state }) => state === 'alive');
  const workers = workersOf(alive);
  const dead = new Set(workers.map(({ deadLetter }) => deadLetter));
  return inspection.names
    .filter(({ name }) => sees(scope, name))
    .map((row) => {
      const own = workers.filter(({ name }) => name === row.name);
      return {
        ...nameOf(row),
        ...{ running: sum(own, 'running'), concurrency: sum(own, 'concurrency') },
        ...(dead.has(row.name) && { deadLetters: true as const }),
      };
    });
}

function nameOf({ due, dueIsCut, pause, ...row }: InspectedName) {
  const { name, isPaused, instances, queueLagMs } = row;
  return {
    ...{ name, isPaused, instances, queueLagMs, due: { value: due, isAtLeast: dueIsCut } },
    ...(pause && { pausedAt: timeOf(pause.at) }),
    ...(pause?.by !== undefined && { pausedBy: pause.by }),
  };
}

function sum<K extends string>(rows: readonly Readonly<Record<K, number>>[], field: K): number {
  return rows.reduce((total, row) => total + row[field], 0);
}

/** Counts together. */
function sumOf(counts: readonly BoundedCount[]): BoundedCount {
  return {
    value: counts.reduce((total, { value }) => total + value, 0),
    isAtLeast: counts.some(({ isAtLeast }) => isAtLeast),
  };
}

/** The instances; for an actor of some names only those that have to do with them, and nothing of the others. */
export function instancesOf({ inspection }: Snapshot, scope: Scope): InstanceRow[] {
  const rows = inspection.instances.map((instance) => instanceOf(instance, scope));
  if (scope.seesAll) return rows;
  return rows.filter(({ workers, claims }) => workers.length > 0 || (claims?.count.value ?? 0) > 0);
}

function instanceOf(instance: InspectedInstance, scope: Scope): InstanceRow {
  const { instanceId, isOwn, state, leaseAgeMs, leaseDurationMs, info, claims } = instance;
  return {
    ...{ instanceId, isOwn, state },
    ...(leaseAgeMs !== undefined && { leaseAgeMs }),
    ...(leaseDurationMs !== undefined && { leaseDurationMs }),
    ...(info && scope.seesInstances && machineOf(info)),
    ...(info && scope.seesAll && totalsOf(info)),
    workers: (info?.workers ?? []).filter(({ name }) => sees(scope, name)).map(workerOf),
    ...(claims && { claims: claimsOf(claims, scope) }),
  };
}

type Info = NonNullable<InspectedInstance['info']>;

function workerOf(worker: Info['workers'][number]): InstanceRow['workers'][number] {
  const { name, concurrency, running, groups, deadLetter } = worker;
  return {
    ...{ name, concurrency, running },
    ...(groups && { groups }),
    ...(deadLetter !== undefined && { deadLetter }),
  };
}

function machineOf({ host, pid, version, startedAt, reportedAt, recoverStaleJobs }: Info) {
  const times = { startedAt: timeOf(startedAt), reportedAt: timeOf(reportedAt) };
  return { host, pid, version, recoverStaleJobs, ...times };
}

function totalsOf(info: Info) {
  const { unnamedWorkers, runningJobs, bufferedJobs, instanceConcurrency, vitals } = info;
  return {
    ...{ unnamedWorkers, runningJobs, bufferedJobs },
    ...(instanceConcurrency !== undefined && { instanceConcurrency }),
    ...(vitals && { ...vitals, alerts: [...vitals.alerts] }),
  };
}

function claimsOf(
  claims: Inspection['withoutLease'],
  scope: Scope,
): NonNullable<InstanceRow['claims']> {
  const byName = claims.byName.filter(({ name }) => sees(scope, name)).map((row) => ({ ...row }));
  const { oldest, isCut } = claims;
  return {
    count: { value: scope.seesAll ? claims.count : sum(byName, 'count'), isAtLeast: isCut },
    byName,
    ...(oldest &&
      sees(scope, oldest.name) && {
        oldest: {
          jobId: String(oldest.jobId),
          name: oldest.name,
          lockedAt: timeOf(oldest.lockedAt),
        },
      }),
  };
}

/** Jobs that tools without a lease hold, as far as the actor sees them. */
export function withoutLeaseOf({ inspection }: Snapshot, scope: Scope): BoundedCount {
  return claimsOf(inspection.withoutLease, scope).count;
}
