import { expect, test } from 'vitest';
import { expectGenerated, readPage, tableRows } from './pages.ts';

const SYSTEMS = [
  "Monque, w: 'majority'",
  'Monque, w: 1',
  'Monque at its defaults',
  'Monque in memory',
];

test('the figures of the page about tuning are those of the benchmarks', async () => {
  const benchmarks = await readPage('docs/benchmarks.md');
  const drained = tableRows(benchmarks, '## Drain of a full queue');
  const enqueued = tableRows(benchmarks, '## Enqueue');
  const rows = SYSTEMS.map((system) => {
    const [, drain = '–'] = drained.find(([name]) => name === system) ?? [];
    const ofCall = (call: string): string => {
      const [, , rate = '–'] =
        enqueued.find(([name, kind]) => name === system && kind === call) ?? [];
      return rate;
    };
    return `| ${[system, drain, ofCall('one a call'), ofCall('1,000 a call')].join(' | ')} |`;
  });
  expect(rows.filter((row) => !row.includes('–')).length).toBeGreaterThan(1);
  const head = '|  | drain | enqueue, one a call | enqueue, 1,000 a call |\n|---|---:|---:|---:|';
  await expectGenerated('docs/ledger/tuning.md', 'figures', `${head}\n${rows.join('\n')}\n`);
});
