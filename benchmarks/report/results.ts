/**
 * The results of a scenario: one file each, whose figures all come from one run.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Figures } from '../scenarios/scenario.ts';
import { SCENARIOS } from '../scenarios/scenarios.ts';
import { median } from '../statistics.ts';
import type { Machine } from './machine.ts';

/** Where results are kept. */
export const RESULTS_FOLDER: string = fileURLToPath(new URL('../results', import.meta.url));

/** One row: a system, and each of its figures in every round. */
export interface ResultRow {
  readonly systemId: string;
  readonly label: string;
  readonly variant: string;
  readonly rounds: readonly Figures[];
}

/** What one run of a scenario gave. */
export interface ScenarioResult {
  readonly scenarioId: string;
  readonly machine: Machine;
  /** Versions of the servers and libraries. */
  readonly versions: readonly string[];
  /** Processes that wanted to run on this machine before the run began. */
  readonly loadBefore: number;
  /** 1 for a full run; a quick look takes fewer jobs. */
  readonly scale: number;
  readonly rows: readonly ResultRow[];
  /** Systems that could not be measured, with the reason. */
  readonly notRun: Readonly<Record<string, string>>;
}

/** The medians of a row's figures. */
export function mediansOf({ rounds }: Pick<ResultRow, 'rounds'>): Figures {
  const keys = new Set(rounds.flatMap((round) => Object.keys(round)));
  return Object.fromEntries(
    [...keys].map((key) => [
      key,
      median(rounds.flatMap((round) => (round[key] === undefined ? [] : [round[key]]))),
    ]),
  );
}

/** Every round of one figure. */
export function roundsOf(row: ResultRow, key: string): number[] {
  return row.rounds.flatMap((round) => (round[key] === undefined ? [] : [round[key]]));
}

/** The results that were kept, in the order of the scenarios. */
export async function readResults(folder: string = RESULTS_FOLDER): Promise<ScenarioResult[]> {
  const files = SCENARIOS.map(({ id }) => join(folder, `${id}.json`)).filter(existsSync);
  return Promise.all(files.map(async (file) => JSON.parse(await readFile(file, 'utf8'))));
}

/** Keeps a result in the place of the one before, and gives it as it is read again. */
export async function writeResult(
  result: ScenarioResult,
  folder: string = RESULTS_FOLDER,
): Promise<ScenarioResult> {
  await mkdir(folder, { recursive: true });
  const rounded = JSON.stringify(result, (_, value) => rounded6(value), 2);
  await writeFile(join(folder, `${result.scenarioId}.json`), `${rounded}\n`);
  return JSON.parse(rounded);
}

/** Six significant digits are more than any time deserves. */
function rounded6(value: unknown): unknown {
  return typeof value === 'number' && Number.isFinite(value) ? Number(value.toPrecision(6)) : value;
}
