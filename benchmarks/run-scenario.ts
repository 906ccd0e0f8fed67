/**
 * Runs one scenario: every case in every round, the rounds of all cases in turn.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { describeMachine, loadOfLastMinute } from './report/machine.ts';
import type { ResultRow, ScenarioResult } from './report/results.ts';
import type { Bench, Case, Figures, Scenario } from './scenarios/scenario.ts';

interface RunningRow extends ResultRow {
  readonly rounds: Figures[];
}

/** What is run. */
export interface RunPlan {
  readonly scenario: Scenario;
  readonly bench: Bench;
  readonly rounds: number;
  /** Ids of systems; empty for all. */
  readonly systemIds: readonly string[];
  readonly log: (line: string) => void;
}

/** Measures all cases; what fails is named and does not end the run. */
export async function runScenario(plan: RunPlan): Promise<ScenarioResult> {
  const { scenario, bench, systemIds } = plan;
  const loadBefore = loadOfLastMinute();
  const wanted = scenario.cases.filter(
    ({ system }) => systemIds.length === 0 || systemIds.includes(system.id),
  );
  const notRun = await missingServers(bench, wanted);
  const cases = wanted.filter(({ system }) => notRun[system.label] === undefined);
  const rows = new Map(cases.map((measured) => [measured, newRow(measured)]));
  for (let round = 1; round <= plan.rounds; round += 1) {
    const measurements = [...rows].map(
      ([measured, row]) =>
        () =>
          measureOnce(plan, { round, measured, row, notRun }),
    );
    if (scenario.isConcurrent) await Promise.all(measurements.map((measure) => measure()));
    else for (const measure of measurements) await measure();
  }
  return {
    scenarioId: scenario.id,
    machine: describeMachine(),
    versions: [...(await serverVersions(bench, cases)), ...libraryVersions()],
    loadBefore,
    scale: bench.scale,
    rows: [...rows.values()].filter(({ rounds }) => rounds.length > 0),
    notRun,
  };
}

interface Measurement {
  readonly round: number;
  readonly measured: Case;
  readonly row: RunningRow;
  /** What cannot be measured, and why. */
  readonly notRun: Record<string, string>;
}

async function measureOnce(
  { scenario, bench, log }: RunPlan,
  { round, measured, row, notRun }: Measurement,
): Promise<void> {
  const name = [row.label, row.variant].filter(Boolean).join(': ');
  try {
    const figures = await scenario.measure(bench, measured);
    row.rounds.push(figures);
    log(`${scenario.id} ${round} ${name}: ${Math.round(figures[scenario.chart] ?? 0)}`);
  } catch (error) {
    const message = (error as Error).message.split('\n')[0];
    notRun[name] = `round ${round} failed: ${message}`;
    log(`${scenario.id} ${round} ${name} failed: ${(error as Error).stack}`);
  }
}

function newRow({ system, variant }: Case): RunningRow {
  return { systemId: system.id, label: system.label, variant, rounds: [] };
}

async function missingServers(
  { servers }: Bench,
  cases: readonly Case[],
): Promise<Record<string, string>> {
  const missing: Record<string, string> = {};
  for (const { system } of cases) {
    const reason = system.engine && (await servers.reasonMissing(system.engine));
    if (reason !== undefined) missing[system.label] = reason;
  }
  return missing;
}

async function serverVersions({ servers }: Bench, cases: readonly Case[]): Promise<string[]> {
  const engines = new Set(cases.flatMap(({ system }) => system.engine ?? []));
  return Promise.all([...engines].map(async (engine) => (await servers.get(engine)).version));
}

const MEASURED = ['mongodb', 'agenda', '@pulsecron/pulse', 'bullmq', 'graphile-worker', 'pg-boss'];

function libraryVersions(): string[] {
  const own = new URL('./package.json', import.meta.url);
  const { dependencies } = JSON.parse(readFileSync(own, 'utf8'));
  return MEASURED.map((name) => `${name} ${dependencies[name]}`);
}
