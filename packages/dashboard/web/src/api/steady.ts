import { useMemo, useRef, useState } from 'preact/hooks';

interface Steady<Row> {
  /** The rows as they were shown first, with what they are now. */
  readonly rows: readonly Row[];
  /** Those that do not belong to the list any more. */
  readonly gone: ReadonlySet<string>;
  /** How many belong to it and are not shown. */
  readonly fresh: number;
  /** Shows the list as it is now. */
  renew(): void;
}

/**
 * Keeps a list that is read again and again from jumping: rows stay in their places, take on what changed, and new ones
 * come when the viewer asks.
 */
export function useSteady<Row extends { readonly id: string }>(
  list: string,
  rows: readonly Row[] | undefined,
): Steady<Row> {
  const shown = useRef<{ list: string; rows: readonly Row[] }>();
  const [, setCount] = useState(0);
  return useMemo(() => {
    const before = shown.current;
    if (rows === undefined) return { rows: [], gone: new Set<string>(), fresh: 0, renew: () => {} };
    const newest = new Map(rows.map((row) => [row.id, row]));
    const isNew = before === undefined || before.list !== list || before.rows.length === 0;
    const kept = isNew ? rows : before.rows.map((row) => newest.get(row.id) ?? row);
    shown.current = { list, rows: kept };
    const ids = new Set(kept.map(({ id }) => id));
    const fresh = rows.filter(({ id }) => !ids.has(id)).length;
    // What new rows have pushed beyond the end of the page has not left the list.
    const lastKept = kept.findLastIndex(({ id }) => newest.has(id));
    const isPushed = (index: number): boolean =>
      index > lastKept && kept.length - 1 - index < fresh;
    return {
      rows: kept,
      gone: new Set(
        kept.filter(({ id }, index) => !newest.has(id) && !isPushed(index)).map(({ id }) => id),
      ),
      fresh,
      renew: () => {
        shown.current = { list, rows };
        setCount((count) => count + 1);
      },
    };
  }, [list, rows, shown.current?.rows === rows]);
}
