/**
 * A whole terminal: entered, drawn line by line, and given back as it was.
 *
 * What always holds: `leave` gives it back however often it is called, and the end of the process calls it.
 *
 * @module
 */
import type { Io } from '../context/io.ts';

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[2J';
const LEAVE = '\u001b[?25h\u001b[?1049l';

/** Draws on the terminal behind stdout. */
export class Screen {
  readonly #io: Io;
  #drawn: readonly string[] = [];
  #release: (() => void) | undefined;

  constructor(io: Io) {
    this.#io = io;
  }

  get columns(): number {
    return this.#io.stdout.columns || 80;
  }

  get rows(): number {
    return this.#io.stdout.rows || 24;
  }

  enter(): void {
    const { stdin, stdout, onExit } = this.#io;
    this.#release = onExit(() => this.leave());
    stdin.setRawMode?.(true);
    stdin.resume();
    stdout.write(ENTER);
  }

  leave(): void {
    if (this.#release === undefined) return;
    this.#release();
    this.#release = undefined;
    const { stdin, stdout } = this.#io;
    stdin.setRawMode?.(false);
    stdin.pause();
    stdout.write(LEAVE);
  }

  /** Forgets what was drawn, as after a change of size. */
  clear(): void {
    this.#drawn = [];
    this.#io.stdout.write('\u001b[2J');
  }

  /** Draws the lines that are not there yet. */
  draw(lines: readonly string[]): void {
    const changed = lines.flatMap((line, row) =>
      line === this.#drawn[row] ? [] : [`\u001b[${row + 1};1H${line}\u001b[K`],
    );
    this.#drawn = lines;
    if (changed.length > 0) this.#io.stdout.write(changed.join(''));
  }
}
