import type {
  BoardAnswer,
  FiguresOfAssignee,
  RateOfTasks,
  TaskFigures,
  TaskSummary,
} from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { useResource } from '../api/resource.ts';
import { href, params, setParams } from '../app/router.ts';
import { Fact } from '../job/facts.tsx';
import { Due } from '../ledgers/due.tsx';
import { Given, Prose, TASK_STATES, TaskChip, Urgency } from '../ledgers/words.tsx';
import { Empty, Note, Shown } from '../ui/faces.tsx';
import { Field } from '../ui/fields.tsx';
import { number, percent, plural } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { Card, Page } from '../ui/page.tsx';
import { type Column, Table } from '../ui/table.tsx';

export function Coordination() {
  return (
    <Given ledger="coordination" title="Coordination" icon="coordination">
      {() => <Board />}
    </Given>
  );
}

function Board() {
  const assignee = params.value.get('assignee') ?? undefined;
  const url = apiUrl('ledgers/coordination', { assignee });
  const board = useResource<BoardAnswer>(url, { live: true });
  const names = board.data?.figures.byAssignee.map((row) => row.assignee) ?? [];
  return (
    <Page
      title="Coordination"
      sub="Who does what by when, who reviews it, and what waits for what."
      actions={
        <Field label="Assignee">
          {(ties) => (
            <select
              {...ties}
              value={assignee ?? ''}
              onChange={(event) => setParams({ assignee: event.currentTarget.value })}
            >
              <option value="">Everybody</option>
              {[...new Set([...names, ...(assignee === undefined ? [] : [assignee])])].map(
                (name) => (
                  <option key={name} value={name}>
                    {name}
                  </option>
                ),
              )}
            </select>
          )}
        </Field>
      }
    >
      <Shown of={board} rows={8}>
        {(answer) => <Seen answer={answer} assignee={assignee} />}
      </Shown>
    </Page>
  );
}

interface SeenProps {
  readonly answer: BoardAnswer;
  readonly assignee: string | undefined;
}

function Seen({ answer, assignee }: SeenProps) {
  const { columns, criticalPath, figures, isCut } = answer;
  if (figures.total === 0) {
    return (
      <section class="card">
        <Empty icon="coordination" title="The ledger has no tasks yet">
          A task is added by the ledger, or with `monque tasks add`.
        </Empty>
      </section>
    );
  }
  const own = figures.byAssignee.find((row) => row.assignee === assignee);
  const countOf = (wanted: string): number =>
    columns.find(({ status }) => status === wanted)?.count ?? 0;
  return (
    <>
      {isCut && <Note>The ledger has more tasks than the 10,000 that are looked at.</Note>}
      <div class="figures">
        <Figure count={columns.reduce((sum, { count }) => sum + count, 0) - countOf('completed')}>
          Open
        </Figure>
        <Figure count={countOf('peer_review')}>In review</Figure>
        <Figure count={countOf('blocked')}>Blocked</Figure>
        <Figure count={own === undefined ? figures.overdue : own.overdue}>Overdue</Figure>
        {own === undefined && (
          <Figure count={figures.completedThisWeek}>Completed this week</Figure>
        )}
      </div>
      <section class="board" aria-label="Board" tabIndex={0}>
        {columns.map((column) => (
          <BoardColumn key={column.status} column={column} />
        ))}
      </section>
      <div class="halves">
        <CriticalPath path={criticalPath} />
        <Statistics figures={figures} />
      </div>
    </>
  );
}

interface FigureProps {
  readonly count: number;
  readonly children: string;
}

function Figure({ count, children }: FigureProps) {
  return (
    <div class="figure">
      <b>{number(count)}</b>
      <span>{children}</span>
    </div>
  );
}

function BoardColumn({
  column: { status, count, tasks },
}: {
  readonly column: BoardAnswer['columns'][number];
}) {
  const { word, icon } = TASK_STATES[status];
  return (
    <section class={count === 0 ? 'lane is-bare' : 'lane'} aria-label={word}>
      <h2 class="row spread">
        <span>
          <Icon name={icon} /> {word}
        </span>
        <span class="quiet">{number(count)}</span>
      </h2>
      <ul>
        {tasks.map((task) => (
          <TaskCard key={task.id} task={task} />
        ))}
      </ul>
      {count > tasks.length && (
        <p class="hint">and {plural(count - tasks.length, 'more task', 'more tasks')}</p>
      )}
    </section>
  );
}

