/**
 * How far long work is, on a terminal.
 *
 * @module
 */
import type { Sink } from './io.ts';

const BAR_WIDTH = 24;
const CLEAR_LINE = '\r\u001b[2K';

/** One line that is drawn over itself; nothing at all without a terminal. */
export class Progress {
  readonly #sink: Sink | undefined;
  readonly #label: string;
  readonly #total: number | undefined;
  #isShown = false;

  constructor(sink: Sink | undefined, label: string, total?: number) {
    this.#sink = sink;
    this.#label = label;
    this.#total = total;
  }

  /** Shows that so much is done. */
  update(done: number, what = ''): void {
    this.#isShown = true;
    const end = what === '' ? '' : `, ${what}`;
    this.#sink?.write(`${CLEAR_LINE}${this.#label} ${this.#measure(done)}${end}`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#isShown) this.#sink?.write(CLEAR_LINE);
    this.#isShown = false;
  }

  #measure(done: number): string {
    if (this.#total === undefined || this.#total === 0) return `${done}`;
    const share = Math.min(1, done / this.#total);
    const filled = Math.round(share * BAR_WIDTH);
    const bar = `${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}`;
    return `[${bar}] ${done} of ${this.#total}`;
  }
}
