import type { NameRow } from '../../../src/api/types.ts';
import { post } from '../api/client.ts';
import { readSnapshot, snapshot } from '../api/live.ts';
import { denied } from '../app/capabilities.ts';
import { params, setParams } from '../app/router.ts';
import { Button } from '../ui/button.tsx';
import { Empty, Loading, Note } from '../ui/faces.tsx';
import { NAME_COLUMNS } from '../ui/name-cells.tsx';
import { Page } from '../ui/page.tsx';
import { type Column, Table } from '../ui/table.tsx';
import { attempt } from '../ui/toast.tsx';

const COLUMNS: readonly Column<NameRow>[] = [
  ...NAME_COLUMNS,
  {
    head: 'Pause or resume',
    isUnseen: true,
    class: 'num',
    cell: (row) => <PauseButton row={row} />,
  },
];

export function Names() {
  const answer = snapshot.value;
  const wanted = params.value.get('q') ?? '';
  const rows = answer?.names.filter(({ name }) =>
    name.toLowerCase().includes(wanted.toLowerCase()),
  );
  return (
    <Page
      title="Names"
      sub="A name is what a worker is registered for. Pausing one holds in every process."
    >
      <div class="row">
        <input
          data-search
          type="text"
          aria-label="Filter names"
          placeholder="Filter names"
          value={wanted}
          onInput={(event) => setParams({ q: event.currentTarget.value }, { replace: true })}
        />
      </div>
      {answer?.namesAreCut && (
        <Note>There are more names with pending jobs; the first 200 are looked at.</Note>
      )}
      <section class="card">
        {!rows ? (
          <Loading />
        ) : rows.length === 0 ? (
          <Empty icon="names" title={wanted === '' ? 'No name is known yet' : 'No name matches'}>
            A name appears with its first job, or with its first worker.
          </Empty>
        ) : (
          <Table label="Names" columns={COLUMNS} rows={rows} rowKey={(row) => row.name} />
        )}
      </section>
    </Page>
  );
}

/** Pauses a name everywhere, or lets it go on. */
export function PauseButton({ row }: { readonly row: Pick<NameRow, 'name' | 'isPaused'> }) {
  const { name, isPaused } = row;
  const toggle = (): void => {
    const done = isPaused ? `${name} goes on` : `${name} is paused; runs that are on go on`;
    void attempt(done, async () => {
      await post(`names/actions/${isPaused ? 'resume' : 'pause'}`, { name });
      await readSnapshot();
    });
  };
  return (
    <Button icon={isPaused ? 'play' : 'pause'} denied={denied('pause', name)} onClick={toggle}>
      {isPaused ? 'Resume' : 'Pause'}
      <span class="unseen"> {name}</span>
    </Button>
  );
}
