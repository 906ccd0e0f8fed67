import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type {
  ExplanationAnswer,
  HistoryAnswer,
  JobAnswer,
  JobDetails,
  RawJobAnswer,
  ReasonAnswer,
} from '../../../src/api/types.ts';
import { apiUrl, post } from '../api/client.ts';
import { readSnapshot } from '../api/live.ts';
import { type Resource, useResource } from '../api/resource.ts';
import { denied } from '../app/capabilities.ts';
import { go, href } from '../app/router.ts';
import { EnqueueDialog } from '../dialogs/enqueue.tsx';
import {
  CancelDialog,
  DeleteDialog,
  GateDialog,
  MetadataDialog,
  RescheduleDialog,
} from '../dialogs/job-actions.tsx';
import { Facts } from '../job/facts.tsx';
import { Machine } from '../job/machine.tsx';
import { Timeline } from '../job/timeline.tsx';
import { Transitions } from '../job/transitions.tsx';
import { Button } from '../ui/button.tsx';
import { Empty, Failed, Loading, Note, Shown } from '../ui/faces.tsx';
import { Icon } from '../ui/icon.tsx';
import { partOf } from '../ui/job-cells.tsx';
import { Card, Page } from '../ui/page.tsx';
import { Meter } from '../ui/parts.tsx';
import { Sentence } from '../ui/sentence.tsx';
import { State } from '../ui/state.tsx';
import { attempt } from '../ui/toast.tsx';
import { CopyButton, Value } from '../ui/value.tsx';

type OpenDialog = 'cancel' | 'move' | 'delete' | 'metadata' | 'gate' | 'clone' | undefined;

/** A job that can change at any moment is read this often while it is looked at: one read by its id. */
const FOLLOW_MS = 2_000;

export function JobPage({ id = '' }: { readonly id?: string | undefined }) {
  const answer = useResource<JobAnswer>(apiUrl(`jobs/${id}`), { live: true, everyMs: FOLLOW_MS });
  const why = useResource<ExplanationAnswer>(apiUrl(`jobs/${id}/explanation`), {
    live: true,
    everyMs: FOLLOW_MS,
  });
  const { data, error } = answer;
  if (!data) {
    return (
      <Page title="Job">
        <section class="card">
          {error?.problem.status === 404 ? (
            <Empty icon="search" title="There is no such job">
              It was never there, or it left after its retention. <span class="mono">{id}</span>
            </Empty>
          ) : error ? (
            <Failed problem={error.problem} retry={() => void answer.reload()} />
          ) : (
            <Loading rows={8} />
          )}
        </section>
      </Page>
    );
  }
  const reload = (): void => {
    void answer.reload();
    void why.reload();
  };
  return <Found job={data.job} why={why} reload={reload} isGone={error?.problem.status === 404} />;
}

interface FoundProps {
  readonly job: JobDetails;
  readonly why: Resource<ExplanationAnswer>;
  readonly isGone: boolean;
  reload(): void;
}

function Found({ job, why, isGone, reload }: FoundProps) {
  const [dialog, setDialog] = useState<OpenDialog>();
  const close = (): void => setDialog(undefined);
  const history = useResource<HistoryAnswer>(apiUrl(`jobs/${job.id}/history`), { live: true });
  const entries = history.data?.entries ?? job.history ?? [];
  const shared = { job, onClose: close, onDone: reload };
  return (
    <Page
      title={job.name}
      heading={
        <span class="row">
          {job.name} <State status={job.status} />
        </span>
      }
      sub={
        <span class="row tight">
          <span class="mono">{job.id}</span>
          <CopyButton text={job.id} what="the id" />
        </span>
      }
      actions={<Actions job={job} open={setDialog} reload={reload} />}
    >
      {isGone && (
        <Note kind="warns">The job is not there any more. What is shown was read before.</Note>
      )}
      <Verdict job={job} why={why} open={setDialog} reload={reload} />
      <div class="columns">
        <div class="stack">
          <Progress job={job} />
          <Card title="What happened">
            <Timeline job={job} entries={entries} />
          </Card>
          <Content job={job} />
          <Card title="Its way through the states">
            <section class="table-wrap" aria-label="The states of a job" tabIndex={0}>
              <Machine job={job} entries={entries} />
            </section>
            <Transitions />
          </Card>
          <Raw id={job.id} />
        </div>
        <div class="stack">
          <Facts job={job} />
          <Metadata job={job} open={setDialog} />
        </div>
      </div>
      {dialog === 'cancel' && <CancelDialog {...shared} />}
      {dialog === 'move' && <RescheduleDialog {...shared} />}
      {dialog === 'delete' && (
        <DeleteDialog {...shared} onDone={() => go(href('jobs', { name: job.name }))} />
      )}
      {dialog === 'metadata' && <MetadataDialog {...shared} />}
      {dialog === 'gate' && <GateDialog jobs={[job]} onClose={close} onDone={reload} />}
      {dialog === 'clone' && (
        <EnqueueDialog
          {...{ name: job.name, priority: job.priority, onClose: close }}
          {...(job.data !== undefined && { data: job.data })}
          {...(job.metadata !== undefined && { metadata: job.metadata })}
        />
      )}
    </Page>
  );
}

