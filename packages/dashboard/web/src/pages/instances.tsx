import type { InstanceRow, InstancesAnswer } from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { useResource } from '../api/resource.ts';
import { href, params, setParams } from '../app/router.ts';
import { Fact } from '../job/facts.tsx';
import { Button } from '../ui/button.tsx';
import { Empty, Note, Shown } from '../ui/faces.tsx';
import { bounded, number, percent, plural, span } from '../ui/format.ts';
import { InstanceState } from '../ui/instance-state.tsx';
import { Card, Page } from '../ui/page.tsx';
import { Meter } from '../ui/parts.tsx';
import { type Column, Table } from '../ui/table.tsx';
import { Since, Time } from '../ui/time.tsx';

export function Instances() {
  const answer = useResource<InstancesAnswer>(apiUrl('instances'), { live: true });
  return (
    <Page
      title="Instances"
      sub="Every process that runs jobs holds a lease and renews it. Who does not is declared dead by the others, and its jobs are given back."
    >
      <Shown of={answer} rows={8}>
        {({ instances, withoutLease }) => (
          <Seen instances={instances} withoutLease={withoutLease} />
        )}
      </Shown>
    </Page>
  );
}

function Seen({ instances, withoutLease }: Pick<InstancesAnswer, 'instances' | 'withoutLease'>) {
  const wanted = params.value.get('instance');
  const chosen = instances.find(({ instanceId }) => instanceId === wanted);
  const versions = [
    ...new Set(
      instances.flatMap(({ version, state }) => (version && state === 'alive' ? [version] : [])),
    ),
  ];
  return (
    <>
      {versions.length > 1 && (
        <Note kind="warns">
          The live instances run different versions: {versions.join(', ')}. That is fine while you
          deploy.
        </Note>
      )}
      {withoutLease.value > 0 && (
        <Note>
          {bounded(withoutLease.value, withoutLease.isAtLeast)} jobs are locked by tools that keep
          no lease.
        </Note>
      )}
      {wanted !== null && !chosen && (
        <Note kind="warns">The instance {wanted} is not on record any more.</Note>
      )}
      {chosen && <One row={chosen} />}
      <section class="card">
        {instances.length === 0 ? (
          <Empty icon="instances" title="No instance is on record">
            Call start() in a process that has workers.
          </Empty>
        ) : (
          <Table
            label="Instances"
            columns={COLUMNS.filter((column) => isSaid(column, instances))}
            rows={instances}
            rowKey={(row) => row.instanceId}
            rowClass={(row) => (row === chosen ? 'is-picked' : undefined)}
          />
        )}
      </section>
    </>
  );
}

/** Between renewals a third of the lease goes by, so up to there nothing is late. */
function Lease({ row: { leaseAgeMs, leaseDurationMs, state } }: { readonly row: InstanceRow }) {
  if (leaseAgeMs === undefined || leaseDurationMs === undefined)
    return <span class="quiet">–</span>;
  const part = leaseAgeMs / leaseDurationMs;
  return (
    <span class="nowrap">
      {span(leaseAgeMs)} of {span(leaseDurationMs)}
      <Meter part={part} kind={state !== 'alive' ? 'fails' : part > 0.67 ? 'warns' : ''} />
    </span>
  );
}

const COLUMNS: readonly Column<InstanceRow>[] = [
  {
    ...{ head: 'Instance', leads: true, class: 'fill wraps' },
    cell: (row) => (
      <div class="cut">
        <a href={href('instances', { instance: row.instanceId })}>
          <strong>{row.host ?? row.instanceId}</strong>
          {row.pid !== undefined && <> · {row.pid}</>}
        </a>
        <div class="sub cut">
          {row.isOwn && 'serves this page · '}
          <span class="mono">{row.instanceId}</span>
        </div>
      </div>
    ),
  },
  { head: 'State', cell: (row) => <InstanceState state={row.state} /> },
  { head: 'Lease', class: 'num', cell: (row) => <Lease row={row} /> },
  {
    ...{ head: 'Runs', class: 'num' },
    cell: (row) =>
      row.runningJobs !== undefined && (
        <span class="nowrap">
          {number(row.runningJobs)}
          {row.instanceConcurrency !== undefined && ` of ${number(row.instanceConcurrency)}`}
        </span>
      ),
  },
  {
    head: 'Claims',
    class: 'num',
    cell: ({ claims }) => claims && bounded(claims.count.value, claims.count.isAtLeast),
  },
  {
    head: 'Win rate',
    class: 'num',
    cell: ({ winRate }) => winRate !== undefined && percent(winRate),
  },
  {
    head: 'Loop delay',
    class: 'num',
    cell: ({ loopDelayMs }) =>
      loopDelayMs !== undefined && <span class="nowrap">{span(loopDelayMs)}</span>,
  },
  { head: 'Up for', class: 'num', cell: ({ startedAt }) => startedAt && <Since at={startedAt} /> },
  { head: 'Version', class: 'num', cell: ({ version }) => version },
];

