import type { TaskSummary } from '../../../src/api/types.ts';
import { now } from '../app/clock.ts';
import { absolute, since } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { Time } from '../ui/time.tsx';

const SOON_MS = 86_400_000;

/** The deadline of a task, by how near it is; nothing for one that has none or is completed. */
export function Due({ task }: { readonly task: TaskSummary }) {
  const { deadline, status, isOverdue } = task;
  if (deadline === undefined || status === 'completed') return null;
  const at = Date.parse(deadline);
  if (isOverdue) {
    return (
      <time class="state failed" dateTime={deadline} title={absolute(at)}>
        <Icon name="clock" />
        {since(at, now.value)} late
      </time>
    );
  }
  return (
    <span class={at - now.value < SOON_MS ? 'state blocked' : 'hint nowrap'}>
      due <Time at={deadline} />
    </span>
  );
}
