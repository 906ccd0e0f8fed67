import { useSignal } from '@preact/signals';
import type { BulkKind, JobSummary, JobsAnswer } from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { useResource } from '../api/resource.ts';
import { useSteady } from '../api/steady.ts';
import { denied } from '../app/capabilities.ts';
import { go, href, params, setParams } from '../app/router.ts';
import { BulkDialog } from '../dialogs/bulk.tsx';
import { EnqueueDialog } from '../dialogs/enqueue.tsx';
import { ReasonsDialog } from '../dialogs/reasons.tsx';
import { Button } from '../ui/button.tsx';
import { Empty, Failed, Note, Shown } from '../ui/faces.tsx';
import { plural } from '../ui/format.ts';
import { jobColumns } from '../ui/job-cells.tsx';
import { Page } from '../ui/page.tsx';
import { STATUSES } from '../ui/state.tsx';
import { type Column, Table } from '../ui/table.tsx';
import { type Token, TokenFilter } from '../ui/token-filter.tsx';
import { bulkFilterOf, jobsQueryOf, jobTokenKinds, setTokens, tokensOf } from './jobs-query.ts';

const ORDERS = [
  { value: '', label: 'Newest first' },
  { value: '_id ascending', label: 'Oldest first' },
  { value: 'nextRunAt ascending', label: 'Due first' },
  { value: 'updatedAt descending', label: 'Changed last' },
] as const;

const ID = /^[0-9a-f]{24}$/i;

export function Jobs() {
  const search = params.value;
  const tokens = tokensOf(search);
  const url = apiUrl('jobs', jobsQueryOf(search));
  const jobs = useResource<JobsAnswer>(url, { live: true });
  const picked = useSignal<ReadonlySet<string>>(new Set());
  const isEnqueueOpen = useSignal(false);
  return (
    <Page
      title="Jobs"
      actions={
        <Button
          icon="plus"
          denied={denied('enqueue')}
          onClick={() => {
            isEnqueueOpen.value = true;
          }}
        >
          Enqueue a job
        </Button>
      }
    >
      <div class="row">
        <TokenFilter
          label="Filter jobs"
          placeholder="Filter, or paste the id of a job"
          kinds={jobTokenKinds()}
          tokens={tokens}
          onChange={(next) => {
            picked.value = new Set();
            setTokens(next);
          }}
          also={asId}
        />
        <OrderSelect />
      </div>
      <StatusTabs tokens={tokens} />
      {search.get('archived') === 'true' && <Note>These are the jobs in the archive.</Note>}
      {jobs.error && !jobs.data ? (
        <section class="card">
          {/scan/i.test(
            `${jobs.error.problem.code} ${jobs.error.problem.detail} ${jobs.error.problem.advice}`,
          ) && search.get('scan') !== 'true' ? (
            <ScanFace />
          ) : (
            <Failed problem={jobs.error.problem} retry={() => void jobs.reload()} />
          )}
        </section>
      ) : (
        <section class="card">
          <Shown of={jobs} rows={12}>
            {(answer) => <JobsList answer={answer} url={url} tokens={tokens} picked={picked} />}
          </Shown>
        </section>
      )}
      {isEnqueueOpen.value && (
        <EnqueueDialog
          name={search.get('name') ?? ''}
          onClose={() => {
            isEnqueueOpen.value = false;
          }}
        />
      )}
    </Page>
  );
}

function asId(text: string) {
  if (!ID.test(text)) return undefined;
  return {
    ...{ text: `Open the job ${text}`, help: 'an id' },
    pick: () => go(href(`jobs/${text.toLowerCase()}`)),
  };
}

