/**
 * Bar charts as SVG, readable on light and dark pages.
 *
 * @module
 */
import type { Scenario } from '../scenarios/scenario.ts';
import { mediansOf, type ResultRow } from './results.ts';
import { formatFigure } from './table.ts';

const WIDTH = 860;
const LABEL_WIDTH = 340;
const VALUE_WIDTH = 90;
const BAR_HEIGHT = 18;
const ROW_HEIGHT = 26;
const TOP = 44;
const BAR_WIDTH = WIDTH - LABEL_WIDTH - VALUE_WIDTH;

const OWN_COLOUR = '#2f7d4f';
const OTHER_COLOUR = '#8a94a6';

/** The chart of a scenario: one bar a row, as long as its median; this library's bars stand out. */
export function scenarioChart(scenario: Scenario, rows: readonly ResultRow[]): string {
  const figure = scenario.figures.find(({ key }) => key === scenario.chart);
  if (figure === undefined) throw new Error(`Expected a figure called ${scenario.chart}`);
  const bars = rows.flatMap((row) => {
    const value = mediansOf(row)[figure.key];
    return value === undefined ? [] : [{ row, value }];
  });
  const longest = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  const height = TOP + bars.length * ROW_HEIGHT + 8;
  const lines = bars.flatMap(({ row, value }, index) => {
    const y = TOP + index * ROW_HEIGHT;
    const width = Math.max(1, (Math.max(0, value) / longest) * BAR_WIDTH);
    const label = row.variant === '' ? row.label : `${row.label}: ${row.variant}`;
    const colour = row.systemId.startsWith('monque') ? OWN_COLOUR : OTHER_COLOUR;
    const middle = y + BAR_HEIGHT / 2;
    return [
      text(LABEL_WIDTH - 8, middle, 'end', label),
      `<rect x="${LABEL_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" rx="2" fill="${colour}"/>`,
      text(LABEL_WIDTH + width + 6, middle, 'start', formatFigure(figure, value)),
    ];
  });
  const title = `${scenario.title}: ${figure.label}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(title)}" font-family="sans-serif" font-size="12">`,
    '<style>text{fill:#24292f}@media(prefers-color-scheme:dark){text{fill:#d0d7de}}</style>',
    `<text x="8" y="24" font-size="15" font-weight="bold">${escaped(title)}</text>`,
    ...lines,
    '</svg>',
    '',
  ].join('\n');
}

function text(x: number, y: number, anchor: 'start' | 'end', content: string): string {
  return `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}" dominant-baseline="central">${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
