/**
 * Processes of their own on the library as it is now, and a database for each test of a file.
 *
 * @module
 */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Db } from 'mongodb';
import { afterAll, beforeAll, beforeEach, inject } from 'vitest';
import { cleanupTestDb, closeMongoDb, getTestDb } from '../setup/mongodb.ts';
import { buildCore, type CoreBuild } from './build-core.ts';

/** What a test finds ready. */
export interface Processes {
  db: Db;
  /** Starts one; it is told the build, the server, the database and what is given here. */
  start(...given: readonly string[]): ChildProcess;
}

/**
 * Makes it for the block that calls this; what a test leaves running is killed behind it.
 *
 * @param script - the program beside this file
 * @param database - what the names of the databases begin with
 */
export function useProcesses(script: string, database: string): Processes {
  let core: CoreBuild;
  const children: ChildProcess[] = [];
  const processes: Processes = {
    db: undefined as unknown as Db,
    start: (...given) => {
      const { databaseName } = processes.db;
      const args = [core.entry, inject('mongoUri'), databaseName, ...given];
      const child = fork(join(import.meta.dirname, script), args);
      children.push(child);
      return child;
    },
  };
  beforeAll(async () => {
    core = await buildCore();
  });
  beforeEach(async () => {
    processes.db = await getTestDb(database);
    return async () => {
      for (const child of children.splice(0)) {
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      }
      await cleanupTestDb(processes.db);
    };
  });
  afterAll(async () => {
    await core?.remove();
    await closeMongoDb();
  });
  return processes;
}
