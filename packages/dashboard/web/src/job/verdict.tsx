import type { ExplanationAnswer, ReasonAnswer } from '../../../src/api/types.ts';
import { post } from '../api/client.ts';
import { readSnapshot } from '../api/live.ts';
import type { Resource } from '../api/resource.ts';
import { denied } from '../app/capabilities.ts';
import { href } from '../app/router.ts';
import { Button } from '../ui/button.tsx';
import { Failed, Loading } from '../ui/faces.tsx';
import { Icon } from '../ui/icon.tsx';
import { Sentence } from '../ui/sentence.tsx';
import { attempt } from '../ui/toast.tsx';
import { type ActionsProps, redrive, resumeGroup, retry } from './actions.ts';

interface VerdictProps extends ActionsProps {
  readonly why: Resource<ExplanationAnswer>;
}

/** Why the job is where it is, and what resolves that. */
export function Verdict({ job, why, open, reload }: VerdictProps) {
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
  reason: { reason, details },
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
    case 'gathering':
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
    case 'groupPaused':
      return (
        <Button
          look="main"
          icon="play"
          denied={denied('setGroup', name)}
          onClick={() => resumeGroup(job, reload)}
        >
          Resume the group
        </Button>
      );
    case 'groupFull':
    case 'groupRate':
      return (
        <a class="button" href={href('limits', { name })}>
          Show the groups
        </a>
      );
    case 'behindInOrder':
      return (
        <>
          <a class="button" href={href(`jobs/${details.holder}`)}>
            Show the job before it
          </a>
          <a class="button" href={href('orders', { name })}>
            Show the orders
          </a>
        </>
      );
    case 'parentsOpen':
      return (
        job.flow !== undefined && (
          <a class="button" href={href(`flows/${job.flow}`)}>
            Show the flow
          </a>
        )
      );
    case 'deadLetter':
      return (
        <Button
          look="main"
          icon="retry"
          denied={denied('retry', name)}
          onClick={() => redrive(job, reload)}
        >
          Redrive
        </Button>
      );
    default:
      return typeof details.limit === 'string' ? (
        <a class="button" href={href('limits', { limit: details.limit })}>
          Show the limit
        </a>
      ) : null;
  }
}
