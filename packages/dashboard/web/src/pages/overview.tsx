import { useEffect, useState } from 'preact/hooks';
import type {
  Attention,
  BoundedCount,
  NameRow,
  OverviewAnswer,
  PreviewAnswer,
} from '../../../src/api/types.ts';
import { post } from '../api/client.ts';
import { readSnapshot, snapshot, snapshotProblem } from '../api/live.ts';
import { denied } from '../app/capabilities.ts';
import { href } from '../app/router.ts';
import { useMetrics } from '../metrics/samples.ts';
import { Button } from '../ui/button.tsx';
import { Empty, Failed, Loading } from '../ui/faces.tsx';
import { bounded, number, span } from '../ui/format.ts';
import { Icon, type IconName } from '../ui/icon.tsx';
import { InstanceState } from '../ui/instance-state.tsx';
import { NAME_COLUMNS } from '../ui/name-cells.tsx';
import { Card, Page } from '../ui/page.tsx';
import { Table } from '../ui/table.tsx';
import { Time } from '../ui/time.tsx';
import { attempt } from '../ui/toast.tsx';

const MOST_NAMES = 8;
const MOST_INSTANCES = 6;

export function Overview() {
  const answer = snapshot.value;
  return (
    <Page
      title="Overview"
      sub={
        answer && (
          <>
            As of <Time at={answer.at} as="past" />. Everything here is read at most every 5
            seconds.
          </>
        )
      }
    >
      {answer ? <Seen answer={answer} /> : <NotSeen />}
    </Page>
  );
}

function NotSeen() {
  const problem = snapshotProblem.value;
  if (problem === undefined)
    return (
      <section class="card">
        <Loading rows={10} />
      </section>
    );
  return (
    <section class="card">
      <Failed
        problem={{
          ...{ type: 'about:blank', status: 503, code: 'NO_SNAPSHOT', detail: problem },
          title: 'Nothing could be read yet',
          advice: 'It is tried again by itself.',
        }}
        retry={() => void readSnapshot()}
      />
    </section>
  );
}

function Seen({ answer }: { readonly answer: OverviewAnswer }) {
  const { attention, names, instances, namesAreCut } = answer;
  const busiest = [...names].sort(byNeed).slice(0, MOST_NAMES);
  return (
    <>
      <AttentionCard attention={attention} />
      <Figures answer={answer} />
      <div class="columns">
        <Card
          title="Names"
          isPadded={false}
          aside={
            <a href={href('names')}>
              {names.length > MOST_NAMES
                ? `All ${number(names.length)}${namesAreCut ? '+' : ''}`
                : 'All of them'}
            </a>
          }
        >
          {busiest.length === 0 ? (
            <Empty icon="names" title="No name is known yet">
              A name appears with its first job, or with its first worker.
            </Empty>
          ) : (
            <Table label="Names" columns={NAME_COLUMNS} rows={busiest} rowKey={(row) => row.name} />
          )}
        </Card>
        <Card
          title="Instances"
          isPadded={false}
          aside={<a href={href('instances')}>All of them</a>}
        >
          {instances.length === 0 ? (
            <Empty icon="instances" title="No instance is on record">
              Call start() in a process that has workers.
            </Empty>
          ) : (
            <ul class="list">
              {instances.slice(0, MOST_INSTANCES).map((row) => (
                <li key={row.instanceId}>
                  <div class="grow">
                    <div class="row spread">
                      <a class="cut" href={href('instances', { instance: row.instanceId })}>
                        {row.host ?? row.instanceId}
                        {row.pid !== undefined && <span class="quiet"> · {row.pid}</span>}
                      </a>
                      <InstanceState state={row.state} />
                    </div>
                    <div class="hint">
                      {number(row.runningJobs ?? 0)} running
                      {row.version && <> · {row.version}</>}
                      {row.isOwn && ' · serves this page'}
                    </div>
                  </div>
                </li>
              ))}
            </ul>
          )}
        </Card>
      </div>
    </>
  );
}

/** First what waits and cannot run, then what waits longest. */
function byNeed(a: NameRow, b: NameRow): number {
  const stuck = (row: NameRow): number =>
    row.due.value > 0 && (row.isPaused || row.instances === 0) ? 1 : 0;
  return (
    stuck(b) - stuck(a) ||
    b.due.value - a.due.value ||
    b.running - a.running ||
    (a.name < b.name ? -1 : 1)
  );
}

const SEVERITIES = {
  critical: { class: 'sev-bad', icon: 'failed', word: 'Critical' },
  warning: { class: 'sev-warn', icon: 'warning', word: 'Warning' },
  info: { class: 'sev-info', icon: 'info', word: 'For your information' },
} as const;