function OrderSelect() {
  const search = params.value;
  const orderBy = search.get('orderBy');
  const current = orderBy === null ? '' : `${orderBy} ${search.get('direction') ?? 'ascending'}`;
  return (
    <select
      aria-label="Order"
      value={current}
      onChange={(event) => {
        const [order, direction] = event.currentTarget.value.split(' ');
        setParams({ orderBy: order, direction, cursor: undefined });
      }}
    >
      {ORDERS.map(({ value, label }) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </select>
  );
}

function StatusTabs({ tokens }: { readonly tokens: readonly Token[] }) {
  const chosen = tokens.filter(({ key }) => key === 'status').map(({ value }) => value);
  const others = tokens.filter(({ key }) => key !== 'status');
  const tab = (label: string, isCurrent: boolean, next: readonly Token[]) => (
    <button key={label} type="button" aria-pressed={isCurrent} onClick={() => setTokens(next)}>
      {label}
    </button>
  );
  return (
    <div class="row spread">
      <div class="tabs" role="group" aria-label="State">
        {tab('all', chosen.length === 0, others)}
        {STATUSES.map((status) =>
          tab(status, chosen.length === 1 && chosen[0] === status, [
            ...others,
            { key: 'status', value: status },
          ]),
        )}
      </div>
      <label class="check hint">
        <input
          type="checkbox"
          checked={params.value.get('archived') === 'true'}
          onChange={(event) =>
            setParams({
              archived: event.currentTarget.checked ? 'true' : undefined,
              cursor: undefined,
            })
          }
        />
        In the archive
      </label>
    </div>
  );
}

/** A list that no index serves. */
function ScanFace() {
  return (
    <Empty icon="search" title="No index serves this list">
      To find these jobs the database has to read many others. Narrow it by a name and a state, or{' '}
      <a href={`${href('jobs')}?${withScan()}`}>search all the same</a>: that is bounded in time.
    </Empty>
  );
}

function withScan(): string {
  const next = new URLSearchParams(params.value);
  next.set('scan', 'true');
  return next.toString();
}

interface ListProps {
  readonly answer: JobsAnswer;
  readonly url: string;
  readonly tokens: readonly Token[];
  readonly picked: { value: ReadonlySet<string> };
}

function JobsList({ answer, url, tokens, picked }: ListProps) {
  const steady = useSteady(url, answer.jobs);
  const { rows, gone } = steady;
  if (rows.length === 0) return <NoJobs isFiltered={tokens.length > 0} />;
  return (
    <>
      <ListBar steady={steady} tokens={tokens} picked={picked} />
      <Table
        label="Jobs"
        columns={[pickColumn(rows, picked), ...jobColumns(gone)]}
        rows={rows}
        rowKey={(job) => job.id}
        rowClass={(job) =>
          picked.value.has(job.id) ? 'is-picked' : gone.has(job.id) ? 'is-gone' : undefined
        }
      />
      <Pager answer={answer} />
    </>
  );
}

function NoJobs({ isFiltered }: { readonly isFiltered: boolean }) {
  if (!isFiltered) {
    return (
      <Empty icon="jobs" title="There are no jobs yet">
        They appear here as soon as one is enqueued, by a program or with the button above.
      </Empty>
    );
  }
  return (
    <Empty icon="search" title="No job matches the filter">
      Finished jobs leave after their retention; they may be{' '}
      <a href={href('jobs', { archived: 'true' })}>in the archive</a>.
    </Empty>
  );
}

interface ListBarProps extends Pick<ListProps, 'tokens' | 'picked'> {
  readonly steady: ReturnType<typeof useSteady<JobSummary>>;
}

/** What can be done with jobs of the list. It takes the same room whether jobs are picked or not. */
function ListBar({ steady, tokens, picked }: ListBarProps) {
  const isWhyOpen = useSignal(false);
  const bulk = useSignal<{ kind: BulkKind; isAll: boolean } | undefined>(undefined);
  const count = picked.value.size;
  const isArchive = params.value.get('archived') === 'true';
  const names = new Set(
    steady.rows.filter(({ id }) => picked.value.has(id)).map(({ name }) => name),
  );
  const reason = (action: 'retry' | 'cancel' | 'delete'): string | undefined =>
    isArchive
      ? 'Jobs in the archive cannot be changed.'
      : denied(action, names.size === 1 ? [...names][0] : undefined);
  const open = (kind: BulkKind) => () => {
    bulk.value = { kind, isAll: count === 0 };
  };
  const what = count === 0 ? 'all that match' : plural(count, 'job');
  return (
    <>
      <div class="card-head">
        <span class="row">
          {count > 0 ? (
            <>
              <strong>{plural(count, 'job')} picked</strong>
              <Button
                look="bare"
                onClick={() => {
                  picked.value = new Set();
                }}
              >
                Pick none
              </Button>
            </>
          ) : (
            <span class="quiet">{plural(steady.rows.length, 'job')} on this page</span>
          )}
          {(steady.fresh > 0 || steady.gone.size > 0) && (
            <Button icon="retry" look="bare" onClick={steady.renew}>
              {steady.fresh > 0 ? `${steady.fresh} new` : `${steady.gone.size} moved on`}: show the
              list as it is now
            </Button>
          )}
        </span>
        <span class="row">
          <Button
            icon="info"
            denied={isArchive ? 'Jobs in the archive are finished.' : undefined}
            onClick={() => {
              isWhyOpen.value = true;
            }}
          >
            Why?
          </Button>
          <Button icon="retry" denied={reason('retry')} onClick={open('retry')}>
            Retry {what}
          </Button>
          <Button icon="cancelled" denied={reason('cancel')} onClick={open('cancel')}>
            Cancel
          </Button>
          <Button icon="remove" look="danger" denied={reason('delete')} onClick={open('delete')}>
            Delete
          </Button>
        </span>
      </div>
      {isWhyOpen.value && (
        <ReasonsDialog
          query={jobsQueryOf(params.value)}
          onClose={() => {
            isWhyOpen.value = false;
          }}
        />
      )}
      {bulk.value && (
        <BulkDialog
          kind={bulk.value.kind}
          filter={bulk.value.isAll ? bulkFilterOf(tokens) : { ids: [...picked.value] }}
          onClose={() => {
            bulk.value = undefined;
            picked.value = new Set();
            steady.renew();
          }}
        />
      )}
    </>
  );
}

function pickColumn(rows: readonly JobSummary[], picked: ListProps['picked']): Column<JobSummary> {
  return {
    head: 'Pick',
    isUnseen: true,
    class: 'pick',
    cell: (job) => (
      <input
        type="checkbox"
        aria-label={`Pick ${job.name} ${job.id}`}
        checked={picked.value.has(job.id)}
        onClick={(event) => {
          const next = new Set(picked.value);
          const ids = event.shiftKey ? range(rows, lastPicked, job.id) : [job.id];
          for (const id of ids) {
            if (event.currentTarget.checked) next.add(id);
            else next.delete(id);
          }
          lastPicked = job.id;
          picked.value = next;
        }}
      />
    ),
  };
}

/** Where a range that is picked with Shift begins. */
let lastPicked = '';

function range(rows: readonly JobSummary[], from: string, to: string): readonly string[] {
  const ids = rows.map(({ id }) => id);
  const [start, end] = [ids.indexOf(from), ids.indexOf(to)].sort((a, b) => a - b) as [
    number,
    number,
  ];
  return start < 0 ? [to] : ids.slice(start, end + 1);
}

function Pager({ answer }: { readonly answer: JobsAnswer }) {
  const { previousCursor, nextCursor } = answer;
  const isFirst = !params.value.has('cursor');
  if (isFirst && nextCursor === null) return null;
  const turn = (cursor: string | null) => () => {
    if (cursor !== null) setParams({ cursor });
  };
  return (
    <nav class="card-head" aria-label="Pages of the list">
      <Button
        icon="left"
        look="bare"
        denied={isFirst ? 'This is the first page.' : undefined}
        onClick={
          isFirst || previousCursor === null
            ? () => setParams({ cursor: undefined })
            : turn(previousCursor)
        }
      >
        Earlier page
      </Button>
      <Button
        icon="right"
        look="bare"
        denied={nextCursor === null ? 'This is the last page.' : undefined}
        onClick={turn(nextCursor)}
      >
        Next page
      </Button>
    </nav>
  );
}
