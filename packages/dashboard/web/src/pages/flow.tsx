import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type {
  BulkKind,
  FlowAnswer,
  FlowEdge,
  FlowGraphAnswer,
  FlowNode,
  JobSummary,
} from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { useResource } from '../api/resource.ts';
import { denied } from '../app/capabilities.ts';
import { href, params } from '../app/router.ts';
import { BulkDialog } from '../dialogs/bulk.tsx';
import { countsOf, Graph } from '../flows/graph.tsx';
import { Counts, FlowStateChip } from '../flows/words.tsx';
import { Button } from '../ui/button.tsx';
import { Note, Shown } from '../ui/faces.tsx';
import { plural } from '../ui/format.ts';
import { jobColumns } from '../ui/job-cells.tsx';
import { KeyPager } from '../ui/key-pager.tsx';
import { Card, Page } from '../ui/page.tsx';
import { State } from '../ui/state.tsx';
import { type Column, Table } from '../ui/table.tsx';
import { Time } from '../ui/time.tsx';
import { UnreadPage } from '../ui/unread-page.tsx';
import { CopyButton } from '../ui/value.tsx';

/** A flow moves with its jobs, and reading it counts all of them. */
const LOOK_MS = 5_000;
const LOOK_AT_MANY_MS = 20_000;
const MANY = 500;

export function FlowPage({ id = '' }: { readonly id?: string | undefined }) {
  const [isLarge, setLarge] = useState(false);
  const everyMs = isLarge ? LOOK_AT_MANY_MS : LOOK_MS;
  const after = params.value.get('after') ?? undefined;
  const answer = useResource<FlowAnswer>(apiUrl(`flows/${id}`, { after, limit: 50 }), { everyMs });
  const graph = useResource<FlowGraphAnswer>(apiUrl(`flows/${id}/graph`), { everyMs });
  const { data } = answer;
  if (data && data.flow.size > MANY !== isLarge) setLarge(!isLarge);
  if (!data) {
    return (
      <UnreadPage title="Flow" of={answer} rows={8} icon="flows">
        It was never there, or it left with its jobs. <span class="mono">{id}</span>
      </UnreadPage>
    );
  }
  const reload = (): void => {
    void answer.reload();
    void graph.reload();
  };
  return (
    <Found answer={data} reload={reload}>
      <Card title="What waits for what" aside={<Legend />} isPadded={false}>
        <Shown of={graph} rows={5}>
          {(found) => <Parts flow={id} graph={found} />}
        </Shown>
      </Card>
    </Found>
  );
}

interface FoundProps {
  readonly answer: FlowAnswer;
  readonly children: ComponentChildren;
  reload(): void;
}

function Found({ answer: { flow, jobs, next }, children, reload }: FoundProps) {
  const [kind, setKind] = useState<BulkKind>();
  const { id, state, createdAt, uniqueKey, counts, size } = flow;
  const title = uniqueKey ?? 'Flow';
  const isOver = ['completed', 'failed', 'cancelled', 'abandoned'].includes(state);
  const canRedrive = (counts.failed ?? 0) + (counts.cancelled ?? 0) > 0;
  return (
    <Page
      title={title}
      heading={
        <span class="row">
          {title} <FlowStateChip state={state} />
        </span>
      }
      sub={
        <span class="row tight">
          <span class="mono">{id}</span>
          <CopyButton text={id} what="the id" />
          <span>
            stored with {plural(size, 'job')}, <Time at={createdAt} />
          </span>
        </span>
      }
      actions={
        <>
          <Button
            icon="retry"
            denied={canRedrive ? denied('retry') : 'None of its jobs has failed or was cancelled.'}
            onClick={() => setKind('redriveFlow')}
          >
            Redrive
          </Button>
          <Button
            icon="cancelled"
            look="danger"
            denied={isOver ? `It is ${state} already.` : denied('cancel')}
            onClick={() => setKind('cancelFlow')}
          >
            Cancel
          </Button>
        </>
      }
    >
      <Counts counts={counts} />
      {children}
      <Card
        title="Its jobs"
        isPadded={false}
        aside={<a href={href('jobs', { flow: id })}>Filter them</a>}
      >
        <Table
          label="Jobs of the flow"
          columns={JOB_COLUMNS}
          rows={jobs}
          rowKey={(job) => job.id}
        />
        <KeyPager label="the jobs" next={next} />
      </Card>
      {kind && (
        <BulkDialog
          kind={kind}
          filter={{ flow: id }}
          onClose={() => {
            setKind(undefined);
            reload();
          }}
        />
      )}
    </Page>
  );
}

