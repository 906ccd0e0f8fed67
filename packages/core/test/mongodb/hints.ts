import type { LedgerHint } from '../../src/ledger/ledger-repository.ts';
import { until } from '../setup/until.ts';

type Kind = LedgerHint['kind'];

/** Hears the hints of a watch. */
export class Hints {
  readonly #heard: LedgerHint[] = [];

  readonly hear = (hint: LedgerHint): void => {
    this.#heard.push(hint);
  };

  get kinds(): Kind[] {
    return this.#heard.map(({ kind }) => kind);
  }

  count(kind: Kind): number {
    return this.kinds.filter((other) => other === kind).length;
  }

  /** Waits for the hint of this kind that is the `nth` of its kind, from 1, and returns it. */
  async nth<K extends Kind>(kind: K, nth = 1): Promise<Extract<LedgerHint, { kind: K }>> {
    return until(`hint ${nth} of the kind ${kind}`, () => {
      const alike = this.#heard.filter((hint) => hint.kind === kind);
      return alike[nth - 1] as Extract<LedgerHint, { kind: K }> | undefined;
    });
  }
}
