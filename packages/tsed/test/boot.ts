/**
 * Boots an application of Ts.ED with the classes of one test, and ends it after the test.
 *
 * Ts.ED keeps one list of all classes that were ever decorated; what a test or a file added to it is taken out again, so
 * that no test finds the jobs of another.
 */
import { InMemoryLedgerRepository, Monque } from '@monque/core';
import { type DILogger, DITest, injector, Provider } from '@tsed/di';
import { afterAll, afterEach, beforeEach } from 'vitest';
import type { MonqueModuleOptions } from '../src/index.ts';

/** To be called once in a test file, before its first class: files share what they import, and nothing else. */
export function endApplications(): void {
  const imported = classes();
  let before = imported;
  let signals: readonly NodeJS.SignalsListener[] = [];
  beforeEach(() => {
    before = classes();
    signals = process.listeners('SIGTERM');
  });
  afterEach(async () => {
    await DITest.reset();
    forgetAllBut(before);
    // Terminus listens for each application, and never ends that.
    for (const listener of process.listeners('SIGTERM')) {
      if (!signals.includes(listener)) process.off('SIGTERM', listener);
    }
  });
  afterAll(() => forgetAllBut(imported));
}

/** Boots an application that keeps its jobs in memory, unless the options say otherwise. */
export function boot(options: MonqueModuleOptions = {}, log?: LogEntry[]): Promise<Monque> {
  const connection = new InMemoryLedgerRepository();
  return bootWith({ monque: { connection, ...options } }, log);
}

/** Boots an application with these settings and no others. */
export async function bootWith(
  settings: Partial<TsED.Configuration>,
  log: LogEntry[] = [],
): Promise<Monque> {
  DITest.createInjector(settings);
  injector().logger = recorder(log);
  await DITest.createContainer();
  return injector().get<Monque>(Monque) as Monque;
}

/** What a logger got, one entry a call. */
export interface LogEntry {
  readonly level: string;
  readonly [field: string]: unknown;
}

function recorder(log: LogEntry[]): DILogger {
  const record = (level: string) => (fields: object) => log.push({ ...fields, level });
  return {
    level: 'debug',
    info: record('info'),
    warn: record('warn'),
    debug: record('debug'),
    error: record('error'),
    trace: record('trace'),
  };
}

function classes(): ReadonlySet<unknown> {
  return new Set(Provider.Registry.keys());
}

function forgetAllBut(kept: ReadonlySet<unknown>): void {
  for (const token of [...Provider.Registry.keys()]) {
    if (!kept.has(token)) Provider.Registry.delete(token);
  }
}
