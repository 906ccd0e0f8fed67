import type { Occurrence } from '../../../src/api/types.ts';
import { span, timeOfDay } from '../ui/format.ts';
import { Icon, type IconName } from '../ui/icon.tsx';

const LATE_AFTER_MS = 60_000;

/** How each state of a time looks. */
export const LOOKS: Readonly<
  Record<Occurrence['state'], readonly [icon: IconName, word: string, look: string]>
> = {
  planned: ['clock', 'planned', 'planned'],
  done: ['completed', 'done', 'done'],
  failed: ['failed', 'failed', 'failed'],
  cancelled: ['cancelled', 'cancelled', 'skipped'],
  skipped: ['right', 'passed over', 'skipped'],
  running: ['processing', 'running', 'running'],
  late: ['warning', 'late', 'late'],
  unknown: ['info', 'not on record', 'unknown'],
};

/** One time with how it went. */
export function Mark({
  occurrence,
  zone,
}: {
  readonly occurrence: Occurrence;
  readonly zone: string;
}) {
  const { at, state, endedAfterMs } = occurrence;
  const [icon, word, look] = LOOKS[state];
  const isLate = endedAfterMs !== undefined && endedAfterMs > LATE_AFTER_MS;
  const time = timeOfDay(Date.parse(at), zone).slice(0, 5);
  const ended = endedAfterMs === undefined ? '' : `, it ended ${span(endedAfterMs)} after its time`;
  return (
    <span class={`mark-run ${look}`} title={`${time}: ${word}${ended}`}>
      <Icon name={icon} label={word} />
      {time}
      {isLate && <span class="mark-run late">+{span(endedAfterMs)}</span>}
    </span>
  );
}

/** How many times went how. */
export function MarkCounts({ occurrences }: { readonly occurrences: readonly Occurrence[] }) {
  return (
    <span class="marks">
      {[...Map.groupBy(occurrences, ({ state }) => state)].map(([state, those]) => {
        const [icon, word, look] = LOOKS[state];
        return (
          <span key={state} class={`mark-run ${look}`}>
            <Icon name={icon} />
            {those.length} {word}
          </span>
        );
      })}
    </span>
  );
}