function TaskCard({ task }: { readonly task: TaskSummary }) {
  const { id, title, priority, assignee, reviewer, status, waitsFor, blockedReason } = task;
  const isReviewed = status === 'peer_review';
  const who = isReviewed ? reviewer : assignee;
  return (
    <li>
      <div class="row spread tight">
        <small class="mono">{id}</small>
        {priority !== 'normal' && <Urgency priority={priority} />}
      </div>
      <a href={href(`coordination/${encodeURIComponent(id)}`)}>
        <Prose>{title}</Prose>
      </a>
      {blockedReason !== undefined && <p class="hint">{blockedReason}</p>}
      {status !== 'completed' && waitsFor > 0 && (
        <p class="hint">waits for {plural(waitsFor, 'task')}</p>
      )}
      <div class="row spread tight">
        <small class="anywhere">
          {who === undefined ? 'nobody yet' : isReviewed ? `review: ${who}` : who}
        </small>
        <Due task={task} />
      </div>
    </li>
  );
}

function CriticalPath({ path: { count, tasks } }: { readonly path: BoardAnswer['criticalPath'] }) {
  return (
    <Card
      title="Critical path"
      aside={<span class="quiet">the longest chain that is left to do</span>}
      isPadded={false}
    >
      {count === 0 ? (
        <Empty icon="flows" title="No open task depends on another" />
      ) : (
        <ol class="list slim">
          {tasks.map((task) => (
            <li key={task.id}>
              <small class="mono nowrap">{task.id}</small>
              <a class="grow" href={href(`coordination/${encodeURIComponent(task.id)}`)}>
                <Prose>{task.title}</Prose>
              </a>
              <Due task={task} />
              <TaskChip status={task.status} />
            </li>
          ))}
          {count > tasks.length && (
            <li class="quiet">and {plural(count - tasks.length, 'more task', 'more tasks')}</li>
          )}
        </ol>
      )}
    </Card>
  );
}

function Statistics({ figures }: { readonly figures: TaskFigures }) {
  const { byPriority, completedInWeeks, approvals, rework, byAssignee } = figures;
  return (
    <Card title="Statistics" aside={<span class="quiet">of all people</span>} isPadded={false}>
      <div class="card-body">
        <dl class="facts">
          <Fact name="Tasks">
            {number(figures.total)}: {number(byPriority.critical)} critical,{' '}
            {number(byPriority.high)} high, {number(byPriority.normal)} normal
          </Fact>
          <Fact name="Completed in a week">
            {completedInWeeks.map(number).join(', ')}{' '}
            <span class="quiet">(last week and those before)</span>
          </Fact>
          <Fact name="Approved reviews">
            <Rate rate={approvals} />
          </Fact>
          <Fact name="Completed after changes">
            <Rate rate={rework} />
          </Fact>
        </dl>
      </div>
      {byAssignee.length > 0 && (
        <Table
          label="Tasks by assignee"
          columns={ASSIGNEE_COLUMNS}
          rows={byAssignee}
          rowKey={({ assignee }) => assignee}
        />
      )}
    </Card>
  );
}

function Rate({ rate: { count, of } }: { readonly rate: RateOfTasks }) {
  if (of === 0) return <span class="quiet">none yet</span>;
  return (
    <>
      {number(count)} of {number(of)} <span class="quiet">({percent(count / of)})</span>
    </>
  );
}

const ASSIGNEE_COLUMNS: readonly Column<FiguresOfAssignee>[] = [
  {
    ...{ head: 'Assignee', leads: true, class: 'fill' },
    cell: ({ assignee }) => <a href={href('coordination', { assignee })}>{assignee}</a>,
  },
  { head: 'Open', class: 'num', cell: ({ open }) => number(open) },
  { head: 'Overdue', class: 'num', cell: ({ overdue }) => number(overdue) },
  { head: 'Completed', class: 'num', cell: ({ completed }) => number(completed) },
];
