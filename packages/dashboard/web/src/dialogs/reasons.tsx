import type { ReasonsAnswer } from '../../../src/api/types.ts';
import { apiUrl, type Query } from '../api/client.ts';
import { useResource } from '../api/resource.ts';
import { href } from '../app/router.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Empty, Note, Shown } from '../ui/faces.tsx';
import { number, plural } from '../ui/format.ts';
import { Sentence } from '../ui/sentence.tsx';
import { type Column, Table } from '../ui/table.tsx';

type Row = ReasonsAnswer['reasons'][number];

interface ReasonsDialogProps {
  /** Which jobs are meant. */
  readonly query: Query;
  onClose(): void;
}

/** Why all jobs of a list are where they are: how many for which reason. */
export function ReasonsDialog({ query, onClose }: ReasonsDialogProps) {
  const { orderBy: _, direction: __, cursor: ___, scan: ____, ...filter } = query;
  const answer = useResource<ReasonsAnswer>(apiUrl('reasons', filter));
  return (
    <Dialog title="Why they are where they are" isWide onClose={onClose}>
      <Shown of={answer} rows={4}>
        {({ explained, isComplete, reasons }) =>
          reasons.length === 0 ? (
            <Empty icon="search" title="No job matches" />
          ) : (
            <>
              <p>
                {plural(explained, 'job')} {explained === 1 ? 'was' : 'were'} looked at.
              </p>
              {!isComplete && <Note>There are more jobs than were looked at.</Note>}
              <Table
                label="Reasons"
                columns={COLUMNS}
                rows={reasons}
                rowKey={(row) => row.reason}
              />
            </>
          )
        }
      </Shown>
    </Dialog>
  );
}

const COLUMNS: readonly Column<Row>[] = [
  { head: 'Jobs', class: 'num', cell: ({ count }) => <strong>{number(count)}</strong> },
  {
    ...{ head: 'Reason', leads: true },
    cell: ({ reason, message, count }) => (
      <div class="anywhere">
        <Sentence text={message} />
        <div class="sub">
          {reason}
          {count > 1 && ', said of the first of them'}
        </div>
      </div>
    ),
  },
  {
    ...{ head: 'Example', isUnseen: true },
    cell: ({ jobId }) => (
      <a class="nowrap" href={href(`jobs/${jobId}`)}>
        Show one
      </a>
    ),
  },
];
