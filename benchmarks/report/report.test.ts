import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { drainScenario } from '../scenarios/drain.ts';
import { processesScenario } from '../scenarios/processes.ts';
import { SCENARIOS } from '../scenarios/scenarios.ts';
import { scenarioChart } from './chart.ts';
import { benchmarksPage } from './page.ts';
import {
  mediansOf,
  RESULTS_FOLDER,
  type ResultRow,
  readResults,
  type ScenarioResult,
} from './results.ts';
import { formatFigure, markdownTable, scenarioTable } from './table.ts';
import { missedTargets, targetsTable } from './targets.ts';
import { PAGE, writeScenario } from './write.ts';

const monque: ResultRow = {
  systemId: 'monque',
  label: 'Monque <w: "majority">',
  variant: '',
  rounds: [
    { jobsPerSecond: 9_000, clientUsAJob: 10.25 },
    { jobsPerSecond: 12_000, clientUsAJob: 12 },
    { jobsPerSecond: 10_000 },
  ],
};

const loop: ResultRow = {
  systemId: 'loop',
  label: 'Loop',
  variant: '',
  rounds: [{ jobsPerSecond: 600 }, { jobsPerSecond: 500 }, { jobsPerSecond: 1_000 }],
};

const result: ScenarioResult = {
  scenarioId: 'drain',
  machine: {
    processor: 'A processor',
    cores: 2,
    memoryGb: 8,
    system: 'linux x64',
    node: 'v20.1.0',
  },
  versions: ['MongoDB 6.0.5'],
  loadBefore: 0.5,
  scale: 1,
  rows: [monque, loop],
  notRun: { BullMQ: 'needs redis-server' },
};

describe('a row', () => {
  test('has the median of each figure over those rounds that have it', () => {
    expect(mediansOf(monque)).toEqual({ jobsPerSecond: 10_000, clientUsAJob: 11.125 });
  });
});

describe('a table', () => {
  test('lines up, text to the left and numbers to the right', () => {
    expect(
      markdownTable(
        ['what', 'n'],
        [
          ['longer', '1,000'],
          ['x', '2'],
        ],
        1,
      ),
    ).toBe(
      ['| what   |     n |', '| ------ | ----: |', '| longer | 1,000 |', '| x      |     2 |'].join(
        '\n',
      ),
    );
  });

  test('shows a dash for what a system does not have', () => {
    expect(formatFigure({ digits: 1 }, undefined)).toBe('–');
    expect(formatFigure({ digits: 1 }, Number.NaN)).toBe('–');
    expect(formatFigure({ digits: 1 }, 1_234.56)).toBe('1,234.6');
  });

  test('says how every system stands to the loop', () => {
    const [, , own = '', other = ''] = scenarioTable(drainScenario, [monque, loop]).split('\n');
    expect(own).toMatch(/10,000 \|.*11\.1 \|.*– \| +16\.67 \|$/);
    expect(other).toMatch(/\| +1\.00 \|$/);
  });

  test('names the variants of a scenario that has some', () => {
    const row = { ...monque, variant: '8' };
    expect(scenarioTable(processesScenario, [row])).toContain('| 8   |');
  });
});

describe('the table of targets', () => {
  const lines = targetsTable([result]).split('\n');

  test('compares rounds, and shows the median and the ends', () => {
    const line = lines.find((one) => one.includes('times the findOneAndUpdate loop'));
    expect(line).toMatch(/at least 12, goal 20 +\| +15\.0 \| +10\.0 to 24\.0 \| reached \|$/);
  });

  test('names what was missed, of the scenarios that were run', () => {
    expect(missedTargets([result])).toEqual([]);
    const slow = { ...monque, rounds: monque.rounds.map(() => ({ jobsPerSecond: 1 })) };
    expect(missedTargets([{ ...result, rows: [slow, loop] }])).toEqual([
      'Drain, times the findOneAndUpdate loop',
    ]);
  });

  test('says what was not run', () => {
    const line = lines.find((one) => one.includes('Attempts per won job'));
    expect(line).toMatch(/\| +– \| +\| not run \|$/);
  });
});

describe('a chart', () => {
  const chart = scenarioChart(drainScenario, [monque, loop]);

  test('has a bar a row, the longest for the largest value', () => {
    const widths = [...chart.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) =>
      Number(width),
    );
    expect(widths).toHaveLength(2);
    expect(Number(widths[0]) / Number(widths[1])).toBeCloseTo(10_000 / 600, 0);
  });

  test('writes names so that they stay text', () => {
    expect(chart).toContain('Monque &lt;w: &quot;majority&quot;>');
  });
});

test('results that were written are read again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'benchmark-results-'));
  try {
    await writeScenario(drainScenario, result, folder);
    expect(await readResults(folder)).toEqual([result]);
    const [row] = result.rows;
    if (row === undefined) throw new Error('There is no row');
    // With six digits it is half a job more, and rounds to another number.
    const rows = [{ ...row, rounds: [{ jobsPerSecond: 13_785.46 }] }];
    await writeScenario(drainScenario, { ...result, rows }, folder);
    const [kept] = await readResults(folder);
    const chart = await readFile(join(folder, 'drain.svg'), 'utf8');
    expect(chart).toBe(scenarioChart(drainScenario, kept?.rows ?? []));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('the page names what was not run, with the reason', () => {
  const page = benchmarksPage([result]);
  expect(page).toContain('- BullMQ: needs redis-server');
  expect(page).toContain('2 × A processor, 8 GB of memory, linux x64, Node.js v20.1.0.');
});

describe('what is kept in the repository', () => {
  test('holds whole runs only, and the page made from them', async () => {
    const results = await readResults();
    expect(results.length).toBeGreaterThan(0);
    for (const { scale } of results) expect(scale).toBe(1);
    expect(await readFile(PAGE, 'utf8')).toBe(benchmarksPage(results));
  });

  test('holds the charts of these results', async () => {
    for (const { scenarioId, rows } of await readResults()) {
      const scenario = SCENARIOS.find(({ id }) => id === scenarioId);
      if (scenario === undefined) throw new Error(`There is no scenario ${scenarioId}`);
      const chart = await readFile(join(RESULTS_FOLDER, `${scenarioId}.svg`), 'utf8');
      expect(chart).toBe(scenarioChart(scenario, rows));
    }
  });
});
