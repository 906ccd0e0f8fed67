import type { ActivityAnswer, OperationsAnswer } from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { operations } from '../api/live.ts';
import { useResource } from '../api/resource.ts';
import { href } from '../app/router.ts';
import { OperationView, titleOf } from '../dialogs/bulk.tsx';
import { Empty, Shown } from '../ui/faces.tsx';
import { Icon } from '../ui/icon.tsx';
import { Card, Page } from '../ui/page.tsx';
import { type Column, Table } from '../ui/table.tsx';
import { Time } from '../ui/time.tsx';

type Entry = ActivityAnswer['entries'][number];

export function Activity() {
  const activity = useResource<ActivityAnswer>(apiUrl('activity'), { live: true });
  const bulk = useResource<OperationsAnswer>(apiUrl('operations'), { live: true });
  return (
    <Page
      title="Activity"
      sub="What people did through this server since it was started, and what was refused. What was done with a job also stands in its history."
    >
      {bulk.data && bulk.data.operations.length > 0 && (
        <Card title="Bulk actions and audits" isPadded={false}>
          <ul class="list">
            {bulk.data.operations.map((listed) => {
              const operation = operations.value.get(listed.id) ?? listed;
              return (
                <li key={operation.id}>
                  <div class="grow stack tight">
                    <div class="row spread">
                      <h3>{titleOf(operation)}</h3>
                      <span class="quiet">
                        {operation.by}, <Time at={operation.startedAt} />
                      </span>
                    </div>
                    <OperationView operation={operation} />
                  </div>
                </li>
              );
            })}
          </ul>
        </Card>
      )}
      <section class="card">
        <Shown of={activity}>
          {({ entries }) =>
            entries.length === 0 ? (
              <Empty icon="activity" title="Nobody did anything yet">
                It appears here when somebody pauses a name, retries a job, opens a gate, or is
                refused.
              </Empty>
            ) : (
              <Table
                label="Activity"
                columns={COLUMNS}
                rows={entries}
                rowKey={(entry) => `${entry.at} ${entry.action} ${entry.jobId}`}
              />
            )
          }
        </Shown>
      </section>
    </Page>
  );
}

const OUTCOMES = {
  done: { class: 'completed', icon: 'completed' },
  refused: { class: 'blocked', icon: 'blocked' },
  failed: { class: 'failed', icon: 'failed' },
} as const;

const COLUMNS: readonly Column<Entry>[] = [
  { head: 'Who', leads: true, cell: ({ actor }) => <strong>{actor}</strong> },
  { head: 'Did', cell: ({ action }) => inWords(action) },
  {
    ...{ head: 'With', class: 'fill' },
    cell: ({ name, jobId }) => (
      <div class="cut">
        {name !== undefined && <a href={href('name', { name })}>{name}</a>}{' '}
        {jobId && (
          <a class="mono" href={href(`jobs/${jobId}`)}>
            {jobId}
          </a>
        )}
      </div>
    ),
  },
  {
    head: 'Outcome',
    cell: ({ outcome, code }) => (
      <span class="nowrap">
        <span class={`state ${OUTCOMES[outcome].class}`}>
          <Icon name={OUTCOMES[outcome].icon} />
          {outcome}
        </span>{' '}
        {code && <span class="sub">{code}</span>}
      </span>
    ),
  },
  { head: 'When', class: 'num', cell: ({ at }) => <Time at={at} /> },
];

/** `pauseName` as `pause name`. */
function inWords(action: string): string {
  return action.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
