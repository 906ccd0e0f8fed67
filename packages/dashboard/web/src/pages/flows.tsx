import type { FlowRow, FlowsAnswer } from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { useResource } from '../api/resource.ts';
import { go, href, params } from '../app/router.ts';
import { Counts, FlowStateChip } from '../flows/words.tsx';
import { Button } from '../ui/button.tsx';
import { Empty, Shown } from '../ui/faces.tsx';
import { number } from '../ui/format.ts';
import { KeyPager } from '../ui/key-pager.tsx';
import { Page } from '../ui/page.tsx';
import { type Column, Table } from '../ui/table.tsx';
import { Time } from '../ui/time.tsx';
import { TokenFilter } from '../ui/token-filter.tsx';

const ID = /^[0-9a-f]{24}$/i;

export function Flows() {
  const after = params.value.get('after') ?? undefined;
  const flows = useResource<FlowsAnswer>(apiUrl('flows', { after }));
  return (
    <Page
      title="Flows"
      sub="Jobs that wait for one another: a job starts when its parents have come to an end that lets it."
      actions={
        <Button icon="retry" onClick={() => void flows.reload()}>
          Read again
        </Button>
      }
    >
      <div class="row">
        <TokenFilter
          label="Find a flow"
          placeholder="Paste the id of a flow"
          kinds={[]}
          tokens={[]}
          onChange={() => {}}
          also={(text) =>
            ID.test(text)
              ? {
                  ...{ text: `Open the flow ${text}`, help: 'an id' },
                  pick: () => go(href(`flows/${text.toLowerCase()}`)),
                }
              : undefined
          }
        />
      </div>
      <section class="card">
        <Shown of={flows} rows={6}>
          {(answer) => <FlowList answer={answer} />}
        </Shown>
      </section>
    </Page>
  );
}

function FlowList({ answer: { flows, next } }: { readonly answer: FlowsAnswer }) {
  if (flows.length === 0 && next === null && !params.value.has('after')) {
    return (
      <Empty icon="flows" title="There is no flow">
        A flow is stored with enqueueFlow: jobs with the names of those they wait for.
      </Empty>
    );
  }
  return (
    <>
      <Table label="Flows" columns={COLUMNS} rows={flows} rowKey={({ id }) => id} />
      <KeyPager label="the flows" next={next} />
    </>
  );
}

const COLUMNS: readonly Column<FlowRow>[] = [
  {
    ...{ head: 'Flow', leads: true, class: 'fill' },
    cell: ({ id, uniqueKey }) => (
      <div class="cut">
        <a href={href(`flows/${id}`)}>
          {uniqueKey === undefined ? <span class="mono">{id}</span> : <strong>{uniqueKey}</strong>}
        </a>
        {uniqueKey !== undefined && <div class="sub mono cut">{id}</div>}
      </div>
    ),
  },
  { head: 'State', cell: ({ state }) => <FlowStateChip state={state} /> },
  { head: 'Its jobs', cell: ({ counts }) => <Counts counts={counts} /> },
  { head: 'Stored with', class: 'num', cell: ({ size }) => number(size) },
  { head: 'Created', class: 'num', cell: ({ createdAt }) => <Time at={createdAt} /> },
];
