import { useState } from 'preact/hooks';
import type { JobAnswer, SeriesAnswer, SeriesRow } from '../../../src/api/types.ts';
import { apiUrl, call, post } from '../api/client.ts';
import { useResource } from '../api/resource.ts';
import { denied } from '../app/capabilities.ts';
import { go, href } from '../app/router.ts';
import { RescheduleDialog } from '../dialogs/job-actions.tsx';
import { SeriesDialog } from '../dialogs/series.tsx';
import { Fact } from '../job/facts.tsx';
import { Calendar } from '../series/calendar.tsx';
import { Dense } from '../series/dense.tsx';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Card, Page } from '../ui/page.tsx';
import { State } from '../ui/state.tsx';
import { Time } from '../ui/time.tsx';
import { attempt, say } from '../ui/toast.tsx';
import { UnreadPage } from '../ui/unread-page.tsx';
import { Value } from '../ui/value.tsx';
import { MISSED } from './series-list.tsx';

/** With more than about 30 times a day a month would not fit the calendar. */
const DENSE_MS = 2_700_000;

export function SeriesPage({ id = '' }: { readonly id?: string | undefined }) {
  const answer = useResource<SeriesAnswer>(apiUrl(`series/${id}`), { live: true });
  const { data, error } = answer;
  if (data && error?.problem.status !== 404) return <Found answer={data} reload={answer.reload} />;
  return (
    <UnreadPage title="Series" of={answer} icon="series">
      It may have ended. <a href={href(`jobs/${id}`)}>Its job</a> may still be there.
    </UnreadPage>
  );
}

interface FoundProps {
  readonly answer: SeriesAnswer;
  reload(): Promise<void>;
}

function Found({ answer: { series, next }, reload }: FoundProps) {
  const [dialog, setDialog] = useState<'edit' | 'move' | 'end'>();
  const { id, name, uniqueKey, cron, inWords, timezone, status } = series;
  const job = useResource<JobAnswer>(apiUrl(`jobs/${id}`), { live: true });
  const [first = '', second = ''] = next;
  const gap = second === '' ? Number.POSITIVE_INFINITY : Date.parse(second) - Date.parse(first);
  const close = (): void => setDialog(undefined);
  const both = (): void => {
    void reload();
    void job.reload();
  };
  return (
    <Page
      title={name}
      heading={
        <span class="row">
          {name} <State status={status} />
        </span>
      }
      sub={
        <>
          {inWords ?? cron}, {timezone}
          {uniqueKey !== cron && uniqueKey !== name && <> · {uniqueKey}</>} ·{' '}
          <a href={href(`jobs/${id}`)}>the job</a>
        </>
      }
      actions={<Actions series={series} open={setDialog} reload={both} />}
    >
      <div class="columns">
        <div class="stack">
          {gap < DENSE_MS ? (
            <Dense id={id} zone={timezone} gap={gap} />
          ) : (
            <Calendar id={id} zone={timezone} />
          )}
          {series.data !== undefined && (
            <Card title="Data of each run">
              <Value value={series.data} label="Data" />
            </Card>
          )}
        </div>
        <div class="stack">
          <Card title="Next times">
            <ol class="stack tight">
              {next.slice(0, 5).map((at) => (
                <li key={at} class="row spread">
                  <Time at={at} as="brief" zone={timezone} />
                  <span class="quiet">
                    <Time at={at} />
                  </span>
                </li>
              ))}
            </ol>
          </Card>
          <Card title="Plan">
            <dl class="facts">
              <Fact name="Expression">
                <span class="mono">{cron}</span>
              </Fact>
              <Fact name="Zone">{timezone}</Fact>
              <Fact name="Key">{uniqueKey}</Fact>
              <Fact name="Waiting run">
                <Time at={series.nextRunAt} as="both" zone={timezone} />
              </Fact>
              <Fact name="Stands for">
                <Time at={series.scheduledFor} as="both" zone={timezone} />
              </Fact>
              <Fact name="Missed times">are {MISSED[series.missed]}</Fact>
              {series.startAt && (
                <Fact name="Not before">
                  <Time at={series.startAt} as="full" zone={timezone} />
                </Fact>
              )}
              {series.endAt && (
                <Fact name="Not after">
                  <Time at={series.endAt} as="full" zone={timezone} />
                </Fact>
              )}
              {job.data && job.data.job.failCount > 0 && (
                <Fact name="Failures of this run">
                  {job.data.job.failCount}: {job.data.job.failReason}
                </Fact>
              )}
            </dl>
          </Card>
        </div>
      </div>
      {dialog === 'edit' && (
        <SeriesDialog series={series} options={optionsOf(job.data)} onClose={close} onDone={both} />
      )}
      {dialog === 'move' && job.data && (
        <RescheduleDialog job={job.data.job} onClose={close} onDone={both} />
      )}
      {dialog === 'end' && <EndDialog series={series} onClose={close} />}
    </Page>
  );
}

function optionsOf(answer: JobAnswer | undefined) {
  const { priority, maxRetries, timeout } = answer?.job ?? {};
  return {
    ...(priority !== undefined && { priority }),
    ...(maxRetries !== undefined && { maxRetries }),
    ...(timeout !== undefined && { timeout }),
  };
}

interface ActionsProps {
  readonly series: SeriesRow;
  open(dialog: 'edit' | 'move' | 'end'): void;
  reload(): void;
}

function Actions({ series: { id, name, status }, open, reload }: ActionsProps) {
  const waits = status === 'pending' ? undefined : `Its run is ${status}, so none waits.`;
  const act = (verb: 'run' | 'skip', done: string) => () =>
    void attempt(done, async () => {
      await post(`series/${id}/actions/${verb}`);
      reload();
    });
  return (
    <>
      <Button
        icon="play"
        denied={waits ?? denied('reschedule', name)}
        onClick={act('run', 'The waiting run is due now')}
      >
        Run now
      </Button>
      <Button
        icon="clock"
        denied={waits ?? denied('reschedule', name)}
        onClick={() => open('move')}
      >
        Move
      </Button>
      <Button
        icon="right"
        denied={waits ?? denied('cancel', name)}
        onClick={act('skip', 'The waiting run is passed over')}
      >
        Skip
      </Button>
      <Button icon="settings" denied={denied('schedule', name)} onClick={() => open('edit')}>
        Change
      </Button>
      <Button
        icon="stop"
        look="danger"
        denied={denied('unschedule', name)}
        onClick={() => open('end')}
      >
        End
      </Button>
    </>
  );
}

function EndDialog({ series, onClose }: { readonly series: SeriesRow; onClose(): void }) {
  return (
    <Dialog
      title="End the series"
      onClose={onClose}
      action={{
        label: 'End it',
        icon: 'stop',
        isDangerous: true,
        run: async () => {
          await call('DELETE', apiUrl(`series/${series.id}`));
          say(`The series of ${series.name} has ended`);
          go(href('series'));
        },
      }}
    >
      <p>Its waiting run is cancelled. A run that is on ends as it will, and is the last.</p>
      <p class="quiet">A process that calls schedule() for it makes it again.</p>
    </Dialog>
  );
}
