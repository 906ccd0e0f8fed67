/**
 * Where data goes, and where words for people go.
 *
 * What always holds: stdout gets data alone, as lines of JSON with `--json`; all else goes to stderr. Colours appear only
 * on a terminal, and never with `NO_COLOR`.
 *
 * @module
 */
import { createColors } from 'picocolors';
import type { Sink } from './io.ts';
import { Progress } from './progress.ts';
import { type Column, tableLines } from './table.ts';

/** Functions that colour a text, or leave it as it is. */
export type Colours = ReturnType<typeof createColors>;

/** What an output is made of. */
export interface OutputSettings {
  readonly isJson: boolean;
  /** False with `--no-color`. */
  readonly mayColour: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The output of one command. */
export class Output {
  /** True with `--json`: data is one line of JSON a record. */
  readonly isJson: boolean;
  /** Colours for what goes to stdout. */
  readonly colours: Colours;
  /** Colours for what goes to stderr. */
  readonly noteColours: Colours;
  readonly #stdout: Sink;
  readonly #stderr: Sink;

  constructor(stdout: Sink, stderr: Sink, { isJson, mayColour, env }: OutputSettings) {
    this.isJson = isJson;
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.colours = createColors(mayColour && hasColours(stdout, env));
    this.noteColours = createColors(mayColour && hasColours(stderr, env));
  }

  /** The width of the terminal behind stdout; unbounded in a pipe. */
  get width(): number {
    return this.#stdout.isTTY ? this.#stdout.columns || 80 : Number.POSITIVE_INFINITY;
  }

  /** True when people look at stderr, so that progress is worth showing. */
  get isWatched(): boolean {
    return this.#stderr.isTTY === true;
  }

  /** Writes a line of data as it is. Resolves when more may be written. */
  async line(text: string): Promise<void> {
    if (this.#stdout.write(`${text}\n`) || this.#stdout.destroyed) return;
    await new Promise<void>((resolve) => {
      this.#stdout.once('drain', resolve);
      this.#stdout.once('close', resolve);
    });
  }

  /** Writes one record: as a line of JSON, or as people read it. */
  async record(value: object, text: () => string): Promise<void> {
    await this.line(this.isJson ? JSON.stringify(value) : text());
  }

  /** Writes records: as lines of JSON, or as a table. */
  async table<T extends object>(rows: readonly T[], columns: readonly Column<T>[]): Promise<void> {
    if (this.isJson) {
      for (const row of rows) await this.line(JSON.stringify(row));
      return;
    }
    if (rows.length === 0) return;
    const lines = tableLines(rows, columns, { width: this.width, colours: this.colours });
    for (const line of lines) await this.line(line);
  }

  /** Says something to people that is no data. */
  note(text: string): void {
    this.#stderr.write(`${text}\n`);
  }

  /** Says what went wrong. */
  fault(message: string): void {
    this.note(`${this.noteColours.red('monque:')} ${message}`);
  }

  /** Shows how far long work is: on a terminal alone. */
  progress(label: string, total?: number): Progress {
    return new Progress(this.isWatched ? this.#stderr : undefined, label, total);
  }
}

function hasColours(
  sink: Sink,
  { NO_COLOR, FORCE_COLOR, TERM }: Readonly<Record<string, string | undefined>>,
): boolean {
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== '0';
  return sink.isTTY === true && TERM !== 'dumb';
}
