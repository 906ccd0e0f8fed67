import { useEffect, useState } from 'preact/hooks';
import type {
  BulkFilter,
  ErrorGroup,
  ErrorsAnswer,
  PreviewAnswer,
} from '../../../src/api/types.ts';
import { apiUrl, type ProblemError, post } from '../api/client.ts';
import { useResource } from '../api/resource.ts';
import { denied } from '../app/capabilities.ts';
import { href, params, setParams } from '../app/router.ts';
import { BulkDialog } from '../dialogs/bulk.tsx';
import { Button } from '../ui/button.tsx';
import { Empty, Loading, Note, ProblemNote, Shown } from '../ui/faces.tsx';
import { bounded, number, plural } from '../ui/format.ts';
import { jobColumns } from '../ui/job-cells.tsx';
import { Card, Page } from '../ui/page.tsx';
import { type Column, Table } from '../ui/table.tsx';
import { Time } from '../ui/time.tsx';
import { NamesAndWindow, namesAndWindow } from './names-and-window.tsx';

export function Errors() {
  const search = params.value;
  const { names, window } = namesAndWindow();
  const errors = useResource<ErrorsAnswer>(apiUrl('errors', { name: names, window }));
  const wanted = search.get('error');
  return (
    <Page
      title="Errors"
      sub="Failed jobs, grouped by what went wrong: messages that differ only in ids, numbers and quoted texts are one."
      actions={
        <Button icon="retry" onClick={() => void errors.reload()}>
          Read again
        </Button>
      }
    >
      <NamesAndWindow
        page="errors"
        label="Filter errors"
        placeholder="Filter by name"
        windowLabel="How many failed jobs to look at"
      />
      <Shown of={errors} rows={8}>
        {(answer) => {
          const chosen = answer.groups.find((group) => keyOf(group) === wanted);
          return (
            <>
              {!answer.isComplete && (
                <Note>
                  {plural(answer.examined, 'failed job')} were looked at, the newest by creation.
                  There are more.
                </Note>
              )}
              {chosen && <Group key={keyOf(chosen)} group={chosen} />}
              <section class="card">
                {answer.groups.length === 0 ? (
                  <Empty icon="completed" title="No job has failed for good">
                    Jobs that are tried again are among the pending ones.
                  </Empty>
                ) : (
                  <Table
                    label="Errors"
                    columns={COLUMNS}
                    rows={answer.groups}
                    rowKey={keyOf}
                    rowClass={(group) => (group === chosen ? 'is-picked' : undefined)}
                  />
                )}
              </section>
            </>
          );
        }}
      </Shown>
    </Page>
  );
}

function keyOf({ name, pattern }: ErrorGroup): string {
  return `${name} ${pattern}`;
}

function filterOf({ name, prefix }: ErrorGroup): BulkFilter {
  return { name, status: 'failed', ...(prefix !== '' && { failReason: prefix }) };
}

const COLUMNS: readonly Column<ErrorGroup>[] = [
  {
    head: 'Error',
    leads: true,
    class: 'fill',
    cell: (group) => (
      <div class="cut">
        <a
          href={href('errors', { ...Object.fromEntries(params.value), error: keyOf(group) })}
          title={group.pattern}
        >
          <strong>{group.pattern}</strong>
        </a>
        <div class="sub cut">{group.name}</div>
      </div>
    ),
  },
  { head: 'Jobs', class: 'num', cell: ({ count }) => number(count) },
  { head: 'First', class: 'num', cell: ({ firstAt }) => <Time at={firstAt} /> },
  { head: 'Last', class: 'num', cell: ({ lastAt }) => <Time at={lastAt} /> },
];

/** One kind of failure: what it says in full, the jobs, and what can be done with all of them. */
function Group({ group }: { readonly group: ErrorGroup }) {
  const [preview, setPreview] = useState<PreviewAnswer>();
  const [problem, setProblem] = useState<ProblemError>();
  const [bulk, setBulk] = useState<'retry' | 'delete'>();
  const [count, setCount] = useState(0);
  const filter = filterOf(group);
  useEffect(() => {
    post<PreviewAnswer>('operations/preview', { kind: 'retry', filter }).then(
      setPreview,
      setProblem,
    );
  }, [keyOf(group), count]);
  const all = preview ? bounded(preview.count.value, preview.count.isAtLeast) : '…';
  return (
    <Card
      title={group.name}
      aside={
        <span class="row">
          <Button
            icon="retry"
            look="main"
            denied={denied('retry', group.name)}
            onClick={() => setBulk('retry')}
          >
            Retry all {all} alike
          </Button>
          <Button
            icon="remove"
            look="danger"
            denied={denied('delete', group.name)}
            onClick={() => setBulk('delete')}
          >
            Delete them
          </Button>
          <Button
            icon="close"
            label="Close this error"
            look="bare"
            onClick={() => setParams({ error: undefined })}
          />
        </span>
      }
    >
      <div class="stack tight">
        <pre class="value" tabIndex={0} role="region" aria-label="The newest message">
          {group.sample.failReason ?? group.pattern}
        </pre>
        {filter.failReason !== undefined && (
          <p class="hint anywhere">
            Alike are failed jobs of this name whose message begins with “{filter.failReason}”.
          </p>
        )}
        {problem && <ProblemNote problem={problem.problem} />}
        {!preview && !problem && <Loading rows={3} />}
        {preview && preview.sample.length > 0 && (
          <Table
            label="Some of the jobs"
            columns={jobColumns()}
            rows={preview.sample}
            rowKey={(job) => job.id}
          />
        )}
        {preview && (
          <p>
            <a
              href={href('jobs', {
                name: group.name,
                status: 'failed',
                failReason: filter.failReason,
              })}
            >
              All of these jobs
            </a>
          </p>
        )}
      </div>
      {bulk && (
        <BulkDialog
          kind={bulk}
          filter={filter}
          onClose={() => {
            setBulk(undefined);
            setCount(count + 1);
          }}
        />
      )}
    </Card>
  );
}
