import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { JobSummary, JobsAnswer } from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { useResource } from '../api/resource.ts';
import { useSteady } from '../api/steady.ts';
import { denied } from '../app/capabilities.ts';
import { now } from '../app/clock.ts';
import { go, href, params } from '../app/router.ts';
import { GateDialog } from '../dialogs/job-actions.tsx';
import { Button } from '../ui/button.tsx';
import { Empty, Shown } from '../ui/faces.tsx';
import { plural, relative } from '../ui/format.ts';
import { JobName } from '../ui/job-cells.tsx';
import { Page } from '../ui/page.tsx';
import { type Column, Table } from '../ui/table.tsx';
import { Since } from '../ui/time.tsx';
import { TokenFilter } from '../ui/token-filter.tsx';
import { jobTokenKinds } from './jobs-query.ts';

const LIMIT = 200;
const SOON_MS = 3_600_000;

export function Gates() {
  const names = params.value.getAll('name');
  const url = apiUrl('jobs', {
    status: 'blocked',
    name: names,
    direction: 'descending',
    limit: LIMIT,
  });
  const jobs = useResource<JobsAnswer>(url, { live: true });
  return (
    <Page
      title="Gates"
      sub="Jobs that came to a gate and wait, held by no process, until somebody opens it."
    >
      <div class="row">
        <TokenFilter
          label="Filter jobs at gates"
          placeholder="Filter by name"
          kinds={jobTokenKinds().filter(({ key }) => key === 'name')}
          tokens={names.map((value) => ({ key: 'name', value }))}
          onChange={(tokens) =>
            go(
              `${href('gates')}?${new URLSearchParams(tokens.map(({ value }) => ['name', value]))}`,
            )
          }
        />
      </div>
      <section class="card">
        <Shown of={jobs} rows={6}>
          {(answer) => <GateList answer={answer} url={url} reload={() => void jobs.reload()} />}
        </Shown>
      </section>
    </Page>
  );
}

interface GateListProps {
  readonly answer: JobsAnswer;
  readonly url: string;
  reload(): void;
}

function GateList({ answer, url, reload }: GateListProps) {
  // Jobs of flows that wait for their parents are blocked too.
  const atGates = useMemo(() => answer.jobs.filter((job) => job.blockedBy !== undefined), [answer]);
  const { rows, gone, fresh, renew } = useSteady(url, atGates);
  const isCut = answer.nextCursor !== null;
  const picked = useSignal<ReadonlySet<string>>(new Set());
  const open = useSignal<readonly JobSummary[] | undefined>(undefined);
  if (rows.length === 0) {
    return isCut ? (
      <Empty icon="gates" title="None of the newest blocked jobs waits at a gate">
        They wait for parents of their flows. Filter by the name of the jobs with gates.
      </Empty>
    ) : (
      <Empty icon="gates" title="No job waits at a gate">
        A worker with stages can have gates between them; a job then waits there for its evidence.
      </Empty>
    );
  }
  const chosen = rows.filter(({ id }) => picked.value.has(id) && !gone.has(id));
  const refused = chosen
    .map(({ name }) => denied('openGate', name))
    .find((reason) => reason !== undefined);
  return (
    <>
      <div class="card-head">
        <span class="row">
          <span class="quiet">
            {plural(rows.length, 'job')}
            {isCut && ' among the newest blocked jobs; there are more'}
          </span>
          {(fresh > 0 || gone.size > 0) && (
            <Button icon="retry" look="bare" onClick={renew}>
              {fresh > 0 ? `${fresh} new` : `${gone.size} moved on`}: show the list as it is now
            </Button>
          )}
        </span>
        <Button
          icon="open"
          denied={chosen.length === 0 ? 'Pick jobs first.' : refused}
          onClick={() => {
            open.value = chosen;
          }}
        >
          Open those picked
        </Button>
      </div>
      <Table
        label="Jobs at gates"
        columns={columns(picked, open, gone)}
        rows={rows}
        rowKey={(job) => job.id}
        rowClass={(job) =>
          gone.has(job.id) ? 'is-gone' : picked.value.has(job.id) ? 'is-picked' : undefined
        }
      />
      {open.value && (
        <GateDialog
          jobs={open.value}
          onClose={() => {
            open.value = undefined;
          }}
          onDone={() => {
            picked.value = new Set();
            reload();
          }}
        />
      )}
    </>
  );
}

function columns(
  picked: { value: ReadonlySet<string> },
  open: { value: readonly JobSummary[] | undefined },
  gone: ReadonlySet<string>,
): readonly Column<JobSummary>[] {
  return [
    {
      ...{ head: 'Pick', isUnseen: true, class: 'pick' },
      cell: (job) => (
        <input
          type="checkbox"
          aria-label={`Pick ${job.name} ${job.id}`}
          checked={picked.value.has(job.id)}
          onChange={(event) => {
            const next = new Set(picked.value);
            if (event.currentTarget.checked) next.add(job.id);
            else next.delete(job.id);
            picked.value = next;
          }}
        />
      ),
    },
    {
      head: 'Job',
      leads: true,
      class: 'fill',
      cell: (job) => <JobName job={job} isGone={gone.has(job.id)} />,
    },
    { head: 'Gate', cell: (job) => <strong>{job.blockedBy}</strong> },
    {
      head: 'Waits for',
      class: 'num',
      cell: (job) => job.blockedAt && <Since at={job.blockedAt} />,
    },
    { head: 'Fails', class: 'num', cell: (job) => <Deadline job={job} /> },
    {
      ...{ head: 'Open', isUnseen: true, class: 'num' },
      cell: (job) => (
        <Button
          icon="open"
          denied={
            job.status === 'blocked' ? denied('openGate', job.name) : 'It does not wait any more.'
          }
          onClick={() => {
            open.value = [job];
          }}
        >
          Open
          <span class="unseen">
            {' '}
            the gate {job.blockedBy} of {job.name} {job.id}
          </span>
        </Button>
      ),
    },
  ];
}

function Deadline({ job: { blockedUntil } }: { readonly job: JobSummary }) {
  if (blockedUntil === undefined) return <span class="quiet">never</span>;
  const left = Date.parse(blockedUntil) - now.value;
  return (
    <span class={left < SOON_MS ? 'state blocked' : 'nowrap'}>
      {relative(Date.parse(blockedUntil), now.value)}
    </span>
  );
}
