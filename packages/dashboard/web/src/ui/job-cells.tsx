import type { Ejson, JobSummary } from '../../../src/api/types.ts';
import { now } from '../app/clock.ts';
import { href } from '../app/router.ts';
import { relative, since, span } from './format.ts';
import { Meter } from './parts.tsx';
import { State } from './state.tsx';
import type { Column } from './table.tsx';
import { Time } from './time.tsx';

/** The name of a job with its id, which leads to it. */
export function JobName({
  job,
  isGone = false,
}: {
  readonly job: JobSummary;
  readonly isGone?: boolean;
}) {
  return (
    <div class="cut">
      <a href={href(`jobs/${job.id}`)}>
        <strong>{job.name}</strong>
      </a>
      <div class="sub cut">
        {isGone && <span class="note-value">moved on · </span>}
        <span class="mono">{job.id}</span>
        {job.uniqueKey !== undefined && <> · {job.uniqueKey}</>}
        {job.ref !== undefined && <> · {job.ref}</>}
        {job.order !== undefined && <> · order {job.order}</>}
        {job.group !== undefined && <> · group {job.group}</>}
        {job.source !== undefined && <> · failed as {job.source.name}</>}
        {job.cron !== undefined && <> · {job.cron}</>}
        {notesOf(job.metadata).map(([key, value]) => (
          <>
            {' '}
            · {key} <span class="note-value">{value}</span>
          </>
        ))}
      </div>
    </div>
  );
}

const MOST_NOTES = 3;

/** The first values of the metadata that fit into a line. */
function notesOf(metadata: Ejson | undefined): readonly (readonly [string, string])[] {
  if (metadata === null || typeof metadata !== 'object') return [];
  return Object.entries(metadata)
    .filter(([, value]) => value !== null && typeof value !== 'object')
    .slice(0, MOST_NOTES)
    .map(([key, value]) => [key, String(value)]);
}

/** What matters now of a job, in a few words: why it waits, who has it, how it ended. */
function JobNow({ job }: { readonly job: JobSummary }) {
  switch (job.status) {
    case 'failed':
      return <span class="quiet">{job.failReason ?? 'It failed'}</span>;
    case 'blocked':
      if (job.blockedBy === undefined) return <span>waits for its parents</span>;
      return (
        <span>
          waits at <strong>{job.blockedBy}</strong>
          {job.blockedUntil && <> until {relative(Date.parse(job.blockedUntil), now.value)}</>}
        </span>
      );
    case 'processing':
      return <Running job={job} />;
    case 'pending':
      return <Waiting job={job} />;
    case 'completed':
    case 'cancelled':
      return job.startedAt && job.finishedAt ? (
        <span class="quiet">
          ran {span(Date.parse(job.finishedAt) - Date.parse(job.startedAt))}
        </span>
      ) : (
        <span class="quiet">{job.status === 'cancelled' && 'before it ran'}</span>
      );
  }
}

function Running({ job }: { readonly job: JobSummary }) {
  const part = partOf(job.progress);
  return (
    <span>
      {job.cancelRequestedAt ? 'asked to cancel, ' : ''}
      {job.lockedAt && `for ${since(Date.parse(job.lockedAt), now.value)}`}
      {part !== undefined && (
        <>
          , {Math.round(part * 100)} %
          <Meter part={part} />
        </>
      )}
    </span>
  );
}

function Waiting({ job }: { readonly job: JobSummary }) {
  const due = Date.parse(job.nextRunAt);
  const isDue = due <= now.value;
  return (
    <span class={isDue ? '' : 'quiet'}>
      {isDue ? `due for ${since(due, now.value)}` : `due ${relative(due, now.value)}`}
      {job.failCount > 0 && (
        <span class="quiet">
          {' '}
          · after {job.failCount === 1 ? 'a failure' : `${job.failCount} failures`}
        </span>
      )}
    </span>
  );
}

/** The part of a progress that says it as a number from 0 to 100, or from 0 to 1 in a field. */
export function partOf(progress: Ejson | undefined): number | undefined {
  if (typeof progress === 'number') return progress <= 1 ? progress : progress / 100;
  if (progress === null || typeof progress !== 'object' || Array.isArray(progress))
    return undefined;
  const { percent, done, total } = progress as { readonly [key: string]: Ejson };
  if (typeof percent === 'number') return percent / 100;
  return typeof done === 'number' && typeof total === 'number' && total > 0
    ? done / total
    : undefined;
}

/**
 * The columns that every list of jobs has.
 *
 * @param gone - jobs that do not belong to the list any more
 */
export function jobColumns(gone: ReadonlySet<string> = NONE): readonly Column<JobSummary>[] {
  return [
    {
      ...{ head: 'Job', leads: true, class: 'fill2' },
      cell: (job) => <JobName job={job} isGone={gone.has(job.id)} />,
    },
    ...COLUMNS,
  ];
}

const NONE: ReadonlySet<string> = new Set();

const COLUMNS: readonly Column<JobSummary>[] = [
  { head: 'State', cell: (job) => <State status={job.status} /> },
  {
    head: 'Now',
    class: 'fill2',
    cell: (job) => (
      <div class="cut">
        <JobNow job={job} />
      </div>
    ),
  },
  {
    head: 'Runs',
    class: 'num',
    cell: (job) => (
      <span class="nowrap" title={`${job.fence} times claimed, ${job.failCount} failures`}>
        {job.failCount > 0 && <span class="quiet">{job.failCount} failed of </span>}
        {job.fence}
      </span>
    ),
  },
  { head: 'Created', class: 'num', cell: (job) => <Time at={job.createdAt} /> },
];