interface ActionsProps {
  readonly job: JobDetails;
  open(dialog: OpenDialog): void;
  reload(): void;
}

const RETRYABLE = ['failed', 'cancelled'];
const CANCELLABLE = ['pending', 'processing', 'blocked'];

/** All that can be done with a job, in the same places whatever its state; what is not possible says why. */
function Actions({ job, open, reload }: ActionsProps) {
  const { status, name } = job;
  const only = (states: readonly string[], what: string): string | undefined =>
    states.includes(status)
      ? undefined
      : `Only a job that is ${states.join(' or ')} can be ${what}; this one is ${status}.`;
  return (
    <>
      <Button
        icon="retry"
        denied={only(RETRYABLE, 'retried') ?? denied('retry', name)}
        onClick={() => retry(job, reload)}
      >
        Retry
      </Button>
      <Button
        icon="clock"
        denied={only(['pending'], 'moved') ?? denied('reschedule', name)}
        onClick={() => open('move')}
      >
        Move
      </Button>
      <Button
        icon="cancelled"
        denied={only(CANCELLABLE, 'cancelled') ?? denied('cancel', name)}
        onClick={() => open('cancel')}
      >
        Cancel
      </Button>
      <Button icon="copy" denied={denied('enqueue', name)} onClick={() => open('clone')}>
        Clone
      </Button>
      <Button
        icon="remove"
        look="danger"
        denied={
          status === 'processing'
            ? 'A job that is processing cannot be deleted.'
            : denied('delete', name)
        }
        onClick={() => open('delete')}
      >
        Delete
      </Button>
    </>
  );
}

function retry(job: JobDetails, reload: () => void): void {
  void attempt('The job is pending again', async () => {
    await post(`jobs/${job.id}/actions/retry`);
    reload();
  });
}

interface VerdictProps extends ActionsProps {
  readonly why: Resource<ExplanationAnswer>;
}

/** Why the job is where it is, and what resolves that. */
function Verdict({ job, why, open, reload }: VerdictProps) {
  const { data, error } = why;
  if (!data) {
    return (
      <section class="card">
        {error ? (
          <Failed problem={error.problem} retry={() => void why.reload()} />
        ) : (
          <Loading rows={2} />
        )}
      </section>
    );
  }
  return (
    <section class={`verdict ${job.status}`} aria-label="Why it is where it is">
      <Icon name={job.status} />
      <div>
        <p class="first">
          <Sentence text={data.message} />
        </p>
        {data.others.length > 0 && (
          <ul>
            {data.others.map((other) => (
              <li key={other.reason}>
                <Sentence text={other.message} />
              </li>
            ))}
          </ul>
        )}
      </div>
      <div class="row">
        {[data, ...data.others].map((reason) => (
          <Remedy key={reason.reason} reason={reason} job={job} open={open} reload={reload} />
        ))}
      </div>
    </section>
  );
}

/** What ends a reason; nothing where waiting is all there is to do. */
function Remedy({
  reason: { reason },
  job,
  open,
  reload,
}: ActionsProps & { readonly reason: ReasonAnswer }) {
  const { name } = job;
  switch (reason) {
    case 'paused':
      return (
        <Button
          look="main"
          icon="play"
          denied={denied('pause', name)}
          onClick={() =>
            void attempt(`${name} goes on`, async () => {
              await post('names/actions/resume', { name });
              await readSnapshot();
              reload();
            })
          }
        >
          Resume {name}
        </Button>
      );
    case 'gateClosed':
      return (
        <Button
          look="main"
          icon="open"
          denied={denied('openGate', name)}
          onClick={() => open('gate')}
        >
          Open the gate
        </Button>
      );
    case 'notDue':
    case 'retryWaits':
      return (
        <Button
          icon="play"
          denied={denied('reschedule', name)}
          onClick={() =>
            void attempt('The job is due now', async () => {
              await post(`jobs/${job.id}/actions/reschedule`, { runAt: new Date().toISOString() });
              reload();
            })
          }
        >
          Run now
        </Button>
      );
    case 'failed':
    case 'cancelled':
      return (
        <Button
          look="main"
          icon="retry"
          denied={denied('retry', name)}
          onClick={() => retry(job, reload)}
        >
          Retry
        </Button>
      );
    case 'noInstance':
    case 'noWorker':
    case 'workersUnknown':
    case 'atLimit':
      return (
        <a class="button" href={href('instances')}>
          Show the instances
        </a>
      );
    case 'running':
      return (
        <Button icon="cancelled" denied={denied('cancel', name)} onClick={() => open('cancel')}>
          Ask it to cancel
        </Button>
      );
    case 'instanceSilent':
    case 'instanceDead':
    case 'instanceUnknown':
    case 'strayClaim':
      return (
        <a class="button" href={href('instances', { instance: job.claimedBy })}>
          Show the instance
        </a>
      );
    default:
      return null;
  }
}

