import type {
  ItemOfTask,
  OtherTask,
  TaskAnswer,
  TaskDetails,
  TaskState,
} from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { useResource } from '../api/resource.ts';
import { href } from '../app/router.ts';
import { Fact } from '../job/facts.tsx';
import { Due } from '../ledgers/due.tsx';
import { Given, Prose, RecordHistory, TASK_STATES, TaskChip, Urgency } from '../ledgers/words.tsx';
import { Note } from '../ui/faces.tsx';
import { number, plural } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { Card, Page } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';
import { UnreadPage } from '../ui/unread-page.tsx';

export function TaskPage({ id = '' }: { readonly id?: string | undefined }) {
  return (
    <Given ledger="coordination" title="Task" icon="coordination">
      {() => <Task id={id} />}
    </Given>
  );
}

function Task({ id }: { readonly id: string }) {
  const url = apiUrl(`ledgers/coordination/${encodeURIComponent(id)}`);
  const answer = useResource<TaskAnswer>(url, { live: true });
  const { data, error } = answer;
  if (data && error?.problem.status !== 404) return <Found task={data.task} />;
  return (
    <UnreadPage title="Task" of={answer} icon="coordination">
      <a href={href('coordination')}>Show the board</a>
    </UnreadPage>
  );
}

function Found({ task }: { readonly task: TaskDetails }) {
  const { id, title, status, priority, blockedReason, blockedAt, requirements } = task;
  return (
    <Page
      title={title}
      heading={
        <span class="row">
          <Prose>{title}</Prose> <TaskChip status={status} />
          {priority !== 'normal' && <Urgency priority={priority} />}
        </span>
      }
      sub={
        <>
          <a href={href('coordination')}>Coordination</a> · <span class="mono">{id}</span>
        </>
      }
    >
      {status === 'blocked' && (
        <Note kind="fails">
          Blocked {blockedAt && <Time at={blockedAt} as="past" />}
          {blockedReason !== undefined && <>: {blockedReason}</>}
        </Note>
      )}
      <div class="columns">
        <div class="stack">
          <Items title="Acceptance criteria" items={task.acceptanceCriteria} />
          <Items title="Definition of done" items={task.definitionOfDone} />
          {requirements.length > 0 && (
            <Card title="Requirements">
              <dl class="facts">
                {requirements.map(({ name, text }, index) => (
                  <Fact key={index} name={name || 'Requirement'}>
                    <Prose>{text}</Prose>
                  </Fact>
                ))}
              </dl>
            </Card>
          )}
          <Others title="Depends on" tasks={task.dependsOn} />
          <Others title="Needed by" tasks={task.neededBy} />
        </div>
        <div class="stack">
          <Facts task={task} />
          <Card title="History">
            <RecordHistory
              entries={task.history}
              wordOf={(state) => TASK_STATES[state as TaskState]?.word ?? state}
            />
          </Card>
        </div>
      </div>
    </Page>
  );
}

interface ItemsProps {
  readonly title: string;
  readonly items: readonly ItemOfTask[];
}

function Items({ title, items }: ItemsProps) {
  const done = items.filter((item) => item.done).length;
  return (
    <Card
      title={title}
      aside={
        <span class="quiet">
          {number(done)} of {number(items.length)}
        </span>
      }
      isPadded={false}
    >
      {items.length === 0 ? (
        <p class="card-body quiet">There are none.</p>
      ) : (
        <ul class="list slim">
          {items.map(({ text, done: isDone }, index) => (
            <li key={index} class={isDone ? 'sev-good' : 'sev-info'}>
              <Icon name={isDone ? 'completed' : 'pending'} label={isDone ? 'Done' : 'Open'} />
              <span class="grow">
                <Prose>{text}</Prose>
              </span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

interface OthersProps {
  readonly title: string;
  readonly tasks: readonly OtherTask[];
}

function Others({ title, tasks }: OthersProps) {
  if (tasks.length === 0) return null;
  return (
    <Card
      title={title}
      aside={<span class="quiet">{plural(tasks.length, 'task')}</span>}
      isPadded={false}
    >
      <ul class="list slim">
        {tasks.map(({ id, title: name, status }) => (
          <li key={id}>
            <small class="mono nowrap">{id}</small>
            <span class="grow">
              {name === undefined ? (
                <span class="quiet">There is no such task</span>
              ) : (
                <a href={href(`coordination/${encodeURIComponent(id)}`)}>
                  <Prose>{name}</Prose>
                </a>
              )}
            </span>
            {status && <TaskChip status={status} />}
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Facts({ task }: { readonly task: TaskDetails }) {
  const { assignee, reviewer, deadline, revisionCount, approvedBy, approvedAt } = task;
  const times = [
    ['Created', task.createdAt],
    ['Started', task.startedAt],
    ['In review since', task.submittedAt],
    ['Completed', task.completedAt],
    ['Changed', task.updatedAt],
  ] as const;
  return (
    <Card title="Work">
      <dl class="facts">
        <Fact name="Assignee">{assignee ?? <span class="quiet">nobody yet</span>}</Fact>
        <Fact name="Reviewer">{reviewer ?? <span class="quiet">nobody yet</span>}</Fact>
        <Fact name="Deadline">
          {deadline === undefined ? (
            <span class="quiet">none</span>
          ) : (
            <>
              <Time at={deadline} as="full" /> <Due task={task} />
            </>
          )}
        </Fact>
        {approvedBy !== undefined && (
          <Fact name="Approved">
            by {approvedBy}
            {approvedAt && (
              <>
                , <Time at={approvedAt} as="past" />
              </>
            )}
          </Fact>
        )}
        {revisionCount > 0 && <Fact name="Changes asked for">{plural(revisionCount, 'time')}</Fact>}
        {times.map(
          ([name, at]) =>
            at && (
              <Fact key={name} name={name}>
                <Time at={at} as="both" />
              </Fact>
            ),
        )}
      </dl>
    </Card>
  );
}
