/**
 * Tables, as Markdown that also reads well in a terminal.
 *
 * @module
 */
import type { Figure, Scenario } from '../scenarios/scenario.ts';
import { mediansOf, type ResultRow } from './results.ts';

const ABSENT = '–';

/** The rows of a scenario, with the medians of its figures. */
export function scenarioTable(scenario: Scenario, rows: readonly ResultRow[]): string {
  const hasVariants = rows.some(({ variant }) => variant !== '');
  const hasRatio = rows.some(({ systemId }) => systemId === scenario.baseline);
  const head = [
    'system',
    ...(hasVariants ? [''] : []),
    ...scenario.figures.map(({ label }) => label),
    ...(hasRatio ? ['times the loop'] : []),
  ];
  const body = rows.map((row) => {
    const medians = mediansOf(row);
    const figures = scenario.figures.map((figure) => formatFigure(figure, medians[figure.key]));
    const ratio = hasRatio ? [formatFigure({ digits: 2 }, ratioOf(scenario, row, rows))] : [];
    return [row.label, ...(hasVariants ? [row.variant] : []), ...figures, ...ratio];
  });
  return markdownTable(head, body, hasVariants ? 2 : 1);
}

/** How a row's chart figure stands to that of the baseline's row of the same variant. */
function ratioOf(
  { baseline, chart }: Scenario,
  row: ResultRow,
  rows: readonly ResultRow[],
): number | undefined {
  const base = rows.find(
    ({ systemId, variant }) => systemId === baseline && variant === row.variant,
  );
  const [own, other] = [mediansOf(row)[chart], base && mediansOf(base)[chart]];
  return own === undefined || other === undefined ? undefined : own / other;
}

/** A table whose first columns are text and whose other columns are numbers. */
export function markdownTable(
  head: readonly string[],
  body: readonly (readonly string[])[],
  textColumns: number,
): string {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...body].map((row) => String(row[column]).length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => pad(cell, column)).join(' | ')} |`;
  const pad = (cell: string, column: number): string => {
    const width = Number(widths[column]);
    return column < textColumns ? cell.padEnd(width) : cell.padStart(width);
  };
  const rule = widths.map((width, column) =>
    column < textColumns ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(head), line(rule), ...body.map(line)].join('\n');
}

/** A number with its digits; a dash where there is none. */
export function formatFigure({ digits = 0 }: Pick<Figure, 'digits'>, value?: number): string {
  if (value === undefined || !Number.isFinite(value)) return ABSENT;
  return value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}