function Progress({ job }: { readonly job: JobDetails }) {
  const { progress } = job;
  if (progress === undefined) return null;
  const part = partOf(progress);
  return (
    <Card title="Progress">
      <div class="stack tight">
        {part !== undefined && (
          <div>
            <strong>{Math.round(part * 100)} %</strong>{' '}
            {typeof progress === 'object' && (
              <span class="hint mono">{JSON.stringify(progress)}</span>
            )}
            <Meter part={part} />
          </div>
        )}
        {part === undefined && <Value value={progress} label="Progress" />}
      </div>
    </Card>
  );
}

function Content({ job }: Pick<ActionsProps, 'job'>) {
  const { status, data, result, logs, failReason, stages, gates } = job;
  return (
    <>
      {failReason !== undefined && status !== 'failed' && (
        <Card title="Last failure">
          <pre class="value" tabIndex={0}>
            {failReason}
          </pre>
        </Card>
      )}
      {logs !== undefined && logs.length > 0 && (
        <Card title="Log" aside={<span class="quiet">the newest 100 lines</span>}>
          <Log lines={logs} />
        </Card>
      )}
      {result !== undefined && (
        <Card title="Result">
          <Value value={result} label="Result" />
        </Card>
      )}
      <Card title="Data">
        {data === undefined ? (
          <p class="quiet">It has none.</p>
        ) : (
          <Value value={data} label="Data" />
        )}
      </Card>
      {stages?.map((stage) => (
        <Card key={stage.name} title={`Stage ${stage.name}`}>
          {stage.result === undefined ? (
            <p class="quiet">
              It returned nothing, or it was the last: then this is the result of the job.
            </p>
          ) : (
            <Value value={stage.result} label={`Result of ${stage.name}`} />
          )}
        </Card>
      ))}
      {gates?.map((gate) => (
        <Card
          key={gate.name}
          title={`Evidence for the gate ${gate.name}`}
          aside={gate.by && <span class="quiet">opened by {gate.by}</span>}
        >
          <Value value={gate.evidence} label={`Evidence for ${gate.name}`} />
        </Card>
      ))}
    </>
  );
}

function Metadata({ job, open }: Pick<ActionsProps, 'job' | 'open'>) {
  const { metadata } = job;
  return (
    <Card
      title="Metadata"
      aside={
        <Button
          look="bare"
          denied={denied('setMetadata', job.name)}
          onClick={() => open('metadata')}
        >
          Change
        </Button>
      }
    >
      {metadata === undefined ? (
        <p class="quiet">It has none.</p>
      ) : (
        <Value value={metadata} label="Metadata" />
      )}
    </Card>
  );
}

/** The newest lines stand at the end, and that is what is seen. */
function Log({ lines }: { readonly lines: readonly string[] }) {
  const place = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    const { current } = place;
    if (current && isAtEnd.current) current.scrollTop = current.scrollHeight;
  }, [lines.at(-1), lines.length]);
  const onScroll = (event: Event): void => {
    const { scrollTop, scrollHeight, clientHeight } = event.currentTarget as HTMLElement;
    isAtEnd.current = scrollTop + clientHeight >= scrollHeight - 4;
  };
  return (
    <pre
      ref={place}
      class="value is-log"
      tabIndex={0}
      role="region"
      aria-label="Log"
      onScroll={onScroll}
    >
      {lines.join('\n')}
    </pre>
  );
}

/** The document as it is stored; read when somebody opens it. */
function Raw({ id }: { readonly id: string }) {
  const [isOpen, setOpen] = useState(false);
  const raw = useResource<RawJobAnswer>(isOpen ? apiUrl(`jobs/${id}/raw`) : undefined);
  return (
    <details class="card" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>The document as it is stored</summary>
      <div class="card-body">
        {isOpen && (
          <Shown of={raw}>
            {(answer) => <Value value={answer.document} label="The document" />}
          </Shown>
        )}
      </div>
    </details>
  );
}
