/**
 * The systems that are compared. Each stands on one server, at one tuning.
 *
 * @module
 */
import type { Acknowledgement, Open, Tuning } from './adapter.ts';
import type { Engine } from './servers/server.ts';

/** One system as it is measured. */
export interface SystemDefinition {
  readonly id: string;
  /** Its name in tables and charts. */
  readonly label: string;
  /** Absent when it needs no server. */
  readonly engine?: Engine;
  readonly tuning: Tuning;
  readonly writeConcern: Acknowledgement;
  /** The jobs of one drain, so that it takes some seconds. */
  readonly drainJobs: number;
  /** What differs from the defaults, or that nothing does. */
  readonly settings: string;
  open(): Promise<Open>;
}

const openMonque = async (): Promise<Open> => (await import('./adapters/monque.ts')).openMonque;
const openInMemory = async (): Promise<Open> =>
  (await import('./adapters/monque-in-memory.ts')).openMonqueInMemory;
const openLoop = async (): Promise<Open> => (await import('./adapters/loop.ts')).openLoop;
const openBatch = async (): Promise<Open> => (await import('./adapters/batch.ts')).openBatch;
const openAgenda = async (): Promise<Open> => (await import('./adapters/agenda.ts')).openAgenda;
const openPulse = async (): Promise<Open> => (await import('./adapters/pulse.ts')).openPulse;
const openBullMq = async (): Promise<Open> => (await import('./adapters/bullmq.ts')).openBullMq;
const openGraphileWorker = async (): Promise<Open> =>
  (await import('./adapters/graphile-worker.ts')).openGraphileWorker;
const openPgBoss = async (): Promise<Open> => (await import('./adapters/pg-boss.ts')).openPgBoss;

const MONGODB = { engine: 'mongodb', tuning: 'best', writeConcern: 'majority' } as const;
const POSTGRESQL = { engine: 'postgresql', tuning: 'best', writeConcern: 'majority' } as const;
const REDIS = { engine: 'redis', tuning: 'best', writeConcern: 'majority' } as const;
const BULLMQ_SETTINGS = 'concurrency 50, completed jobs removed';

/** All systems, in the order of tables and charts. */
export const SYSTEMS: readonly SystemDefinition[] = [
  {
    ...MONGODB,
    id: 'monque',
    label: "Monque, w: 'majority'",
    drainJobs: 40_000,
    settings: 'concurrency 50',
    open: openMonque,
  },
  {
    ...MONGODB,
    id: 'monque-w1',
    label: 'Monque, w: 1',
    writeConcern: 1,
    drainJobs: 40_000,
    settings: 'concurrency 50, writeConcern 1',
    open: openMonque,
  },
  {
    ...MONGODB,
    id: 'monque-defaults',
    label: 'Monque at its defaults',
    tuning: 'defaults',
    drainJobs: 40_000,
    settings: 'defaults',
    open: openMonque,
  },
  {
    id: 'monque-memory',
    label: 'Monque in memory',
    tuning: 'best',
    writeConcern: 'majority',
    drainJobs: 80_000,
    settings: 'concurrency 50, no database',
    open: openInMemory,
  },
  {
    ...MONGODB,
    id: 'batch',
    label: 'Bare batch protocol (the limit)',
    drainJobs: 40_000,
    settings: 'batches of 500',
    open: openBatch,
  },
  {
    ...MONGODB,
    id: 'loop',
    label: 'findOneAndUpdate loop',
    drainJobs: 2_000,
    settings: '50 slots',
    open: openLoop,
  },
  {
    ...MONGODB,
    id: 'loop-w1',
    label: 'findOneAndUpdate loop, w: 1',
    writeConcern: 1,
    drainJobs: 2_000,
    settings: '50 slots',
    open: openLoop,
  },
  {
    ...MONGODB,
    id: 'agenda',
    label: 'Agenda 6',
    drainJobs: 800,
    settings:
      'processEvery 100 ms, maxConcurrency and defaultConcurrency 50, MongoChangeStreamNotificationChannel',
    open: openAgenda,
  },
  {
    ...MONGODB,
    id: 'agenda-defaults',
    label: 'Agenda 6 at its defaults',
    tuning: 'defaults',
    drainJobs: 800,
    settings: 'defaults (processEvery 5 s, 5 at once)',
    open: openAgenda,
  },
  {
    ...MONGODB,
    id: 'pulse',
    label: 'Pulse',
    drainJobs: 800,
    settings: 'processEvery 100 ms, maxConcurrency and defaultConcurrency 50',
    open: openPulse,
  },
  {
    ...MONGODB,
    id: 'pulse-defaults',
    label: 'Pulse at its defaults',
    tuning: 'defaults',
    drainJobs: 800,
    settings: 'defaults (processEvery 5 s, 5 at once)',
    open: openPulse,
  },
  {
    ...REDIS,
    id: 'bullmq',
    label: 'BullMQ, Redis without persistence',
    drainJobs: 30_000,
    settings: BULLMQ_SETTINGS,
    open: openBullMq,
  },
  {
    ...REDIS,
    id: 'bullmq-durable',
    label: 'BullMQ, Redis appendfsync always',
    engine: 'redis-durable',
    drainJobs: 20_000,
    settings: BULLMQ_SETTINGS,
    open: openBullMq,
  },
  {
    ...REDIS,
    id: 'bullmq-defaults',
    label: 'BullMQ at its defaults, without persistence',
    tuning: 'defaults',
    drainJobs: 10_000,
    settings: 'defaults (concurrency 1)',
    open: openBullMq,
  },
  {
    ...REDIS,
    id: 'bullmq-durable-defaults',
    label: 'BullMQ at its defaults, appendfsync always',
    engine: 'redis-durable',
    tuning: 'defaults',
    drainJobs: 4_000,
    settings: 'defaults (concurrency 1)',
    open: openBullMq,
  },
  {
    ...POSTGRESQL,
    id: 'graphile',
    label: 'graphile-worker',
    drainJobs: 30_000,
    settings:
      'concurrentJobs 50, maxPoolSize 51, localQueue size 500, completeJobBatchDelay 0, failJobBatchDelay 0',
    open: openGraphileWorker,
  },
  {
    ...POSTGRESQL,
    id: 'graphile-defaults',
    label: 'graphile-worker at its defaults',
    tuning: 'defaults',
    drainJobs: 2_000,
    settings: 'defaults (concurrentJobs 1)',
    open: openGraphileWorker,
  },
  {
    ...POSTGRESQL,
    id: 'pg-boss',
    label: 'pg-boss',
    drainJobs: 10_000,
    settings:
      'batchSize 500, burstWhenBatchFull, pollingIntervalSeconds 0.5, useListenNotify, notify, orderByCreatedOn false',
    open: openPgBoss,
  },
  {
    ...POSTGRESQL,
    id: 'pg-boss-defaults',
    label: 'pg-boss at its defaults',
    tuning: 'defaults',
    drainJobs: 2_000,
    settings: 'defaults (one job every 2 s)',
    open: openPgBoss,
  },
];

/** The systems with these ids, in that order. */
export function systemsOf(...ids: readonly string[]): SystemDefinition[] {
  return ids.map((id) => {
    const system = SYSTEMS.find((candidate) => candidate.id === id);
    if (system === undefined) throw new Error(`Expected the id of a system, got '${id}'`);
    return system;
  });
}
