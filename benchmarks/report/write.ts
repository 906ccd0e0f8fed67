/**
 * Writes what is made from results: charts and the page.
 *
 * @module
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Scenario } from '../scenarios/scenario.ts';
import { scenarioChart } from './chart.ts';
import { benchmarksPage } from './page.ts';
import { readResults, type ScenarioResult, writeResult } from './results.ts';

/** The page of the documentation. */
export const PAGE: string = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url));

/** The figures and the chart of a scenario. */
export async function writeScenario(
  scenario: Scenario,
  result: ScenarioResult,
  folder: string,
): Promise<void> {
  const { rows } = await writeResult(result, folder);
  await writeFile(join(folder, `${scenario.id}.svg`), scenarioChart(scenario, rows));
}

/** The page, from the results that are kept. */
export async function writePage(): Promise<void> {
  await writeFile(PAGE, benchmarksPage(await readResults()));
}
