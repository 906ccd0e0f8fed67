/**
 * The page of the documentation, made from the results and nothing else.
 *
 * @module
 */
import type { Scenario } from '../scenarios/scenario.ts';
import { SCENARIOS } from '../scenarios/scenarios.ts';
import { median, spread } from '../statistics.ts';
import { SYSTEMS } from '../systems.ts';
import { roundsOf, type ScenarioResult } from './results.ts';
import { markdownTable, scenarioTable } from './table.ts';
import { targetsTable } from './targets.ts';

const INTRODUCTION = `# Benchmarks

What this library does on one machine, beside the systems it may be compared with: the same work for each, each in processes of its own, on servers that the suite starts for itself. The suite is in \`benchmarks/\`; this page is made from its results.

\`\`\`sh
npm run benchmark                              # everything, a little over an hour
npm run benchmark -- --quick                   # a short look at everything; figures are rough
npm run benchmark -- --scenario drain,enqueue  # some scenarios
npm run benchmark -- --system monque,loop      # some systems
\`\`\`

It needs a \`mongod\`, which it finds or fetches as the tests do, \`redis-server\` and \`postgresql\` from the packages of the system. What is missing is left out and named. Runs of some systems only, and quick ones, are written to \`benchmarks/results/partial\` and change nothing here.

**How to read it.** Every case is measured three times, and the rounds of all systems take turns, so that what else happens on the machine hits all alike. Tables show the median. Compare figures of one table only: clients and server share the processors, so all numbers depend on the machine, and ratios do less. Jobs do nothing, so this is the cost of the scheduler alone.

**What is not equal.** BullMQ without persistence loses jobs when Redis stops; with \`appendfsync always\`, like PostgreSQL and like MongoDB with \`w: 'majority'\`, what is acknowledged is on the disk. graphile-worker deletes completed jobs, and so does BullMQ at its best settings; the others keep them. In pg-boss a handler is given a batch, which is completed or fails as a whole.
`;

/** The whole page. */
export function benchmarksPage(results: readonly ScenarioResult[]): string {
  const sections = [
    INTRODUCTION,
    machineSection(results),
    `## Targets\n\nOf Monque with \`w: 'majority'\` on a replica set of one member. Where a ratio is meant, it is that of two figures of one round; shown are the median, the lowest and the highest.\n\n${targetsTable(results)}\n`,
    ...results.flatMap((result) => {
      const scenario = SCENARIOS.find(({ id }) => id === result.scenarioId);
      return scenario ? [scenarioSection(scenario, result)] : [];
    }),
    settingsSection(results),
  ];
  return sections.join('\n');
}

function machineSection(results: readonly ScenarioResult[]): string {
  const machines = new Set(
    results.map(({ machine: { processor, cores, memoryGb, system, node } }) =>
      [`${cores} × ${processor}`, `${memoryGb} GB of memory`, system, `Node.js ${node}`].join(', '),
    ),
  );
  const versions = [...new Set(results.flatMap((result) => result.versions))].sort();
  const spreads = results.flatMap(({ rows }) =>
    rows
      .filter(({ systemId, rounds }) => systemId === 'monque' && rounds.length > 1)
      .map((row) => spread(roundsOf(row, 'jobsPerSecond')))
      .filter(Number.isFinite),
  );
  const loads = results.map(({ loadBefore }) => loadBefore.toFixed(1));
  return [
    '## The machine',
    '',
    ...[...machines].map((machine) => `${machine}.`),
    '',
    `${versions.join(', ')}.`,
    '',
    `The rounds of Monque's rates lie ${percent(median(spreads))} apart at the median, ${percent(Math.max(...spreads))} at most. Before the scenarios, ${loads.join(', ')} processes wanted to run on the machine, on average over a minute; those of the scenario before are among them.`,
    '',
  ].join('\n');
}

function scenarioSection(scenario: Scenario, result: ScenarioResult): string {
  const notRun = Object.entries(result.notRun).map(([label, reason]) => `- ${label}: ${reason}`);
  return [
    `## ${scenario.title}`,
    '',
    scenario.method,
    '',
    `![${scenario.title}](../benchmarks/results/${scenario.id}.svg)`,
    '',
    scenarioTable(scenario, result.rows),
    '',
    ...(notRun.length > 0 ? ['Not run:', '', ...notRun, ''] : []),
  ].join('\n');
}

function settingsSection(results: readonly ScenarioResult[]): string {
  const measured = new Set(results.flatMap(({ rows }) => rows.map(({ systemId }) => systemId)));
  const body = SYSTEMS.filter(({ id }) => measured.has(id)).map(
    ({ label, settings, drainJobs }) => [label, settings, drainJobs.toLocaleString('en-US')],
  );
  return [
    '## Settings',
    '',
    'Best settings are those that the documentation of a system recommends for speed, with the concurrency that all have.',
    '',
    markdownTable(['system', 'settings', 'jobs of a drain'], body, 2),
    '',
  ].join('\n');
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
