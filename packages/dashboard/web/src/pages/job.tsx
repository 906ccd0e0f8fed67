import { useState } from 'preact/hooks';
import type {
  ExplanationAnswer,
  HistoryAnswer,
  JobAnswer,
  JobDetails,
} from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
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
import { type ActionsProps, type OpenDialog, retry } from '../job/actions.ts';
import { Content, Metadata, Progress, Raw } from '../job/content.tsx';
import { Facts } from '../job/facts.tsx';
import { Machine } from '../job/machine.tsx';
import { Timeline } from '../job/timeline.tsx';
import { Transitions } from '../job/transitions.tsx';
import { Verdict } from '../job/verdict.tsx';
import { Button } from '../ui/button.tsx';
import { Note } from '../ui/faces.tsx';
import { Card, Page } from '../ui/page.tsx';
import { State } from '../ui/state.tsx';
import { UnreadPage } from '../ui/unread-page.tsx';
import { CopyButton } from '../ui/value.tsx';

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
      <UnreadPage title="Job" of={answer} rows={8} icon="search">
        It was never there, or it left after its retention. <span class="mono">{id}</span>
      </UnreadPage>
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
