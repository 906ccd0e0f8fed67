import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { JobDetails, JobsAnswer } from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { useResource } from '../api/resource.ts';
import { href } from '../app/router.ts';
import { Button } from '../ui/button.tsx';
import { Shown } from '../ui/faces.tsx';
import { span } from '../ui/format.ts';
import { Card } from '../ui/page.tsx';
import { State } from '../ui/state.tsx';
import { Time } from '../ui/time.tsx';
import { CopyButton } from '../ui/value.tsx';
import { InstanceLink } from './timeline.tsx';

/** The fields of a job that are short, by what they belong to. */
export function Facts({ job }: { readonly job: JobDetails }) {
  return (
    <>
      <Card title="Facts">
        <dl class="facts">
          <Fact name="Name">
            <a href={href('name', { name: job.name })}>{job.name}</a>
          </Fact>
          <Fact name="Created">
            <Time at={job.createdAt} as="both" />
          </Fact>
          <Fact name="Changed">
            <Time at={job.updatedAt} as="both" />
          </Fact>
          {job.status === 'pending' && (
            <Fact name="Due">
              <Time at={job.nextRunAt} as="both" />
            </Fact>
          )}
          {job.finishedAt && (
            <Fact name="Finished">
              <Time at={job.finishedAt} as="both" />
            </Fact>
          )}
          <Fact name="Priority">{priorityOf(job)}</Fact>
          <Fact name="Runs">{job.fence}</Fact>
          <Fact name="Failures">
            {job.failCount}
            {job.maxRetries !== undefined && ` of ${job.maxRetries}`}
          </Fact>
          {job.rescueCount !== undefined && <Fact name="Given back">{job.rescueCount} times</Fact>}
          {job.backoff && (
            <Fact name="Backoff">
              {job.backoff.type}, {span(job.backoff.delay)}
            </Fact>
          )}
          {job.timeout !== undefined && <Fact name="Timeout">{span(job.timeout)}</Fact>}
          {job.claimedBy && (
            <Fact name="Held by">
              <InstanceLink id={job.claimedBy} />
            </Fact>
          )}
          {job.lockedAt && (
            <Fact name="Claimed">
              <Time at={job.lockedAt} as="both" />
            </Fact>
          )}
          {job.group !== undefined && (
            <Fact name="Group">
              <a href={href('limits', { name: job.name })}>{job.group}</a>
            </Fact>
          )}
          {job.order !== undefined && (
            <Fact name="Order">
              <a href={href('orders', { name: job.name })}>{job.order}</a>
            </Fact>
          )}
          {job.flow !== undefined && (
            <Fact name="Flow">
              <a href={href(`flows/${job.flow}`)}>{job.ref ?? job.flow}</a>
            </Fact>
          )}
        </dl>
      </Card>
      {job.source !== undefined && <SourceFacts source={job.source} />}
      {job.cron !== undefined && <SeriesFacts job={job} />}
      {job.uniqueKey !== undefined && <KeyFacts job={job} uniqueKey={job.uniqueKey} />}
      {job.trace && <TraceFacts trace={job.trace} />}
    </>
  );
}

/** What is stored as the priority of a job that has none of its own. */
const BY_PLACE = 101;

function priorityOf({ priority, order }: JobDetails): string {
  if (priority !== BY_PLACE) return String(priority);
  return order === undefined ? 'within its group' : 'by its order';
}

export function Fact({
  name,
  children,
}: {
  readonly name: string;
  readonly children: ComponentChildren;
}) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function SeriesFacts({ job }: { readonly job: JobDetails }) {
  return (
    <Card title="Series" aside={<a href={href(`series/${job.id}`)}>Show it</a>}>
      <dl class="facts">
        <Fact name="Expression">
          <span class="mono">{job.cron}</span>
        </Fact>
        <Fact name="Zone">{job.timezone ?? 'UTC'}</Fact>
        {job.scheduledFor && (
          <Fact name="This run">
            <Time at={job.scheduledFor} as="both" />
          </Fact>
        )}
        <Fact name="Missed times">{job.missed ?? 'once'}</Fact>
      </dl>
    </Card>
  );
}

function SourceFacts({ source }: { readonly source: NonNullable<JobDetails['source']> }) {
  const { name, failedAt, failCount, reason } = source;
  return (
    <Card title="Dead letter" aside={<a href={href('dead-letters')}>All of them</a>}>
      <dl class="facts">
        <Fact name="Failed as">
          <a href={href('name', { name })}>{name}</a>
        </Fact>
        <Fact name="At">
          <Time at={failedAt} as="both" />
        </Fact>
        <Fact name="Failures">{failCount + 1}</Fact>
        <Fact name="Why">
          <span class="anywhere">{reason}</span>
        </Fact>
      </dl>
    </Card>
  );
}

const HOLDS = {
  untilDone: 'until it is done',
  untilStarted: 'until it is claimed',
  window: 'for a window of time',
} as const;

function KeyFacts({ job, uniqueKey }: { readonly job: JobDetails; readonly uniqueKey: string }) {
  const [isWanted, setWanted] = useState(false);
  const query = { name: job.name, uniqueKey, direction: 'descending', limit: 10 };
  const holders = useResource<JobsAnswer>(isWanted ? apiUrl('jobs', query) : undefined);
  return (
    <Card title="Unique key">
      <div class="stack tight">
        <p class="row tight">
          <span class="mono anywhere">{uniqueKey}</span>
          <CopyButton text={uniqueKey} what="the key" />
        </p>
        <p class="hint">Held {HOLDS[job.uniqueHold ?? 'untilDone']}.</p>
        {isWanted ? (
          <Shown of={holders} rows={2}>
            {({ jobs }) => (
              <ul class="stack tight">
                {jobs.map((other) => (
                  <li key={other.id} class="row spread">
                    {other.id === job.id ? (
                      <span>this job</span>
                    ) : (
                      <a class="mono" href={href(`jobs/${other.id}`)}>
                        {other.id}
                      </a>
                    )}
                    <State status={other.status} />
                  </li>
                ))}
              </ul>
            )}
          </Shown>
        ) : (
          <div>
            <Button onClick={() => setWanted(true)}>Who has it?</Button>
          </div>
        )}
      </div>
    </Card>
  );
}

function TraceFacts({ trace }: { readonly trace: NonNullable<JobDetails['trace']> }) {
  const [, traceId = trace.traceparent] = trace.traceparent.split('-');
  return (
    <Card title="Trace">
      <p class="row tight">
        <span class="mono anywhere">{traceId}</span>
        <CopyButton text={traceId} what="the id of the trace" />
      </p>
    </Card>
  );
}
