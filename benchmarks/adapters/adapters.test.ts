import { afterAll, describe, expect, inject, test } from 'vitest';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../packages/core/test/setup/mongodb.ts';
import { jobData, jobsFrom, type Open, type Place } from '../adapter.ts';
import { drain } from '../roles/drain.ts';
import type { Link } from '../roles/role.ts';
import { inRoom } from '../room.ts';
import { measureDrain } from '../scenarios/measure-drain.ts';
import { cpuMsOf } from '../servers/processes.ts';
import type { Server } from '../servers/server.ts';
import { systemsOf } from '../systems.ts';
import { openBatch } from './batch.ts';
import { openLoop } from './loop.ts';
import { openMonque } from './monque.ts';
import { openMonqueInMemory } from './monque-in-memory.ts';

const JOBS = 40;
const PROCESSES_DEADLINE_MS = 60_000;

function placeOf(database: string, names: readonly string[] = ['one']): Place {
  return {
    url: inject('mongoUri'),
    database,
    tuning: 'best',
    writeConcern: 'majority',
    names,
    concurrency: 10,
    isCounted: true,
    hasRules: false,
  };
}

/** Stores jobs in each way there is, works them off, and answers with what ran. */
async function runAll(open: Open, place: Place): Promise<number[]> {
  const system = await open(place);
  await system.enqueueMany(jobsFrom(0, JOBS - 1));
  await system.enqueue(jobData(JOBS - 1));
  expect(await system.countUnfinished()).toBe(JOBS);
  const ran: number[] = [];
  await new Promise<void>((resolve, reject) => {
    let recorded = 0;
    const onRecorded = (count: number): void => {
      recorded += count;
      if (recorded === JOBS) resolve();
    };
    system
      .work({ started: ({ index }) => void ran.push(index), recorded: onRecorded })
      .catch(reject);
  });
  expect(await system.countUnfinished()).toBe(0);
  await system.close();
  return ran.sort((a, b) => a - b);
}

const EVERY_JOB = Array.from({ length: JOBS }, (_, index) => index);

describe('in memory', () => {
  test('every job runs once, of every name', async () => {
    expect(await runAll(openMonqueInMemory, placeOf('', ['one', 'two']))).toEqual(EVERY_JOB);
  });

  test('the role of a drain reports how far it is, and that nothing is left', async () => {
    const notes: Record<string, unknown>[] = [];
    const words = ['go'];
    let onNote = (): void => {};
    const link: Link = {
      note: (value) => {
        notes.push(value);
        onNote();
      },
      receive: async () => {
        const word = words.shift();
        if (word !== undefined) return word;
        await new Promise<void>((resolve) => {
          onNote = () => {
            if (notes.some(({ recorded }) => recorded === JOBS)) resolve();
          };
        });
        return 'end';
      },
    };
    const params = { fill: JOBS, target: JOBS };
    const place = placeOf('');
    const result = await drain({ open: openMonqueInMemory, place, params, link });
    expect(notes[0]).toEqual({ ready: true, reportsEnds: true });
    expect(result).toEqual({ unfinished: 0, countedNs: expect.any(Number) });
  });
});

describeWithMongo('on MongoDB', () => {
  afterAll(closeMongoDb);

  const systems: readonly (readonly [string, Open])[] = [
    ['the library', openMonque],
    ['the loop', openLoop],
    ['the bare protocol', openBatch],
  ];
  for (const [name, open] of systems) {
    test(`every job of ${name} runs once, and its commands are counted`, async () => {
      const db = await getTestDb('benchmark');
      try {
        expect(await runAll(open, placeOf(db.databaseName, ['one', 'two']))).toEqual(EVERY_JOB);
      } finally {
        await cleanupTestDb(db);
      }
    });
  }

  test('claims of the library are seen: at least one attempt for each job', async () => {
    const db = await getTestDb('benchmark');
    try {
      const system = await openMonque(placeOf(db.databaseName));
      await system.fill?.(jobsFrom(0, JOBS));
      await new Promise<void>((resolve, reject) => {
        let recorded = 0;
        const onRecorded = (count: number): void => {
          recorded += count;
          if (recorded === JOBS) resolve();
        };
        system.work({ started: () => {}, recorded: onRecorded }).catch(reject);
      });
      expect(system.counts?.().claimAttempts).toBeGreaterThanOrEqual(JOBS);
      await system.close();
    } finally {
      await cleanupTestDb(db);
    }
  });

  test(
    'a measurement in a process of its own gives a rate and leaves nothing',
    async () => {
      const dropped: string[] = [];
      const made: string[] = [];
      const server: Server = {
        engine: 'mongodb',
        version: 'MongoDB of the tests',
        url: inject('mongoUri'),
        makeDatabase: async (name) => {
          made.push(name);
        },
        dropDatabase: async (name) => {
          dropped.push(name);
          await (await getTestDb('benchmark')).client.db(name).dropDatabase();
        },
        cpuMs: () => cpuMsOf(process.pid),
        counts: async () => ({}),
        bytes: async () => 0,
        stop: async () => {},
      };
      const [loop] = systemsOf('loop');
      if (loop === undefined) throw new Error('There is no loop');
      const servers = { get: async () => server };
      const figures = await inRoom(servers, loop, { latencyMs: 0 }, (room) =>
        measureDrain(room, { fill: JOBS, processes: 2 }),
      );
      expect(figures.jobsPerSecond).toBeGreaterThan(0);
      expect(figures.clientUsAJob).toBeGreaterThan(0);
      expect(dropped).toEqual(made);
    },
    PROCESSES_DEADLINE_MS,
  );
});
