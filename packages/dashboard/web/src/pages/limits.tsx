import { useState } from 'preact/hooks';
import type { GroupRow, GroupsAnswer, LimitRow, LimitsAnswer } from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { useResource } from '../api/resource.ts';
import { denied } from '../app/capabilities.ts';
import { now } from '../app/clock.ts';
import { href, params, setParams } from '../app/router.ts';
import { InUse, Rate } from '../control/bounds.tsx';
import { GroupDialog, LimitDialog, pauseGroup } from '../control/dialogs.tsx';
import { InstanceLink } from '../job/timeline.tsx';
import { Button } from '../ui/button.tsx';
import { Empty, Note, Shown } from '../ui/faces.tsx';
import { bounded, number, plural } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { KeyPager } from '../ui/key-pager.tsx';
import { Card, Page } from '../ui/page.tsx';
import { type Column, Table } from '../ui/table.tsx';
import { Since, Time } from '../ui/time.tsx';

/** Shares move with each job, beside the shared snapshot. */
const LOOK_MS = 5_000;
const MOST_HOLDERS = 3;

type Opened =
  | { readonly kind: 'limit'; readonly limit?: LimitRow }
  | { readonly kind: 'group'; readonly group: GroupRow };

export function Limits() {
  const search = params.value;
  const name = search.get('name') ?? undefined;
  const limits = useResource<LimitsAnswer>(
    apiUrl('limits', { after: search.get('after') ?? undefined, limit: 50 }),
    { everyMs: LOOK_MS },
  );
  const groups = useResource<GroupsAnswer>(
    apiUrl('groups', { name, after: search.get('afterGroup') ?? undefined, limit: 50 }),
    { live: true },
  );
  const [opened, setOpened] = useState<Opened>();
  const close = (): void => setOpened(undefined);
  const reload = (): void => {
    void limits.reload();
    void groups.reload();
  };
  return (
    <Page
      title="Limits and groups"
      sub="What bounds jobs over all processes together: limits that workers share, and groups of one name that take turns."
      actions={
        <Button
          icon="plus"
          denied={denied('setLimit')}
          onClick={() => setOpened({ kind: 'limit' })}
        >
          Set a limit
        </Button>
      }
    >
      <Card title="Limits" isPadded={false}>
        <Shown of={limits} rows={4}>
          {(answer) => (
            <LimitList answer={answer} change={(limit) => setOpened({ kind: 'limit', limit })} />
          )}
        </Shown>
      </Card>
      <Card
        title="Groups"
        isPadded={false}
        aside={<NameSelect name={name} names={groups.data?.names ?? []} />}
      >
        <Shown of={groups} rows={6}>
          {(answer) => (
            <GroupList
              answer={answer}
              name={name}
              change={(group) => setOpened({ kind: 'group', group })}
              reload={reload}
            />
          )}
        </Shown>
      </Card>
      {opened?.kind === 'limit' && (
        <LimitDialog
          {...(opened.limit && { limit: opened.limit })}
          onClose={close}
          onDone={reload}
        />
      )}
      {opened?.kind === 'group' && (
        <GroupDialog group={opened.group} onClose={close} onDone={reload} />
      )}
    </Page>
  );
}

interface NameSelectProps {
  readonly name: string | undefined;
  readonly names: readonly string[];
}

function NameSelect({ name, names }: NameSelectProps) {
  const all = [...new Set([...names, ...(name === undefined ? [] : [name])])].sort();
  return (
    <select
      aria-label="Groups of"
      value={name ?? ''}
      onChange={(event) => setParams({ name: event.currentTarget.value, afterGroup: undefined })}
    >
      <option value="">the fullest of all names</option>
      {all.map((one) => (
        <option key={one} value={one}>
          {one}
        </option>
      ))}
    </select>
  );
}

interface LimitListProps {
  readonly answer: LimitsAnswer;
  change(limit: LimitRow): void;
}

