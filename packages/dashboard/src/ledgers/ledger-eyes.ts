/**
 * The texts of work ledgers as one actor sees them.
 *
 * What always holds: every text of a record that somebody wrote, or a check printed, goes through {@link RecordEyes}.
 *
 * @module
 */
import type { HistoryEntryOfRecord } from '../api/types.ts';
import { timeOf } from '../clock.ts';
import type { AnyRecord } from '../options-of-ledgers.ts';
import type { Eyes } from '../server/redaction.ts';

/** How one actor sees one record. */
export class RecordEyes {
  readonly #eyes: Eyes;
  readonly #owner: { readonly _id: string; readonly name: 'verification' | 'coordination' };

  constructor(eyes: Eyes, name: 'verification' | 'coordination', id: string) {
    this.#eyes = eyes;
    this.#owner = { _id: id, name };
  }

  /** A text as it may be seen. */
  text(text: string): string {
    const { redaction, actor } = this.#eyes;
    return redaction.text(text, 'ledger', this.#owner, actor);
  }

  /** Texts as they may be seen. */
  texts(texts: readonly string[]): string[] {
    return texts.map((text) => this.text(text));
  }

  /** Those of the texts that there are. */
  given<Name extends string>(
    texts: Readonly<Record<Name, string | undefined>>,
  ): { [K in Name]?: string } {
    const out: { [K in Name]?: string } = {};
    for (const name in texts) {
      const text = texts[name];
      if (text !== undefined) out[name] = this.text(text);
    }
    return out;
  }

  /** What happened to the record. */
  history({ history }: AnyRecord<string>): HistoryEntryOfRecord[] {
    return history.map(({ verb, at, from, to, run, actor, reason }) => ({
      verb,
      ...times({ at }),
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      ...(run !== undefined && { run }),
      ...this.given({ actor, reason }),
    }));
  }
}

/** Those of the times that there are. */
export function times<Name extends string>(
  given: Readonly<Record<Name, Date | undefined>>,
): { [K in Name]?: string } {
  const out: { [K in Name]?: string } = {};
  for (const name in given) {
    const time = given[name];
    if (time !== undefined) out[name] = timeOf(time);
  }
  return out;
}
