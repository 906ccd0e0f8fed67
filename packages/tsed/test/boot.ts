/**
 * Boots an application of Ts.ED with the classes of one test, and ends it after the test.
 *
 * Ts.ED keeps one list of all classes that were ever decorated; what a test added to it is taken out again, so that no
 * test finds the jobs of another.
 */
import { InMemoryLedgerRepository, Monque } from '@monque/core';
import { type DILogger, DITest, injector, Provider } from '@tsed/di';
import { afterEach, beforeEach } from 'vitest';
import type { MonqueModuleOptions } from '../src/index.ts';

let before = new Set<unknown>();

/** To be called once in a test file. */
export function endApplications(): void {
  beforeEach(() => {
    before = new Set(Provider.Registry.keys());
  });
  afterEach(async () => {
    await DITest.reset();
    forgetClasses();
  });
}

/** Boots an application that keeps its jobs in memory, unless the options say otherwise. */
export async function boot(
  options: MonqueModuleOptions = {},
  settings: Partial<TsED.Configuration> = {},
): Promise<Monque> {
  const connection = new InMemoryLedgerRepository();
  await DITest.create({ ...settings, monque: { connection, ...options } });
  return injector().get<Monque>(Monque);
}

/** What a logger was told, one entry a call. */
export interface LogEntry {
  readonly level: string;
  readonly [field: string]: unknown;
}

/** Has the application that boots next tell its log to the list that is returned. */
export function recordLog(): LogEntry[] {
  const entries: LogEntry[] = [];
  const record = (level: string) => (fields: object) => entries.push({ ...fields, level });
  const logger: DILogger = {
    level: 'debug',
    info: record('info'),
    warn: record('warn'),
    debug: record('debug'),
    error: record('error'),
    trace: record('trace'),
  };
  injector().logger = logger;
  return entries;
}

function forgetClasses(): void {
  for (const token of [...Provider.Registry.keys()]) {
    if (!before.has(token)) Provider.Registry.delete(token);
  }
}
