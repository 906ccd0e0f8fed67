/**
 * The command: runs scenarios, prints their tables, and writes results, charts and the page of the documentation.
 *
 * @module
 */
import { join } from 'node:path';
import { type Request, readRequest } from './command-line.ts';
import type { ScenarioResult } from './report/results.ts';
import { RESULTS_FOLDER } from './report/results.ts';
import { scenarioTable } from './report/table.ts';
import { missedTargets } from './report/targets.ts';
import { writePage, writeScenario } from './report/write.ts';
import { runScenario } from './run-scenario.ts';
import { SCENARIOS } from './scenarios/scenarios.ts';
import { Servers } from './servers/servers.ts';

const QUICK_SCALE = 0.1;

const request = readRequest(process.argv.slice(2));
if (!request.isPageOnly) await runAll(request);
if (!isPartial(request)) await writePage();

async function runAll({ scenarioIds, systemIds, isQuick }: Request): Promise<void> {
  const servers = new Servers();
  const results: ScenarioResult[] = [];
  try {
    for (const scenario of SCENARIOS.filter(({ id }) => scenarioIds.includes(id))) {
      const startedMs = performance.now();
      const result = await runScenario({
        scenario,
        bench: { servers, scale: isQuick ? QUICK_SCALE : 1 },
        rounds: isQuick ? 1 : scenario.rounds,
        systemIds,
        log: console.log,
      });
      const seconds = Math.round((performance.now() - startedMs) / 1_000);
      console.log(
        `\n${scenario.title} (${seconds} s)\n\n${scenarioTable(scenario, result.rows)}\n`,
      );
      for (const [name, reason] of Object.entries(result.notRun)) {
        console.log(`Not run: ${name}: ${reason}`);
        if (reason.includes('failed')) process.exitCode = 1;
      }
      results.push(result);
      await writeScenario(scenario, result, folderOf({ isQuick, systemIds }));
    }
    // A quick look is too rough to say so, and of some systems alone there is nothing to compare.
    if (!isPartial({ isQuick, systemIds })) complainOf(missedTargets(results));
  } finally {
    await servers.stop();
  }
}

function complainOf(missed: readonly string[]): void {
  for (const aim of missed) console.log(`Missed: ${aim}`);
  if (missed.length > 0) process.exitCode = 1;
}

/** A run of some systems, or a quick one, must not take the place of a whole one. */
function folderOf(asked: Pick<Request, 'isQuick' | 'systemIds'>): string {
  return isPartial(asked) ? join(RESULTS_FOLDER, 'partial') : RESULTS_FOLDER;
}

function isPartial({ isQuick, systemIds }: Pick<Request, 'isQuick' | 'systemIds'>): boolean {
  return isQuick || systemIds.length > 0;
}