/** Older versions say less of themselves; a column that nobody fills is left out. */
function isSaid(column: Column<InstanceRow>, rows: readonly InstanceRow[]): boolean {
  return rows.some((row) => {
    const content = column.cell(row);
    return content !== undefined && content !== false;
  });
}

/** One instance with all it says of itself. */
function One({ row }: { readonly row: InstanceRow }) {
  const { claims, workers } = row;
  return (
    <Card
      title={`${row.host ?? row.instanceId}${row.pid === undefined ? '' : ` · ${row.pid}`}`}
      aside={
        <Button
          icon="close"
          label="Close this instance"
          look="bare"
          onClick={() => setParams({ instance: undefined })}
        />
      }
    >
      <div class="stack">
        <p>
          {sentenceOf(row)}{' '}
          <a href={href('jobs', { status: 'processing', claimedBy: row.instanceId })}>
            Show the jobs it holds
          </a>
        </p>
        <div class="halves">
          <dl class="facts">
            <Fact name="Id">
              <span class="mono">{row.instanceId}</span>
            </Fact>
            <Fact name="State">
              <InstanceState state={row.state} />
            </Fact>
            <Fact name="Lease">
              <Lease row={row} />
            </Fact>
            {row.startedAt && (
              <Fact name="Started">
                <Time at={row.startedAt} as="both" />
              </Fact>
            )}
            {row.version && <Fact name="Version">{row.version}</Fact>}
            {row.bufferedJobs !== undefined && (
              <Fact name="Claimed ahead">{number(row.bufferedJobs)}</Fact>
            )}
            {row.queueLagMs !== undefined && <Fact name="Lag">{span(row.queueLagMs)}</Fact>}
            {row.clockErrorMs !== undefined && (
              <Fact name="Clock error">{span(row.clockErrorMs)}</Fact>
            )}
            {row.winRate !== undefined && <Fact name="Win rate">{percent(row.winRate)}</Fact>}
            {row.loopDelayMs !== undefined && (
              <Fact name="Longest loop delay">{span(row.loopDelayMs)}</Fact>
            )}
            {row.violations !== undefined && (
              <Fact name="Rules broken">{number(row.violations)}</Fact>
            )}
            {row.alerts !== undefined && row.alerts.length > 0 && (
              <Fact name="Alerts">{row.alerts.join(', ')}</Fact>
            )}
            {claims?.oldest && (
              <Fact name="Oldest claim">
                <a href={href(`jobs/${claims.oldest.jobId}`)}>{claims.oldest.name}</a>, for{' '}
                <Since at={claims.oldest.lockedAt} />
              </Fact>
            )}
          </dl>
          <div>
            <h3 class="gap-below">Workers</h3>
            {workers.length === 0 ? (
              <p class="quiet">It names none.</p>
            ) : (
              <dl class="facts">
                {workers.map(({ name, running, concurrency }) => (
                  <Fact key={name} name={name}>
                    {number(running)} of {number(concurrency)}{' '}
                    <Meter part={running / concurrency} />
                  </Fact>
                ))}
              </dl>
            )}
            {!!row.unnamedWorkers && (
              <p class="hint">and {plural(row.unnamedWorkers, 'other')}, not named</p>
            )}
          </div>
        </div>
      </div>
    </Card>
  );
}

/** What is so, and what happens next. */
function sentenceOf({ state, claims, leaseAgeMs = 0, leaseDurationMs = 0 }: InstanceRow): string {
  const held = claims?.count.value ?? 0;
  const jobs = claims
    ? `${bounded(held, claims.count.isAtLeast)} ${held === 1 ? 'job' : 'jobs'}`
    : 'jobs';
  switch (state) {
    case 'alive':
      return `It renews its lease in time and holds ${jobs}.`;
    case 'silent': {
      const left = Math.max(0, leaseDurationMs * 1.5 - leaseAgeMs);
      return `It did not renew its lease in time. If it stays silent it is declared dead in about ${span(left)}, and its ${jobs} are given back.`;
    }
    case 'dead':
      return held > 0
        ? `It is dead. Its ${jobs} are given back within a part of a lease.`
        : 'It is dead, and holds nothing any more.';
    case 'unknown':
      return `It has no lease on record, only claims. Its ${jobs} are given back within about a lease.`;
  }
}
