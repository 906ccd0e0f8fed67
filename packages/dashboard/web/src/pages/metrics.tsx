import 'uplot/dist/uPlot.min.css';
import { useState } from 'preact/hooks';
import type { HistogramOfMetric, MetricsAnswer } from '../../../src/api/types.ts';
import { params, serverUrl, setParams } from '../app/router.ts';
import { Chart } from '../metrics/chart.tsx';
import {
  DEFAULT_RANGE,
  HistoryCharts,
  isOff,
  RANGES,
  SwitchOn,
  useHistory,
} from '../metrics/history.tsx';
import { type Sample, samplesOf, useMetrics } from '../metrics/samples.ts';
import { Button } from '../ui/button.tsx';
import { Empty, Note, Shown } from '../ui/faces.tsx';
import { number, percent, span } from '../ui/format.ts';
import { Card, Page } from '../ui/page.tsx';
import { type Column, Table } from '../ui/table.tsx';
import { knownNames } from './jobs-query.ts';

export function Metrics() {
  const name = params.value.get('name') ?? undefined;
  const asked = params.value.get('range') ?? DEFAULT_RANGE;
  const chosen = Object.hasOwn(RANGES, asked) ? asked : DEFAULT_RANGE;
  const range = RANGES[chosen as keyof typeof RANGES];
  const history = useHistory(range, name);
  const metrics = useMetrics();
  const samples = samplesOf(name);
  const newest = samples.at(-1)?.at ?? 0;
  const shown = samples.filter(({ at }) => at > newest - range.ms);
  return (
    <Page
      title="Metrics"
      sub={
        <>
          What all processes counted, and what the one that serves this page measured. Prometheus
          reads{' '}
          <a href={serverUrl('api/v1/metrics.prom')} target="_blank" rel="noreferrer">
            the metrics
          </a>{' '}
          of each process.
        </>
      }
      actions={
        <>
          <select
            aria-label="Name"
            value={name ?? ''}
            onChange={(event) => setParams({ name: event.currentTarget.value })}
          >
            <option value="">all names</option>
            {knownNames().map((known) => (
              <option key={known} value={known}>
                {known}
              </option>
            ))}
          </select>
          <select
            aria-label="Range"
            value={chosen}
            onChange={(event) => setParams({ range: event.currentTarget.value })}
          >
            {Object.entries(RANGES).map(([value, { label }]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </>
      }
    >
      <Shown of={history} rows={10}>
        {(answer) => (isOff(answer) ? <SwitchOn /> : <HistoryCharts {...{ answer, range }} />)}
      </Shown>
      <Shown of={metrics} rows={10}>
        {(answer) => (
          <>
            <h2 class="part">In the process that serves this page</h2>
            <Charts shown={shown} isAlone={history.data !== undefined && isOff(history.data)} />
            <Histograms answer={answer} name={name} />
          </>
        )}
      </Shown>
    </Page>
  );
}

const rate = (value: number): string => `${number(value)}/s`;

interface ChartsProps {
  readonly shown: readonly Sample[];
  /** True where there is no history of all processes, so that the throughput of this one stands in its place. */
  readonly isAlone: boolean;
}

/** What the process that serves the page measured while it was open. */
function Charts({ shown, isAlone }: ChartsProps) {
  if (shown.length < 2) {
    return (
      <section class="card">
        <Empty icon="metrics" title="The charts begin with what comes now">
          A point is added every 5 seconds while this page is open.
        </Empty>
      </section>
    );
  }
  const times = shown.map(({ at }) => at);
  const of = (key: keyof Sample): readonly number[] => shown.map((sample) => sample[key]);
  return (
    <div class={isAlone ? 'halves' : 'halves are-small'}>
      {isAlone && (
        <Card title="Runs that ended, and jobs enqueued">
          <Chart
            title="Runs that ended, and jobs enqueued, a second"
            times={times}
            format={rate}
            least={1}
            lines={[
              { label: 'succeeded', token: '--completed', values: of('done') },
              { label: 'failed', token: '--failed', values: of('failed') },
              { label: 'other ends', token: '--cancelled', values: of('other') },
              { label: 'enqueued', token: '--accent', values: of('enqueued') },
            ]}
          />
        </Card>
      )}
      <Card title="Handlers">
        <Chart
          title="Handlers that run, and jobs claimed ahead"
          times={times}
          format={number}
          least={4}
          lines={[
            { label: 'running', token: '--processing', values: of('running') },
            { label: 'claimed ahead', token: '--blocked', values: of('buffered') },
          ]}
        />
      </Card>
      <Card title="Lag">
        <Chart
          title="How late the jobs of the last claim were"
          times={times}
          least={100}
          format={span}
          lines={[{ label: 'lag', token: '--blocked', values: of('lag') }]}
        />
      </Card>
      <Card title="Win rate of claims">
        <Chart
          title="Claimed jobs of all candidates"
          times={times}
          least={1}
          format={percent}
          lines={[{ label: 'win rate', token: '--accent', values: of('winRate') }]}
        />
      </Card>
    </div>
  );
}

const TABLES = [
  { metric: 'waitMs', title: 'Wait until a run begins', unit: 'ms' },
  { metric: 'runMs', title: 'Runs', unit: 'ms' },
  { metric: 'ledgerCallMs', title: 'Calls of the ledger', unit: 'ms' },
  { metric: 'batchSize', title: 'Jobs in one call', unit: 'job' },
] as const;

function Histograms({
  answer,
  name,
}: {
  readonly answer: MetricsAnswer;
  readonly name: string | undefined;
}) {
  const tables = TABLES.flatMap((table) => {
    const all = answer.histograms[table.metric] ?? [];
    const rows =
      name === undefined
        ? all
        : all.filter(({ labels }) => !('name' in labels) || labels.name === name);
    return rows.length === 0
      ? []
      : [{ ...table, rows: [...rows].sort((a, b) => b.count - a.count) }];
  });
  if (tables.length === 0)
    return <Note>Nothing was measured yet: this process has run no job.</Note>;
  return (
    <div class="halves">
      {tables.map(({ metric, ...table }) => (
        <Histogram key={metric} {...table} />
      ))}
    </div>
  );
}

const ROWS_AT_FIRST = 12;

interface HistogramProps {
  readonly title: string;
  readonly unit: (typeof TABLES)[number]['unit'];
  readonly rows: readonly HistogramOfMetric[];
}

function Histogram({ title, unit, rows }: HistogramProps) {
  const [areAllShown, setAllShown] = useState(false);
  const shown = areAllShown ? rows : rows.slice(0, ROWS_AT_FIRST);
  return (
    <Card title={title} isPadded={false}>
      <Table
        label={title}
        columns={unit === 'ms' ? MS_COLUMNS : COUNT_COLUMNS}
        rows={shown}
        rowKey={({ labels }) => JSON.stringify(labels)}
      />
      {shown.length < rows.length && (
        <div class="more">
          <Button look="bare" onClick={() => setAllShown(true)}>
            Show all {rows.length}
          </Button>
        </div>
      )}
    </Card>
  );
}

function columnsWith(format: (value: number) => string): readonly Column<HistogramOfMetric>[] {
  const figure = (
    head: string,
    value: (point: HistogramOfMetric) => number | undefined,
  ): Column<HistogramOfMetric> => ({
    ...{ head, class: 'num' },
    cell: (point) => {
      const found = value(point);
      return found === undefined ? '–' : <span class="nowrap">{format(found)}</span>;
    },
  });
  return [
    {
      head: 'Of',
      leads: true,
      class: 'fill',
      cell: ({ labels }) => <div class="cut">{Object.values(labels).join(' · ') || 'all'}</div>,
    },
    { head: 'Count', class: 'num', cell: ({ count }) => number(count) },
    figure('p50', ({ p50 }) => p50),
    figure('p95', ({ p95 }) => p95),
    figure('p99', ({ p99 }) => p99),
    figure('Most', ({ max }) => max),
  ];
}

const MS_COLUMNS = columnsWith(span);
const COUNT_COLUMNS = columnsWith(number);
