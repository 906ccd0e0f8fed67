import { useState } from 'preact/hooks';
import type { BulkFilter, DeadLetterGroup, DeadLettersAnswer } from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { useResource } from '../api/resource.ts';
import { denied } from '../app/capabilities.ts';
import { href, params, setParams } from '../app/router.ts';
import { BulkDialog } from '../dialogs/bulk.tsx';
import { Button } from '../ui/button.tsx';
import { Empty, Note, Shown } from '../ui/faces.tsx';
import { number, plural } from '../ui/format.ts';
import { JobName } from '../ui/job-cells.tsx';
import { Card, Page } from '../ui/page.tsx';
import { type Column, Table } from '../ui/table.tsx';
import { Time } from '../ui/time.tsx';
import { NamesAndWindow, namesAndWindow } from './names-and-window.tsx';

export function DeadLetters() {
  const { names, window } = namesAndWindow();
  const letters = useResource<DeadLettersAnswer>(apiUrl('dead-letters', { name: names, window }));
  return (
    <Page
      title="Dead letters"
      sub="Jobs that failed for good and wait under another name until somebody redrives or deletes them, by where they failed and why."
      actions={
        <Button icon="retry" onClick={() => void letters.reload()}>
          Read again
        </Button>
      }
    >
      <NamesAndWindow
        page="dead-letters"
        label="Filter dead letters"
        placeholder="The name that they wait under"
        windowLabel="How many jobs to look at"
      />
      <Shown of={letters} rows={8}>
        {(answer) => <Found answer={answer} reload={() => void letters.reload()} />}
      </Shown>
    </Page>
  );
}

function keyOf({ name, source, pattern }: DeadLetterGroup): string {
  return `${source} ${name} ${pattern}`;
}

interface FoundProps {
  readonly answer: DeadLettersAnswer;
  reload(): void;
}

function Found({ answer: { groups, names, examined, isComplete }, reload }: FoundProps) {
  const wanted = params.value.get('letter');
  const chosen = groups.find((group) => keyOf(group) === wanted);
  return (
    <>
      {!isComplete && (
        <Note>
          {plural(examined, 'job')} were looked at, the newest by creation. There are more.
        </Note>
      )}
      {chosen && <Chosen key={keyOf(chosen)} group={chosen} reload={reload} />}
      <section class="card">
        {groups.length === 0 ? (
          <Empty icon="dead" title="There are no dead letters">
            {names.length === 0
              ? 'No live worker has the option deadLetter. Choose the name that they wait under to look there.'
              : `Looked for under ${names.join(', ')}.`}
          </Empty>
        ) : (
          <Table
            label="Dead letters"
            columns={COLUMNS}
            rows={groups}
            rowKey={keyOf}
            rowClass={(group) => (group === chosen ? 'is-picked' : undefined)}
          />
        )}
      </section>
    </>
  );
}

const COLUMNS: readonly Column<DeadLetterGroup>[] = [
  {
    ...{ head: 'Why', leads: true, class: 'fill' },
    cell: (group) => (
      <div class="cut">
        <a
          href={href('dead-letters', { ...Object.fromEntries(params.value), letter: keyOf(group) })}
          title={group.pattern}
        >
          <strong>{group.pattern}</strong>
        </a>
      </div>
    ),
  },
  {
    head: 'Failed as',
    cell: ({ source }) => (
      <a class="nowrap" href={href('name', { name: source })}>
        {source}
      </a>
    ),
  },
  {
    head: 'Waits as',
    cell: ({ name }) => (
      <a class="nowrap" href={href('name', { name })}>
        {name}
      </a>
    ),
  },
  { head: 'Jobs', class: 'num', cell: ({ count }) => number(count) },
  { head: 'First', class: 'num', cell: ({ firstAt }) => <Time at={firstAt} /> },
  { head: 'Last', class: 'num', cell: ({ lastAt }) => <Time at={lastAt} /> },
];

/** One kind of dead letters, and what can be done with them. */
function Chosen({ group, reload }: { readonly group: DeadLetterGroup; reload(): void }) {
  const { name, source, sample, ids, count } = group;
  const [filter, setFilter] = useState<BulkFilter>();
  const refused = denied('retry', name);
  const alike =
    ids.length < count ? `the newest ${number(ids.length)} alike` : `all ${number(count)} alike`;
  return (
    <Card
      title={source}
      aside={
        <span class="row">
          <Button icon="retry" look="main" denied={refused} onClick={() => setFilter({ ids })}>
            Redrive {alike}
          </Button>
          <Button
            icon="retry"
            denied={refused}
            onClick={() => setFilter({ name, deadLettersOf: source })}
          >
            Redrive all of {source}
          </Button>
          <Button
            icon="close"
            label="Close these dead letters"
            look="bare"
            onClick={() => setParams({ letter: undefined })}
          />
        </span>
      }
    >
      <div class="stack tight">
        <pre class="value" tabIndex={0} role="region" aria-label="The newest message">
          {sample.source?.reason}
        </pre>
        <div class="row spread">
          <JobName job={sample} />
          <a href={href('jobs', { name, deadLettersOf: source })}>All dead letters of {source}</a>
        </div>
      </div>
      {filter && (
        <BulkDialog
          kind="redrive"
          filter={filter}
          onClose={() => {
            setFilter(undefined);
            reload();
          }}
        />
      )}
    </Card>
  );
}
