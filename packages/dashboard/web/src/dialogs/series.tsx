import { useEffect, useState } from 'preact/hooks';
import type {
  CronAnswer,
  Ejson,
  SeriesAnswer,
  SeriesRequest,
  SeriesRow,
} from '../../../src/api/types.ts';
import { apiUrl, call, get, ProblemError } from '../api/client.ts';
import { go, href } from '../app/router.ts';
import { knownNames } from '../pages/jobs-query.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Note } from '../ui/faces.tsx';
import { Field, JsonField, readJson, TextField } from '../ui/fields.tsx';
import { Time } from '../ui/time.tsx';
import { say } from '../ui/toast.tsx';

const PREVIEW_MS = 300;

interface SeriesDialogProps {
  /** The one that is changed; without it a new one is made. */
  readonly series?: SeriesRow;
  /** Options of its runs that the row does not have. */
  readonly options?: Pick<SeriesRequest, 'priority' | 'maxRetries' | 'timeout'>;
  onClose(): void;
  onDone(): void;
}

const ZONES = Intl.supportedValuesOf('timeZone');

/** Makes or changes a series, and shows what the expression means before it is used. */
export function SeriesDialog({ series, options = {}, onClose, onDone }: SeriesDialogProps) {
  const [name, setName] = useState(series?.name ?? '');
  const [key, setKey] = useState(series?.uniqueKey ?? '');
  const [cron, setCron] = useState(series?.cron ?? '0 3 * * *');
  const [timezone, setTimezone] = useState(
    series?.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
  );
  const [missed, setMissed] = useState<SeriesRow['missed']>(series?.missed ?? 'once');
  const [data, setData] = useState(textOf(series?.data));
  const save = async (): Promise<void> => {
    const body = readJson('The data', data);
    const request: SeriesRequest = {
      ...{ name, cron, timezone, missed, ...options },
      ...(key !== '' && { uniqueKey: key }),
      ...(series?.startAt && { startAt: series.startAt }),
      ...(series?.endAt && { endAt: series.endAt }),
      ...(body !== undefined && { data: body }),
      ...(series?.metadata !== undefined && { metadata: series.metadata }),
    };
    const answer = await call<SeriesAnswer>('PUT', apiUrl('series'), { body: request });
    say(series ? 'The series was changed' : 'The series was made');
    if (series) onDone();
    else go(href(`series/${answer.series.id}`));
  };
  return (
    <Dialog
      title={series ? 'Change the series' : 'Make a series'}
      isWide
      onClose={onClose}
      action={{ label: series ? 'Change it' : 'Make it', run: save }}
    >
      {series ? (
        <Note kind="warns">
          When a process that calls schedule() for this series starts again, what that call says
          holds again.
        </Note>
      ) : (
        <div class="halves">
          <TextField label="Name" value={name} list={knownNames()} onInput={setName} />
          <TextField
            label="Key"
            value={key}
            hint="Sets it apart from other series of the name; empty: the plan"
            onInput={setKey}
          />
        </div>
      )}
      <div class="halves">
        <TextField
          label="Cron expression"
          value={cron}
          hint="5 fields; 6 with seconds; @daily and its like; or every 5 minutes"
          onInput={setCron}
        />
        <TextField label="Time zone" value={timezone} list={ZONES} onInput={setTimezone} />
      </div>
      <CronPreview cron={cron} timezone={timezone} />
      <Field label="Times that passed while nobody could run them">
        {(ties) => (
          <select
            {...ties}
            value={missed}
            onChange={(event) => setMissed(event.currentTarget.value as SeriesRow['missed'])}
          >
            <option value="once">run once for all of them</option>
            <option value="skip">are passed over</option>
            <option value="all">run each, at most the last 100</option>
          </select>
        )}
      </Field>
      <JsonField label="Data of each run" value={data} onInput={setData} />
    </Dialog>
  );
}

function CronPreview({ cron, timezone }: { readonly cron: string; readonly timezone: string }) {
  const [meaning, setMeaning] = useState<CronAnswer | ProblemError>();
  useEffect(() => {
    const control = new AbortController();
    const ask = (): void => {
      get<CronAnswer>('cron', { expression: cron, timezone }, control.signal).then(
        setMeaning,
        (error) => {
          if (error instanceof ProblemError) setMeaning(error);
        },
      );
    };
    const timer = setTimeout(ask, PREVIEW_MS);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [cron, timezone]);
  if (meaning instanceof ProblemError) {
    const { position } = meaning.problem;
    return (
      <Note kind="warns">
        {meaning.problem.detail}
        {position !== undefined && (
          <div class="mono">
            {cron.slice(0, position)}
            <strong>▸{cron.slice(position)}</strong>
          </div>
        )}
      </Note>
    );
  }
  if (!meaning) return <p class="hint">…</p>;
  return (
    <div class="note" role="status">
      <div>
        <strong>{meaning.inWords ?? meaning.expression}</strong>
        <ul>
          {meaning.next.slice(0, 5).map((at) => (
            <li key={at}>
              <Time at={at} as="full" zone={timezone} />
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

function textOf(value: Ejson | undefined): string {
  return value === undefined ? '' : JSON.stringify(value, null, 2);
}
