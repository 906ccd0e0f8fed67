import type { ComponentChildren } from 'preact';

export interface Column<Row> {
  readonly head: string;
  /** The head for those who do not see it, where it is an icon or nothing. */
  readonly isUnseen?: boolean;
  readonly class?: string;
  /** The cell that names the row: it comes first in a narrow window, without its head. */
  readonly leads?: boolean;
  cell(row: Row): ComponentChildren;
}

interface TableProps<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  rowKey(row: Row): string;
  rowClass?(row: Row): string | undefined;
}

/**
 * A table; in a narrow window each row becomes a few lines. The roles are said, because browsers take them away from
 * tables that are not laid out as such.
 */
export function Table<Row>({ label, columns, rows, rowKey, rowClass }: TableProps<Row>) {
  return (
    <section class="table-wrap" aria-label={label} tabIndex={0}>
      <table class="stacks" role="table" aria-label={label}>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <th key={column.head} role="columnheader" scope="col" class={column.class}>
                {column.isUnseen ? <span class="unseen">{column.head}</span> : column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={rowKey(row)} role="row" class={rowClass?.(row)}>
              {columns.map((column) => (
                <Cell key={column.head} column={column} row={row} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Cell<Row>({ column, row }: { readonly column: Column<Row>; readonly row: Row }) {
  const content = column.cell(row);
  const isEmpty = content === undefined || content === null || content === false || content === '';
  const classes = [column.class, column.leads && 'leads', isEmpty && 'is-empty'];
  return (
    <td
      role="cell"
      class={classes.filter(Boolean).join(' ') || undefined}
      {...(!column.isUnseen && { 'data-label': column.head })}
    >
      {content}
    </td>
  );
}
