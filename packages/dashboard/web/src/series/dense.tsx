import type { Occurrence, OccurrencesAnswer } from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { useResource } from '../api/resource.ts';
import { now } from '../app/clock.ts';
import { Shown } from '../ui/faces.tsx';
import { brief, plural, timeOfDay } from '../ui/format.ts';
import { Card } from '../ui/page.tsx';
import { MarkCounts } from './marks.tsx';

const HOUR_MS = 3_600_000;
const STEPS_MS = [60_000, 300_000, 900_000, HOUR_MS];

/** So many times are shown; the server gives at most 1,000. */
const MOST = 480;
const MOST_ROWS = 24;

interface DenseProps {
  readonly id: string;
  readonly zone: string;
  /** Milliseconds between two times. */
  readonly gap: number;
}

/** The times of a series that runs too often for a calendar: those around now, by spans of time. */
export function Dense({ id, zone, gap }: DenseProps) {
  const width = Math.min(12 * HOUR_MS, gap * MOST);
  const step = STEPS_MS.find((ms) => width / ms <= MOST_ROWS) ?? HOUR_MS;
  // It moves on with each step, not with each second.
  const middle = Math.floor(now.value / step) * step;
  const from = new Date(middle - Math.floor((width * 0.7) / step) * step).toISOString();
  const to = new Date(middle + Math.ceil((width * 0.3) / step) * step - 1).toISOString();
  const answer = useResource<OccurrencesAnswer>(apiUrl(`series/${id}/occurrences`, { from, to }), {
    live: true,
  });
  return (
    <Card
      title="Times around now"
      aside={
        <span class="quiet">
          {brief(Date.parse(from), zone)} to {brief(Date.parse(to), zone)}, {zone}
        </span>
      }
      isPadded={false}
    >
      <Shown of={answer} rows={10}>
        {({ occurrences }) => (
          <ol class="list slim">
            {spansOf(occurrences, step).map(([start, those]) => (
              <li key={start} {...(start === middle && { 'aria-current': 'time' })}>
                <span class="mono">{timeOfDay(start, zone).slice(0, 5)}</span>
                <span class="grow">
                  <MarkCounts occurrences={those} />
                </span>
                <span class="hint nowrap">{plural(those.length, 'time')}</span>
              </li>
            ))}
          </ol>
        )}
      </Shown>
    </Card>
  );
}

function spansOf(
  occurrences: readonly Occurrence[],
  step: number,
): readonly (readonly [number, readonly Occurrence[]])[] {
  const spans = Map.groupBy(occurrences, ({ at }) => Math.floor(Date.parse(at) / step) * step);
  return [...spans].sort(([a], [b]) => b - a);
}
