/**
 * Processes of their own on the library as it is now, and a database for each test of a file.
 *
 * @module
 */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Db } from 'mongodb';
import { afterAll, beforeAll, beforeEach, inject } from 'vitest';
import { ENTRY, ensureBuilt } from '../package/built.ts';
import { cleanupTestDb, closeMongoDb, getTestDb } from '../setup/mongodb.ts';

/** What a test finds ready. */
export interface Processes {
  db: Db;
  /** Starts one; it gets the build, the server, the database and what is given here. */
  start(...given: readonly string[]): ChildProcess;
}

/**
 * Makes it for the block that calls this; what a test leaves running is killed behind it.
 *
 * @param script - the program beside this file
 * @param database - what the names of the databases begin with
 */
export function useProcesses(script: string, database: string): Processes {
  const children: ChildProcess[] = [];
  const processes: Processes = {
    db: undefined as unknown as Db,
    start: (...given) => {
      const { databaseName } = processes.db;
      const args = [ENTRY, inject('mongoUri'), databaseName, ...given];
      const child = fork(join(import.meta.dirname, script), args);
      children.push(child);
      return child;
    },
  };
  beforeAll(ensureBuilt, 180_000);
  beforeEach(async () => {
    processes.db = await getTestDb(database);
    return async () => {
      for (const child of children.splice(0)) {
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      }
      await cleanupTestDb(processes.db);
    };
  });
  afterAll(closeMongoDb);
  return processes;
}

/** When something ran, in milliseconds since 1970. */
export interface TimeSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/** How many of these ran at the same time. */
export function mostAtOnce(spans: readonly TimeSpan[]): number {
  const marks = spans.flatMap(({ fromMs, toMs }) => [
    { atMs: fromMs, by: 1 },
    { atMs: toMs, by: -1 },
  ]);
  // At the same millisecond an end goes before a begin: which of the two was first is not known.
  marks.sort((a, b) => a.atMs - b.atMs || a.by - b.by);
  let now = 0;
  let most = 0;
  for (const { by } of marks) {
    now += by;
    most = Math.max(most, now);
  }
  return most;
}