function LimitList({ answer: { limits, next }, change }: LimitListProps) {
  if (limits.length === 0 && !params.value.has('after')) {
    return (
      <Empty icon="limits" title="There is no limit">
        A limit bounds how many jobs run at once, or start in a time. Workers name it in their
        option limits.
      </Empty>
    );
  }
  return (
    <>
      <Table
        label="Limits"
        columns={limitColumns(change)}
        rows={limits}
        rowKey={({ key }) => key}
        rowClass={({ key }) => (key === params.value.get('limit') ? 'is-picked' : undefined)}
      />
      <KeyPager label="the limits" next={next} />
    </>
  );
}

function limitColumns(change: LimitListProps['change']): readonly Column<LimitRow>[] {
  return [
    {
      ...{ head: 'Limit', leads: true, class: 'fill wraps' },
      cell: ({ key, isOfWorker }) => (
        <div class="cut">
          <strong>{isOfWorker ? key.slice('worker:'.length) : key}</strong>
          {isOfWorker && (
            <div class="sub">of this name alone, by the option limit of its worker</div>
          )}
        </div>
      ),
    },
    {
      ...{ head: 'Run at once', class: 'num' },
      cell: ({ held, concurrency }) => <InUse count={held} of={concurrency} />,
    },
    {
      ...{ head: 'More wanted', class: 'num' },
      cell: ({ wanted }) =>
        wanted === 0 ? <span class="quiet">–</span> : <strong>{number(wanted)}</strong>,
    },
    { head: 'Starts', cell: ({ rate }) => <Rate rate={rate} /> },
    { head: 'Next start', cell: (row) => <NextStart row={row} /> },
    { head: 'Held by', cell: (row) => <Holders row={row} /> },
    {
      ...{ head: 'Change', isUnseen: true, class: 'num' },
      cell: (limit) => (
        <Button
          icon="settings"
          denied={
            limit.isOfWorker
              ? 'Its worker sets it at each start: change the option there.'
              : denied('setLimit')
          }
          onClick={() => change(limit)}
        >
          Change
          <span class="unseen"> the limit {limit.key}</span>
        </Button>
      ),
    },
  ];
}

/** When something may start again: after a handler backed off, or after a rate was used up. */
function NextStart({ row }: { readonly row: Pick<LimitRow, 'blockedUntil' | 'nextStartAt'> }) {
  const { blockedUntil, nextStartAt } = row;
  if (blockedUntil !== undefined && Date.parse(blockedUntil) > now.value) {
    return (
      <span class="state blocked">
        <Icon name="pause" />
        backed off, <Time at={blockedUntil} />
      </span>
    );
  }
  if (nextStartAt !== undefined && Date.parse(nextStartAt) > now.value) {
    return <Time at={nextStartAt} />;
  }
  return <span class="quiet">now</span>;
}

function Holders({ row: { holders } }: { readonly row: LimitRow }) {
  const holding = holders.filter(({ count }) => count > 0);
  const waiting = holders.filter(({ count, wants }) => count === 0 && wants > 0).length;
  if (holding.length === 0 && waiting === 0) return <span class="quiet">nobody</span>;
  return (
    <span class="sub">
      {holding.slice(0, MOST_HOLDERS).map(({ instanceId, count }, index) => (
        <span key={instanceId} class="holder">
          {index > 0 && ', '}
          {number(count)} by <InstanceLink id={instanceId} />
        </span>
      ))}
      {holding.length > MOST_HOLDERS && ` and ${number(holding.length - MOST_HOLDERS)} more`}
      {waiting > 0 && (
        <span class="quiet">
          {holding.length > 0 && '; '}
          {plural(waiting, 'instance waits', 'instances wait')}
        </span>
      )}
    </span>
  );
}

interface GroupListProps {
  readonly answer: GroupsAnswer;
  readonly name: string | undefined;
  change(group: GroupRow): void;
  reload(): void;
}

