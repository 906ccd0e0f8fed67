import type { Occurrence, OccurrencesAnswer } from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { useResource } from '../api/resource.ts';
import { now } from '../app/clock.ts';
import { params, setParams } from '../app/router.ts';
import { Button } from '../ui/button.tsx';
import { Note, Shown } from '../ui/faces.tsx';
import { Icon } from '../ui/icon.tsx';
import { Card } from '../ui/page.tsx';
import { addMonths, changesClock, dayKey, daysOfGrid, monthKey } from './days.ts';
import { LOOKS, Mark, MarkCounts } from './marks.tsx';

const DAY_MS = 86_400_000;

/** So many marks a day are shown one by one; of more it is said how many went how. */
const MOST_MARKS = 4;

interface CalendarProps {
  readonly id: string;
  readonly zone: string;
}

/** The times of a series by days of its own zone: what was planned, and how it went. */
export function Calendar({ id, zone }: CalendarProps) {
  const today = dayKey(now.value, zone);
  const month = params.value.get('month') ?? monthKey(today);
  const days = daysOfGrid(month);
  const [first = '', last = ''] = [days[0], days.at(-1)];
  const from = new Date(Date.parse(`${first}T00:00:00Z`) - DAY_MS).toISOString();
  const to = new Date(Date.parse(`${last}T00:00:00Z`) + 2 * DAY_MS).toISOString();
  const answer = useResource<OccurrencesAnswer>(apiUrl(`series/${id}/occurrences`, { from, to }), {
    live: true,
  });
  const turn = (by: number) => () => setParams({ month: addMonths(month, by), day: undefined });
  return (
    <Card
      title={new Intl.DateTimeFormat('en-GB', {
        month: 'long',
        year: 'numeric',
        timeZone: 'UTC',
      }).format(Date.parse(`${month}-15`))}
      aside={
        <span class="row">
          <span class="quiet">{zone}</span>
          <Button icon="left" label="The month before" look="bare" onClick={turn(-1)} />
          <Button look="bare" onClick={() => setParams({ month: undefined, day: undefined })}>
            Today
          </Button>
          <Button icon="right" label="The month after" look="bare" onClick={turn(1)} />
        </span>
      }
    >
      <Shown of={answer} rows={10}>
        {({ occurrences, isCut, isRecorded }) => (
          <div class="stack tight">
            {isCut && (
              <Note>
                There are more than 1,000 times in this month; the first of them are shown.
              </Note>
            )}
            <Grid days={days} month={month} today={today} zone={zone} occurrences={occurrences} />
            <ChosenDay zone={zone} occurrences={occurrences} />
            <Legend occurrences={occurrences} />
            {!isRecorded && (
              <p class="hint">
                Only runs that failed, were late or were passed over are on record. With the option
                transitionLog every run is.
              </p>
            )}
          </div>
        )}
      </Shown>
    </Card>
  );
}

interface GridProps extends Pick<CalendarProps, 'zone'> {
  readonly days: readonly string[];
  readonly month: string;
  readonly today: string;
  readonly occurrences: readonly Occurrence[];
}

const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

function Grid({ days, month, today, zone, occurrences }: GridProps) {
  const byDay = Map.groupBy(occurrences, ({ at }) => dayKey(Date.parse(at), zone));
  return (
    <div class="calendar" role="list" aria-label="Days of the month">
      {WEEKDAYS.map((name) => (
        <div key={name} class="weekday" aria-hidden="true">
          {name}
        </div>
      ))}
      {days.map((day) => {
        const found = byDay.get(day) ?? [];
        const looks = [
          'day',
          !day.startsWith(month) && 'is-out',
          day === today && 'is-today',
          found.length === 0 && 'is-bare',
        ];
        return (
          <div key={day} role="listitem" class={looks.filter(Boolean).join(' ')}>
            <DayHead day={day} zone={zone} count={found.length} />
            <Marks occurrences={found} zone={zone} />
          </div>
        );
      })}
    </div>
  );
}

function DayHead({
  day,
  zone,
  count,
}: {
  readonly day: string;
  readonly zone: string;
  readonly count: number;
}) {
  const number = Number(day.slice(-2));
  const label = new Intl.DateTimeFormat('en-GB', {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    timeZone: 'UTC',
  }).format(Date.parse(day));
  return (
    <div class="row tight">
      {count > MOST_MARKS ? (
        <button
          type="button"
          class="date link"
          aria-label={`${label}: show all ${count}`}
          onClick={() => setParams({ day })}
        >
          {number}
        </button>
      ) : (
        <span class="date">
          <span aria-hidden="true">{number}</span>
          <span class="unseen">{label}</span>
        </span>
      )}
      {changesClock(day, zone) && (
        <span class="quiet" title="The clock is changed on this day">
          <Icon name="clock" label="The clock is changed on this day" />
        </span>
      )}
    </div>
  );
}

function Marks({
  occurrences,
  zone,
}: {
  readonly occurrences: readonly Occurrence[];
  readonly zone: string;
}) {
  if (occurrences.length <= MOST_MARKS) {
    return (
      <div class="marks">
        {occurrences.map((occurrence) => (
          <Mark key={occurrence.at} occurrence={occurrence} zone={zone} />
        ))}
      </div>
    );
  }
  return <MarkCounts occurrences={occurrences} />;
}

/** All times of the day that the URL names. */
function ChosenDay({
  zone,
  occurrences,
}: {
  readonly zone: string;
  readonly occurrences: readonly Occurrence[];
}) {
  const day = params.value.get('day');
  if (day === null) return null;
  const those = occurrences.filter(({ at }) => dayKey(Date.parse(at), zone) === day);
  return (
    <section class="stack tight" aria-label={`All times of ${day}`}>
      <div class="row spread">
        <h3>{day}</h3>
        <Button
          icon="close"
          label="Close this day"
          look="bare"
          onClick={() => setParams({ day: undefined })}
        />
      </div>
      <div class="marks">
        {those.map((occurrence) => (
          <Mark key={occurrence.at} occurrence={occurrence} zone={zone} />
        ))}
      </div>
    </section>
  );
}

function Legend({ occurrences }: { readonly occurrences: readonly Occurrence[] }) {
  const states = [...new Set(occurrences.map(({ state }) => state))];
  return (
    <ul class="legend">
      {states.map((state) => {
        const [icon, word, look] = LOOKS[state];
        return (
          <li key={state} class={`mark-run ${look}`}>
            <Icon name={icon} /> {word}
          </li>
        );
      })}
    </ul>
  );
}
