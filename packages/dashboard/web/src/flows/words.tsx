import type { FlowRow, FlowState, Status } from '../../../src/api/types.ts';
import { number } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { STATUSES } from '../ui/state.tsx';

const LOOKS = {
  storing: { look: 'pending', icon: 'pending' },
  abandoned: { look: 'cancelled', icon: 'cancelled' },
  running: { look: 'processing', icon: 'processing' },
  completed: { look: 'completed', icon: 'completed' },
  failed: { look: 'failed', icon: 'failed' },
  cancelled: { look: 'cancelled', icon: 'cancelled' },
} as const;

/** The state of a flow, by an icon and by its word. */
export function FlowStateChip({ state }: { readonly state: FlowState }) {
  const { look, icon } = LOOKS[state];
  return (
    <span class={`state ${look}`}>
      <Icon name={icon} />
      {state}
    </span>
  );
}

/** How many jobs are in each state. */
export function Counts({ counts }: Pick<FlowRow, 'counts'>) {
  const present = STATUSES.filter((status) => (counts[status] ?? 0) > 0);
  return (
    <span class="row tight">
      {present.map((status) => (
        <span key={status} class={`state ${status}`}>
          <Icon name={status} />
          {number(counts[status] ?? 0)} {status}
        </span>
      ))}
    </span>
  );
}

/** What a node of several jobs looks like: as what most needs to be seen of them. */
export function leadingStatus(byStatus: Partial<Record<Status, number>>): Status {
  const order: readonly Status[] = [
    ...(['failed', 'processing', 'pending', 'blocked', 'cancelled', 'completed'] as const),
  ];
  return order.find((status) => (byStatus[status] ?? 0) > 0) ?? 'pending';
}
