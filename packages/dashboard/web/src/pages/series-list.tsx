import { useState } from 'preact/hooks';
import type { SeriesListAnswer, SeriesRow } from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { useResource } from '../api/resource.ts';
import { denied } from '../app/capabilities.ts';
import { href, params, setParams } from '../app/router.ts';
import { SeriesDialog } from '../dialogs/series.tsx';
import { Button } from '../ui/button.tsx';
import { Empty, Note, Shown } from '../ui/faces.tsx';
import { Page } from '../ui/page.tsx';
import { State } from '../ui/state.tsx';
import { type Column, Table } from '../ui/table.tsx';
import { Time } from '../ui/time.tsx';

export function SeriesList() {
  const answer = useResource<SeriesListAnswer>(apiUrl('series'), { live: true });
  const [isNew, setNew] = useState(false);
  const wanted = (params.value.get('q') ?? '').toLowerCase();
  return (
    <Page
      title="Series"
      sub="Jobs that run again and again by a cron expression."
      actions={
        <Button icon="plus" denied={denied('schedule')} onClick={() => setNew(true)}>
          Make a series
        </Button>
      }
    >
      <div class="row">
        <input
          data-search
          type="text"
          aria-label="Filter series by name or key"
          placeholder="Filter by name or key"
          value={wanted}
          onInput={(event) => setParams({ q: event.currentTarget.value }, { replace: true })}
        />
      </div>
      <section class="card">
        <Shown of={answer}>
          {({ series, isCut }) => {
            const rows = series.filter(({ name, uniqueKey }) =>
              `${name} ${uniqueKey}`.toLowerCase().includes(wanted),
            );
            if (rows.length === 0) {
              return (
                <Empty
                  icon="series"
                  title={wanted === '' ? 'There is no series yet' : 'No series matches'}
                >
                  A program makes one by schedule(), or you do with the button above.
                </Empty>
              );
            }
            return (
              <>
                {isCut && <Note>There are more series than are shown.</Note>}
                <Table label="Series" columns={COLUMNS} rows={rows} rowKey={({ id }) => id} />
              </>
            );
          }}
        </Shown>
      </section>
      {isNew && <SeriesDialog onClose={() => setNew(false)} onDone={() => void answer.reload()} />}
    </Page>
  );
}

const COLUMNS: readonly Column<SeriesRow>[] = [
  {
    ...{ head: 'Series', leads: true, class: 'fill2' },
    cell: ({ id, name, uniqueKey, cron }) => (
      <div class="cut">
        <a href={href(`series/${id}`)}>
          <strong>{name}</strong>
        </a>
        {uniqueKey !== cron && uniqueKey !== name && <div class="sub cut">{uniqueKey}</div>}
      </div>
    ),
  },
  {
    ...{ head: 'Runs', class: 'fill2' },
    cell: ({ cron, inWords, timezone }) => (
      <div class="cut">
        {inWords ?? <span class="mono">{cron}</span>}
        <div class="sub">
          {inWords && <span class="mono nowrap">{cron}</span>} {timezone}
        </div>
      </div>
    ),
  },
  { head: 'State', cell: ({ status }) => <State status={status} /> },
  { head: 'Missed times', cell: ({ missed }) => MISSED[missed] },
  {
    head: 'Next',
    class: 'num',
    cell: ({ status, nextRunAt }) =>
      status === 'processing' ? 'runs now' : <Time at={nextRunAt} />,
  },
];

export const MISSED = { skip: 'passed over', once: 'run once', all: 'run each' } as const;