function GroupList({ answer, name, change, reload }: GroupListProps) {
  const { groups, next, isComplete, groupsAreCut } = answer;
  if (groups.length === 0 && !params.value.has('afterGroup')) {
    return (
      <Empty icon="flows" title={name ? `${name} has no group with jobs` : 'No group has jobs'}>
        A job joins a group by its option group, where the worker has the option groups. Groups of
        one name take turns.
      </Empty>
    );
  }
  return (
    <>
      {name !== undefined && !isComplete && next === null && (
        <Note>There are more groups, which are not shown.</Note>
      )}
      {groupsAreCut && <Note>There are more groups than were looked at, maybe fuller ones.</Note>}
      <Table
        label="Groups"
        columns={groupColumns(name === undefined, change, reload)}
        rows={groups}
        rowKey={(row) => `${row.name} ${row.group}`}
      />
      <KeyPager label="the groups" parameter="afterGroup" next={next} />
    </>
  );
}

const HIDDEN = 'The group is not shown to you as it is stored.';

function groupColumns(
  isOfAll: boolean,
  change: GroupListProps['change'],
  reload: () => void,
): readonly Column<GroupRow>[] {
  return [
    {
      ...{ head: 'Group', leads: true, class: 'fill' },
      cell: ({ name, group }) => (
        <div class="cut">
          <a href={href('jobs', { name, group })}>
            <strong>{group}</strong>
          </a>
          {isOfAll && <div class="sub cut">{name}</div>}
        </div>
      ),
    },
    { head: 'State', cell: (row) => <GroupState row={row} /> },
    {
      ...{ head: 'Waiting', class: 'num' },
      cell: ({ waiting, oldestDueAt }) => (
        <span class="nowrap">
          {bounded(waiting.value, waiting.isAtLeast)}
          {oldestDueAt && Date.parse(oldestDueAt) <= now.value && (
            <span class="quiet">
              {' '}
              for <Since at={oldestDueAt} />
            </span>
          )}
        </span>
      ),
    },
    {
      ...{ head: 'Run at once', class: 'num' },
      cell: ({ running, concurrency }) => <InUse count={running} of={concurrency} />,
    },
    { head: 'Starts', cell: ({ rate }) => <Rate rate={rate} /> },
    { head: 'Weight', class: 'num', cell: ({ weight = 1 }) => number(weight) },
    {
      ...{ head: 'Pause or change', isUnseen: true, class: 'num' },
      cell: (row) => {
        const refused = row.isRedacted ? HIDDEN : denied('setGroup', row.name);
        const words = ` the group ${row.group} of ${row.name}`;
        return (
          <span class="row tight end">
            <Button
              icon={row.paused ? 'play' : 'pause'}
              denied={refused}
              onClick={() => pauseGroup(row, !row.paused, reload)}
            >
              {row.paused ? 'Resume' : 'Pause'}
              <span class="unseen">{words}</span>
            </Button>
            <Button icon="settings" denied={refused} onClick={() => change(row)}>
              Change
              <span class="unseen">{words}</span>
            </Button>
          </span>
        );
      },
    },
  ];
}

function GroupState({ row }: { readonly row: GroupRow }) {
  const { paused, running, concurrency, waiting, nextStartAt } = row;
  if (paused) {
    return (
      <span class="state blocked">
        <Icon name="pause" />
        paused
      </span>
    );
  }
  const isWaiting = waiting.value > 0;
  if (isWaiting && concurrency !== undefined && running >= concurrency) {
    return (
      <span class="state pending">
        <Icon name="limits" />
        full
      </span>
    );
  }
  if (isWaiting && nextStartAt !== undefined && Date.parse(nextStartAt) > now.value) {
    return (
      <span class="state pending">
        <Icon name="clock" />
        next start <Time at={nextStartAt} />
      </span>
    );
  }
  return (
    <span class="state completed">
      <Icon name="completed" />
      runs
    </span>
  );
}