function AttentionCard({ attention }: { readonly attention: readonly Attention[] }) {
  if (attention.length === 0) {
    return (
      <section class="card">
        <ul class="list">
          <li class="sev-good">
            <Icon name="completed" />
            <div class="grow">
              <h2>Nothing needs attention</h2>
              <span class="quiet">
                Every name with due jobs has a worker, and every instance renews its lease.
              </span>
            </div>
          </li>
        </ul>
      </section>
    );
  }
  return (
    <Card title="Needs attention" isPadded={false}>
      <ul class="list">
        {attention.map((item) => {
          const { class: look, icon, word } = SEVERITIES[item.severity];
          return (
            <li key={`${item.kind} ${item.name} ${item.instanceId}`} class={look}>
              <Icon name={icon as IconName} label={word} />
              <span class="grow">{item.message}</span>
              <Fix item={item} />
            </li>
          );
        })}
      </ul>
    </Card>
  );
}

/** Where the problem is seen, or ended. */
function Fix({ item }: { readonly item: Attention }) {
  const { kind, name, instanceId } = item;
  if (kind === 'pausedWithDue' && name !== undefined) {
    return (
      <Button
        icon="play"
        denied={denied('pause', name)}
        onClick={() =>
          void attempt(`${name} goes on`, async () => {
            await post('names/actions/resume', { name });
            await readSnapshot();
          })
        }
      >
        Resume
      </Button>
    );
  }
  if (kind === 'deadLetters') return <a href={href('dead-letters', { name })}>Show them</a>;
  if (kind === 'pausedGroup') return <a href={href('limits', { name })}>Show its groups</a>;
  if (instanceId !== undefined) {
    return <a href={href('instances', { instance: instanceId })}>Show the instance</a>;
  }
  if (name !== undefined) return <a href={href('jobs', { name })}>Show its jobs</a>;
  if (kind === 'violations' || kind === 'lost') return <a href={href('rules')}>Show the rules</a>;
  return <a href={href(kind === 'alert' ? 'metrics' : 'instances')}>Show more</a>;
}

function Figures({ answer }: { readonly answer: OverviewAnswer }) {
  const { due, running, names, instances } = answer.totals;
  const failed = useCount('failed');
  const blocked = useCount('blocked');
  const metrics = useMetrics();
  const wait = mostOf(metrics.data?.histograms.waitMs);
  return (
    <div class="figures">
      <Figure
        icon="pending"
        label="due"
        count={due}
        to={href('jobs', { status: 'pending', orderBy: 'nextRunAt', direction: 'ascending' })}
      />
      <Figure
        icon="processing"
        label="running"
        count={running}
        to={href('jobs', { status: 'processing' })}
      />
      <Figure icon="failed" label="failed" count={failed} to={href('errors')} />
      <Figure
        icon="blocked"
        label="blocked"
        count={blocked}
        to={href('jobs', { status: 'blocked' })}
      />
      <Figure
        icon="names"
        label="names"
        count={{ value: names, isAtLeast: answer.namesAreCut }}
        to={href('names')}
      />
      <Figure
        icon="instances"
        label="instances"
        count={{ value: instances, isAtLeast: false }}
        to={href('instances')}
      />
      {wait?.p95 !== undefined && (
        <a class="figure" href={href('metrics')}>
          <b>{span(wait.p95)}</b>
          <span>
            <Icon name="clock" />{' '}
            <span
              class="cut"
              title={`Wait until a run of ${wait.labels.name} begins, 95 % of them at most`}
            >
              wait, p95
            </span>
          </span>
        </a>
      )}
    </div>
  );
}

function mostOf<Point extends { readonly count: number }>(
  points: readonly Point[] | undefined,
): Point | undefined {
  return points?.reduce<Point | undefined>(
    (most, point) => (most && most.count >= point.count ? most : point),
    undefined,
  );
}

interface FigureProps {
  readonly icon: IconName;
  readonly label: string;
  readonly count: BoundedCount | undefined;
  readonly to: string;
}

function Figure({ icon, label, count, to }: FigureProps) {
  return (
    <a class="figure" href={to}>
      <b>{count ? bounded(count.value, count.isAtLeast) : '…'}</b>
      <span>
        <Icon name={icon} /> {label}
      </span>
    </a>
  );
}

/** Jobs of a state, counted up to a bound: once, for it is no part of the snapshot. */
function useCount(status: 'failed' | 'blocked'): BoundedCount | undefined {
  const [count, setCount] = useState<BoundedCount>();
  useEffect(() => {
    post<PreviewAnswer>('operations/preview', {
      kind: status === 'failed' ? 'retry' : 'cancel',
      filter: { status },
    }).then(
      (answer) => setCount(answer.count),
      // The figure stays open; the page above says what is wrong with the server.
      () => {},
    );
  }, [status]);
  return count;
}
