import type { HistoryEntryOfJob, JobDetails } from '../../../src/api/types.ts';
import { now } from '../app/clock.ts';
import { href } from '../app/router.ts';
import { span } from '../ui/format.ts';
import { Icon, type IconName } from '../ui/icon.tsx';
import { Time } from '../ui/time.tsx';

interface Step {
  readonly at: string;
  readonly icon: IconName;
  readonly look?: string;
  readonly text: string;
  readonly by?: string | undefined;
  readonly why?: string | undefined;
  readonly note?: string | undefined;
}

/** What entries of the history are called, by their verb. */
const VERBS: Readonly<Record<string, readonly [IconName, string, string?]>> = {
  enqueue: ['plus', 'Enqueued'],
  claim: ['processing', 'Claimed', 'processing'],
  claimInOrder: ['processing', 'Claimed in its turn', 'processing'],
  enqueueClaimed: ['plus', 'Enqueued, and claimed at once'],
  enqueueWaiting: ['plus', 'Enqueued in a flow'],
  releaseChild: ['flows', 'No parent holds it up any more'],
  failByParent: ['failed', 'Failed with a parent', 'failed'],
  redriveToWait: ['retry', 'Retried manually; it waits for its parents'],
  bury: ['dead', 'Failed for good; it is a dead letter', 'failed'],
  rescueToDeadLetter: ['dead', 'Its instances died too often; it is a dead letter', 'failed'],
  redriveDeadLetter: ['retry', 'Redriven: it has its own name back'],
  expireGateToNextRun: [
    'failed',
    'Nobody opened the gate in time; the next run was planned',
    'failed',
  ],
  recover: ['instances', 'Its lock was too old; it was given back', 'blocked'],
  recoverToCancelled: ['cancelled', 'Its lock was too old; it was cancelled'],
  complete: ['completed', 'Completed', 'completed'],
  repeat: ['completed', 'Ran; the next run was planned', 'completed'],
  repeatAfterFailure: ['failed', 'Failed; the next run was planned', 'failed'],
  retry: ['retry', 'A run failed; it is tried again', 'failed'],
  snooze: ['clock', 'Its handler put it off'],
  release: ['left', 'Given back before it ran'],
  fail: ['failed', 'Failed for good', 'failed'],
  discard: ['failed', 'Its handler discarded it', 'failed'],
  cancelled: ['cancelled', 'Cancelled'],
  cancelByHandler: ['cancelled', 'Its handler cancelled it'],
  rescue: ['instances', 'Its instance died; it was given back', 'blocked'],
  rescueToFailed: ['failed', 'Its instances died too often', 'failed'],
  rescueToCancelled: ['cancelled', 'Its instance died; it was cancelled'],
  rescueToNextRun: ['instances', 'Its instance died; the next run was planned', 'blocked'],
  checkpoint: ['good', 'A stage was finished', 'completed'],
  block: ['blocked', 'Came to a gate', 'blocked'],
  unblock: ['open', 'Went on behind the gate'],
  openGate: ['open', 'A gate was opened'],
  expireGate: ['failed', 'Nobody opened the gate in time', 'failed'],
  cancel: ['cancelled', 'Cancelled'],
  requestCancel: ['cancelled', 'Asked to cancel', 'blocked'],
  skipRun: ['right', 'A run was skipped'],
  endSeries: ['stop', 'The series was ended'],
  endSeriesAfterRun: ['stop', 'The series ends with this run'],
  replan: ['series', 'The series was changed'],
  replanRunning: ['series', 'The series was changed'],
  amend: ['clock', 'Changed or moved'],
  redrive: ['retry', 'Retried manually'],
};

/** What happened to a job and what comes next, the newest last. */
export function Timeline({
  job,
  entries,
}: {
  readonly job: JobDetails;
  readonly entries: readonly HistoryEntryOfJob[];
}) {
  const past = stepsOf(job, entries).sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const next = nextStep(job);
  return (
    <ol class="timeline">
      {past.map((step, index) => (
        <StepLine key={`${step.at} ${index}`} step={step} />
      ))}
      {next && <StepLine step={next} isFuture />}
    </ol>
  );
}

