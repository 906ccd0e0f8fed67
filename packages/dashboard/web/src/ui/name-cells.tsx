import type { NameRow } from '../../../src/api/types.ts';
import { href } from '../app/router.ts';
import { bounded, number, span } from './format.ts';
import { Icon } from './icon.tsx';
import { Meter } from './parts.tsx';
import type { Column } from './table.tsx';
import { Time } from './time.tsx';

/** Whether jobs of a name run, and why not. */
export function NameState({ row }: { readonly row: NameRow }) {
  if (row.isPaused) {
    return (
      <span class="state blocked">
        <Icon name="pause" />
        paused
      </span>
    );
  }
  if (row.instances === 0 && row.deadLetters) {
    return (
      <span class="state pending">
        <Icon name="dead" />
        dead letters
      </span>
    );
  }
  if (row.instances === 0) {
    return (
      <span class={`state ${row.due.value > 0 ? 'failed' : 'cancelled'}`}>
        <Icon name="warning" />
        no worker
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

/** Who paused it, and when. */
export function PausedBy({ row }: { readonly row: NameRow }) {
  if (!row.isPaused || row.pausedAt === undefined) return null;
  return (
    <span class="sub">
      {row.pausedBy && `by ${row.pausedBy}, `}
      <Time at={row.pausedAt} />
    </span>
  );
}

export const NAME_COLUMNS: readonly Column<NameRow>[] = [
  {
    head: 'Name',
    leads: true,
    class: 'fill wraps',
    cell: (row) => (
      <div class="cut">
        <a href={href('name', { name: row.name })}>
          <strong>{row.name}</strong>
        </a>
      </div>
    ),
  },
  {
    head: 'State',
    cell: (row) => (
      <div class="nowrap">
        <NameState row={row} /> <PausedBy row={row} />
      </div>
    ),
  },
  { head: 'Due', class: 'num', cell: (row) => bounded(row.due.value, row.due.isAtLeast) },
  {
    head: 'Waits for',
    class: 'num',
    cell: (row) =>
      row.queueLagMs > 0 ? (
        <span class="nowrap">{span(row.queueLagMs)}</span>
      ) : (
        <span class="quiet">–</span>
      ),
  },
  {
    head: 'Slots in use',
    class: 'num',
    cell: (row) =>
      row.concurrency === 0 ? (
        <span class="quiet">–</span>
      ) : (
        <span class="nowrap">
          {number(row.running)} of {number(row.concurrency)}
          <Meter part={row.running / row.concurrency} />
        </span>
      ),
  },
  { head: 'Instances', class: 'num', cell: (row) => number(row.instances) },
];
