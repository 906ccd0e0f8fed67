import { useState } from 'preact/hooks';
import type { JobsAnswer, StatsAnswer } from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { snapshot } from '../api/live.ts';
import { useResource } from '../api/resource.ts';
import { denied } from '../app/capabilities.ts';
import { href, params } from '../app/router.ts';
import { EnqueueDialog } from '../dialogs/enqueue.tsx';
import { useMetrics } from '../metrics/samples.ts';
import { Button } from '../ui/button.tsx';
import { Empty, Note, Shown } from '../ui/faces.tsx';
import { bounded, number, span } from '../ui/format.ts';
import { jobColumns } from '../ui/job-cells.tsx';
import { NameState, PausedBy } from '../ui/name-cells.tsx';
import { Card, Page } from '../ui/page.tsx';
import { STATUSES, State } from '../ui/state.tsx';
import { Table } from '../ui/table.tsx';
import { Time } from '../ui/time.tsx';
import { PauseButton } from './names.tsx';

export function NamePage() {
  const name = params.value.get('name') ?? '';
  const row = snapshot.value?.names.find((candidate) => candidate.name === name);
  const [isEnqueueOpen, setEnqueueOpen] = useState(false);
  const jobs = useResource<JobsAnswer>(
    apiUrl('jobs', { name, direction: 'descending', limit: 10 }),
    { live: true },
  );
  return (
    <Page
      title={name}
      sub={
        row ? (
          <span class="row">
            <NameState row={row} /> <PausedBy row={row} />
          </span>
        ) : (
          'No job of this name is due, and no live instance has a worker for it.'
        )
      }
      actions={
        <>
          <Button icon="plus" denied={denied('enqueue', name)} onClick={() => setEnqueueOpen(true)}>
            Enqueue
          </Button>
          <PauseButton row={{ name, isPaused: row?.isPaused ?? false }} />
        </>
      }
    >
      {row && (
        <div class="figures">
          <a class="figure" href={href('jobs', { name, status: 'pending' })}>
            <b>{bounded(row.due.value, row.due.isAtLeast)}</b>
            <span>due</span>
          </a>
          <div class="figure">
            <b>{row.queueLagMs > 0 ? span(row.queueLagMs) : '–'}</b>
            <span>the first waits for</span>
          </div>
          <a class="figure" href={href('jobs', { name, status: 'processing' })}>
            <b>
              {number(row.running)} <small>of {number(row.concurrency)}</small>
            </b>
            <span>slots in use</span>
          </a>
          <a class="figure" href={href('instances')}>
            <b>{number(row.instances)}</b>
            <span>live instances</span>
          </a>
        </div>
      )}
      <div class="halves">
        <Counts name={name} />
        <Times name={name} />
      </div>
      <Card
        title="Newest jobs"
        isPadded={false}
        aside={<a href={href('jobs', { name })}>All of them</a>}
      >
        <Shown of={jobs} rows={4}>
          {(answer) =>
            answer.jobs.length === 0 ? (
              <Empty icon="jobs" title="There is no job of this name" />
            ) : (
              <Table
                label="Newest jobs"
                columns={jobColumns()}
                rows={answer.jobs}
                rowKey={(job) => job.id}
              />
            )
          }
        </Shown>
      </Card>
      {isEnqueueOpen && <EnqueueDialog name={name} onClose={() => setEnqueueOpen(false)} />}
    </Page>
  );
}

/** All jobs by state: read only when somebody asks, because it reads each of them. */
function Counts({ name }: { readonly name: string }) {
  const [isWanted, setWanted] = useState(false);
  const stats = useResource<StatsAnswer>(isWanted ? apiUrl('stats', { name }) : undefined);
  return (
    <Card title="All jobs by state">
      {!isWanted ? (
        <div class="stack tight">
          <p class="quiet">
            Counting reads every job of this name, so it is done only when you ask.
          </p>
          <div>
            <Button onClick={() => setWanted(true)}>Count them</Button>
          </div>
        </div>
      ) : (
        <Shown of={stats} rows={4}>
          {(answer) => (
            <div class="stack tight">
              <dl class="facts">
                {STATUSES.map((status) => (
                  <>
                    <dt key={status}>
                      <State status={status} />
                    </dt>
                    <dd>
                      <a href={href('jobs', { name, status })}>{number(answer.counts[status])}</a>
                    </dd>
                  </>
                ))}
              </dl>
              <p class="hint">
                {number(answer.total)} in all; counted <Time at={answer.asOf} />
              </p>
            </div>
          )}
        </Shown>
      )}
    </Card>
  );
}

const TIMES = [
  { metric: 'waitMs', label: 'Wait until a run begins' },
  { metric: 'runMs', label: 'Run' },
] as const;

function Times({ name }: { readonly name: string }) {
  const metrics = useMetrics();
  return (
    <Card title="How long it takes">
      <Shown of={metrics} rows={4}>
        {({ histograms }) => {
          const rows = TIMES.flatMap(({ metric, label }) => {
            const point = (histograms[metric] ?? []).find(({ labels }) => labels.name === name);
            return point ? [{ label, ...point }] : [];
          });
          if (rows.length === 0)
            return <Note>The process that serves this page has run no job of this name.</Note>;
          return (
            <dl class="facts">
              {rows.map(({ label, p50, p95, max, count }) => (
                <>
                  <dt key={label}>{label}</dt>
                  <dd>
                    {p50 !== undefined && `half within ${span(p50)}, `}
                    {p95 !== undefined && `95 % within ${span(p95)}, `}
                    {max !== undefined && `at most ${span(max)}`}{' '}
                    <span class="quiet">({number(count)})</span>
                  </dd>
                </>
              ))}
            </dl>
          );
        }}
      </Shown>
    </Card>
  );
}
