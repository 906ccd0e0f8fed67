/**
 * The server: what it is, whether it can do what Monque is made for, and what its clock says.
 *
 * @module
 */
import type { InspectedInstance } from '@monque/core/types';
import type { Document } from 'mongodb';
import type { Connection } from '../context/connection.ts';
import type { Session } from '../context/context.ts';
import { span } from '../context/words.ts';
import type { Diagnosis } from './doctor.ts';

const OLDEST_MAJOR = 4;
const OLDEST_MINOR = 4;

/** Clocks may differ by this much without a word. */
const MOST_CLOCK_DIFFERENCE_MS = 5_000;

/** What is to be said of the server. */
export async function serverFindings(
  { db, collectionName }: Connection,
  { io }: Session,
): Promise<Diagnosis[]> {
  const askedAt = io.now();
  const hello = await db.command({ hello: 1 });
  const answeredAt = io.now();
  const { version } = await db.command({ buildInfo: 1 });
  const tookMs = answeredAt.getTime() - askedAt.getTime();
  const [kind, ...problems] = deploymentOf(hello);
  const server: Diagnosis = {
    ...{ kind: 'server', weight: 'fact', advice: '' },
    message: `MongoDB ${version}, ${kind}, answers within ${span(tookMs)}; jobs in ${db.databaseName}.${collectionName}`,
  };
  const midwayMs = askedAt.getTime() + tookMs / 2;
  return [
    server,
    ...(problems as Diagnosis[]),
    ...versionFindings(version),
    ...clockFindings(hello.localTime.getTime() - midwayMs),
  ];
}

/** What kind of deployment it is, and what is wrong with that. */
export function deploymentOf(hello: Document): [string, ...Diagnosis[]] {
  if (hello.msg === 'isdbgrid') return ['a sharded cluster'];
  if (hello.setName !== undefined) return [`the replica set '${hello.setName}'`];
  return [
    'a standalone server',
    {
      ...{ kind: 'noReplicaSet', weight: 'act' },
      message:
        'The server belongs to no replica set: no transactions, no hints of new jobs, no failover',
      advice: 'start mongod with --replSet and call rs.initiate() once; one member will do',
    },
  ];
}

/** What is to be said of a version of the server. */
export function versionFindings(version: string): Diagnosis[] {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST_MAJOR || (major === OLDEST_MAJOR && minor >= OLDEST_MINOR)) return [];
  return [
    {
      ...{ kind: 'oldServer', weight: 'act' },
      message: `MongoDB ${version} is older than ${OLDEST_MAJOR}.${OLDEST_MINOR}, the oldest that is supported`,
      advice: 'upgrade the server',
    },
  ];
}

function clockFindings(aheadMs: number): Diagnosis[] {
  if (Math.abs(aheadMs) <= MOST_CLOCK_DIFFERENCE_MS) return [];
  const way = aheadMs > 0 ? 'behind' : 'ahead of';
  return [
    {
      ...{ kind: 'clock', weight: 'act' },
      message: `The clock of this machine is ${span(Math.abs(aheadMs))} ${way} that of the server`,
      advice: 'let NTP set both clocks; jobs run by that of the server',
    },
  ];
}

/** What is to be said of the clocks of the machines that instances run on, by what they say of themselves. */
export function instanceClockFindings(instances: readonly InspectedInstance[]): Diagnosis[] {
  return instances.flatMap(({ instanceId, state, info }) => {
    const errorMs = info?.vitals?.clockErrorMs ?? 0;
    if (state !== 'alive' || errorMs <= MOST_CLOCK_DIFFERENCE_MS) return [];
    return [
      {
        ...{ kind: 'instanceClock', weight: 'act' },
        message: `The clock of instance ${instanceId} (${info?.host}, pid ${info?.pid}) is ${span(errorMs)} off that of the server`,
        advice:
          'let NTP set the clock of that machine; due times that are computed there are wrong by as much',
      },
    ];
  });
}
