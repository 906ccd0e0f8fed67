/**
 * The stored jobs: those that this version cannot read, and those whose processes died again and again; and series that
 * nobody runs.
 *
 * @module
 */
import { type Inspection, type Job, JobStatus, type Schedule } from '@monque/core';
import { NEWEST_VERSION, SUSPECT_RESCUE_COUNT, unfitReason } from '@monque/core/ledger';
import type { Document } from 'mongodb';
import type { Connection } from '../context/connection.ts';
import { counted } from '../context/words.ts';
import type { Diagnosis } from './doctor.ts';

/** How many of the newest jobs are looked at one by one. */
const MOST_LOOKED_AT = 10_000;
const MOST_TIME_MS = 10_000;
const MOST_SUSPECTS = 1_000;

/** What is to be said of the stored jobs. */
export async function documentFindings({ documents }: Connection): Promise<Diagnosis[]> {
  const jobs = { _id: { $type: 'objectId' } } as const;
  const bounded = { sort: { _id: -1 }, limit: MOST_LOOKED_AT, maxTimeMS: MOST_TIME_MS } as const;
  // What users stored is not read.
  const projection = { data: 0, result: 0, metadata: 0, logs: 0, progress: 0, stages: 0, gates: 0 };
  const newer: Document[] = [];
  const unreadable: Document[] = [];
  let looked = 0;
  const found = documents.find(jobs, { ...bounded, projection, useBigInt64: true });
  for await (const document of found) {
    looked += 1;
    if (document.documentVersion > NEWEST_VERSION) newer.push(document);
    else if (isUnreadable(document)) unreadable.push(document);
  }
  const suspects = await documents.countDocuments(
    { status: 'pending', rescueCount: { $gte: SUSPECT_RESCUE_COUNT } },
    { limit: MOST_SUSPECTS, maxTimeMS: MOST_TIME_MS },
  );
  const bound = looked === MOST_LOOKED_AT ? ` (the newest ${MOST_LOOKED_AT})` : '';
  const message = `${counted(looked, 'job')} looked at${bound}`;
  return [
    { kind: 'jobs', weight: 'fact', message, advice: '' },
    ...newerFindings(newer),
    ...unreadableFindings(unreadable),
    ...suspectFindings(suspects),
  ];
}

const STATES: ReadonlySet<unknown> = new Set(Object.values(JobStatus));

function isUnreadable(document: Document): boolean {
  if (!STATES.has(document.status) || typeof document.name !== 'string') return true;
  return (
    unfitReason({ documentVersion: NEWEST_VERSION, ...document } as unknown as Job) !== undefined
  );
}

function newerFindings(documents: readonly Document[]): Diagnosis[] {
  const [first] = documents;
  if (first === undefined) return [];
  return [
    {
      ...{ kind: 'newerDocument', weight: 'act' },
      message: `A newer version wrote ${counted(documents.length, 'job')}, such as ${first._id} (version ${first.documentVersion})`,
      advice: 'upgrade all processes, and this program',
    },
  ];
}

function unreadableFindings(documents: readonly Document[]): Diagnosis[] {
  const [first] = documents;
  if (first === undefined) return [];
  return [
    {
      ...{ kind: 'unreadable', weight: 'act' },
      message: `${counted(documents.length, 'job')} cannot be read, such as ${first._id}`,
      advice:
        '`monque why` says what is wrong with one; delete it with `monque jobs delete`, or repair it manually',
    },
  ];
}

function suspectFindings(count: number): Diagnosis[] {
  if (count === 0) return [];
  const isCut = count === MOST_SUSPECTS;
  return [
    {
      ...{ kind: 'suspectJob', weight: 'act' },
      message: `The processes of ${counted(count, 'job', isCut)} died ${SUSPECT_RESCUE_COUNT} times or more while they ran`,
      advice:
        'look for what ends the process, such as memory; cancel them with `monque jobs cancel`',
    },
  ];
}

/** Series whose name no live instance has a worker for. */
export function seriesFindings(
  series: readonly Schedule[],
  { instances }: Inspection,
): Diagnosis[] {
  const alive = instances.filter(({ state }) => state === 'alive');
  const infos = alive.flatMap(({ info }) => (info === undefined ? [] : [info]));
  // Instances that do not name all of their workers may well have it.
  const isSure =
    infos.length === alive.length && infos.every(({ unnamedWorkers }) => unnamedWorkers === 0);
  if (!isSure) return [];
  const able = new Set(infos.flatMap(({ workers }) => workers).map(({ name }) => name));
  const names = new Set(series.map(({ name }) => name).filter((name) => !able.has(name)));
  return [...names].map((name) => ({
    ...{ kind: 'seriesWithoutWorker', weight: 'act' },
    message: `The series '${name}' has no worker in any live instance`,
    advice: `start a process with a worker for it, or end it with \`monque series end ${name}\``,
  }));
}