function StepLine({
  step,
  isFuture = false,
}: {
  readonly step: Step;
  readonly isFuture?: boolean;
}) {
  const { at, icon, look = '', text, by, why, note } = step;
  return (
    <li class={isFuture ? 'future' : undefined}>
      <Icon name={icon} class={look} />
      <div class="anywhere">
        <div class="row spread">
          <span>{text}</span>
          <small>
            <Time at={at} as={isFuture ? 'ago' : 'full'} />
          </small>
        </div>
        {(by !== undefined || note !== undefined) && (
          <small>
            {by !== undefined && <>by {by}</>}
            {by !== undefined && note !== undefined && ' · '}
            {note}
          </small>
        )}
        {why !== undefined && <div class="why">{why}</div>}
      </div>
    </li>
  );
}

function stepsOf(job: JobDetails, entries: readonly HistoryEntryOfJob[]): Step[] {
  const verbs = new Set(entries.map(({ verb }) => verb));
  // The records of the stages say more than the entries of the log.
  const steps: Step[] = entries.filter(({ verb }) => verb !== 'checkpoint').map(stepOf);
  const add = (verb: string, at: string | undefined, step: Step | undefined): void => {
    if (at !== undefined && step !== undefined && !verbs.has(verb)) steps.push(step);
  };
  add(verbs.has('enqueueWaiting') ? 'enqueueWaiting' : 'enqueue', job.createdAt, {
    ...{ at: job.createdAt, icon: 'plus', text: 'Enqueued' },
    note: job.cron === undefined ? undefined : `series ${job.cron}`,
  });
  add(
    'claim',
    job.startedAt,
    job.startedAt === undefined
      ? undefined
      : {
          ...{
            at: job.startedAt,
            icon: 'processing',
            look: 'processing',
            text: `Run ${job.fence} was claimed`,
          },
          by: job.claimedBy,
        },
  );
  add(
    'block',
    job.blockedAt,
    job.blockedAt === undefined
      ? undefined
      : {
          ...{
            at: job.blockedAt,
            icon: 'blocked',
            look: 'blocked',
            text: `Came to the gate ${job.blockedBy}`,
          },
        },
  );
  for (const { name, at } of job.stages ?? []) {
    steps.push({ at, icon: 'good', look: 'completed', text: `The stage ${name} was finished` });
  }
  if (!verbs.has('openGate')) {
    for (const { name, at, by } of job.gates ?? []) {
      steps.push({ at, icon: 'open', text: `The gate ${name} was opened`, by });
    }
  }
  add(
    'complete',
    job.finishedAt,
    job.status !== 'completed' || job.finishedAt === undefined
      ? undefined
      : {
          ...{ at: job.finishedAt, icon: 'completed', look: 'completed', text: 'Completed' },
          note:
            job.startedAt && `ran ${span(Date.parse(job.finishedAt) - Date.parse(job.startedAt))}`,
        },
  );
  return steps;
}

function stepOf({
  verb,
  at,
  by,
  reason,
  duration,
  skipped,
  scheduledFor,
}: HistoryEntryOfJob): Step {
  const [icon, text, look] = VERBS[verb] ?? (['info', verb] as const);
  const notes = [
    duration === undefined ? undefined : `ran ${span(duration)}`,
    skipped ? `${skipped} times were passed over` : undefined,
    scheduledFor && `planned for ${scheduledFor}`,
  ].filter(Boolean);
  return {
    ...{ at, icon, text, by, why: reason },
    ...(look !== undefined && { look }),
    note: notes.length > 0 ? notes.join(' · ') : undefined,
  };
}

function nextStep(job: JobDetails): Step | undefined {
  if (job.status === 'pending') {
    const isDue = Date.parse(job.nextRunAt) <= now.value;
    return { at: job.nextRunAt, icon: 'clock', text: isDue ? 'Due' : 'Runs next' };
  }
  if (job.status === 'blocked' && job.blockedUntil !== undefined) {
    return { at: job.blockedUntil, icon: 'failed', text: 'Fails, if nobody opens the gate' };
  }
  return undefined;
}

/** The instance that holds a job, which leads to it. */
export function InstanceLink({ id }: { readonly id: string }) {
  return (
    <a class="mono" href={href('instances', { instance: id })}>
      {id}
    </a>
  );
}