const JOB_COLUMNS: readonly Column<JobSummary>[] = [
  {
    ...{ head: 'Job', leads: true, class: 'fill2' },
    cell: ({ id, ref, name }) => (
      <div class="cut">
        <a href={href(`jobs/${id}`)}>
          <strong>{ref}</strong>
        </a>
        <div class="sub cut">
          {name} · <span class="mono">{id}</span>
        </div>
      </div>
    ),
  },
  ...jobColumns().slice(1),
];

/** How the lines differ. */
function Legend() {
  return (
    <span class="row quiet lines">
      {(['fail', 'wait', 'continue'] as const).map((kind) => (
        <span key={kind} class="row tight">
          <svg width="28" height="6" class="graph-line" aria-hidden="true">
            <path class={kind} d="M0 3h28" />
          </svg>
          {ON_FAILURE[kind]}
        </span>
      ))}
    </span>
  );
}

const ON_FAILURE = {
  fail: 'fails with it',
  wait: 'waits for a retry',
  continue: 'goes on',
} as const;

interface PartsProps {
  readonly flow: string;
  readonly graph: FlowGraphAnswer;
}

/** The picture, and a table that says the same. */
function Parts({ flow, graph }: PartsProps) {
  const { nodes, edges, examined, isComplete } = graph;
  const isFolded = nodes.some(({ count }) => count > 1);
  return (
    <>
      {!isComplete && (
        <Note kind="warns">
          The flow is too large to be shown as a whole: {plural(examined, 'job')} were looked at,
          and the first {plural(nodes.length, 'part')} are drawn.
        </Note>
      )}
      {isFolded && (
        <p class="hint pad">
          Jobs with the same name, parents and children are one part, with how many they are.
        </p>
      )}
      <Graph flow={flow} graph={graph} />
      <details class="pad">
        <summary>The same as a table</summary>
        <Table
          label="Parts of the flow"
          columns={partColumns(flow, nodes, edges)}
          rows={nodes}
          rowKey={({ id }) => id}
        />
      </details>
    </>
  );
}

function partColumns(
  flow: string,
  nodes: readonly FlowNode[],
  edges: readonly FlowEdge[],
): readonly Column<FlowNode>[] {
  const titles = new Map(nodes.map((node) => [node.id, titleOf(node)]));
  return [
    {
      ...{ head: 'Part', leads: true, class: 'fill' },
      cell: (node) => (
        <a href={node.job ? href(`jobs/${node.job.id}`) : href('jobs', { flow, name: node.name })}>
          <strong>{titleOf(node)}</strong>
        </a>
      ),
    },
    { head: 'Name', cell: ({ name }) => name },
    {
      head: 'State',
      cell: (node) => {
        const [status, ...more] = Object.keys(node.byStatus) as JobSummary['status'][];
        return status && more.length === 0 && node.count === 1 ? (
          <State status={status} />
        ) : (
          countsOf(node)
        );
      },
    },
    {
      ...{ head: 'Waits for', class: 'fill' },
      cell: ({ id }) => {
        const parents = edges.filter(({ to }) => to === id);
        if (parents.length === 0) return <span class="quiet">nothing</span>;
        return parents
          .map(({ from, onFailure }) => {
            const title = titles.get(from) ?? from;
            return onFailure === 'fail' ? title : `${title} (${ON_FAILURE[onFailure]})`;
          })
          .join(', ');
      },
    },
  ];
}

function titleOf({ job, name, count }: FlowNode): string {
  return job ? job.ref : `${name} × ${count}`;
}
