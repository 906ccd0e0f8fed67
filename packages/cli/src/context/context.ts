/**
 * What every command gets: the output, the settings, the database, the question, and Ctrl-C.
 *
 * @module
 */
import { createInterface } from 'node:readline/promises';
import type { CliCommand } from './command.ts';
import type { Connection, OpenOptions } from './connection.ts';
import { usageError } from './errors.ts';
import { ExitCode } from './exit-codes.ts';
import type { Io } from './io.ts';
import { Output } from './output.ts';
import { type GlobalOptions, readSettings, type Settings } from './settings.ts';

/** What a command does: the answer is its exit code, 0 when it gives none. */
export type Work<Args extends unknown[]> = (
  session: Session,
  ...args: Args
) => Promise<ExitCode | undefined>;

/**
 * Shared by all commands of one run. A command is defined as
 *
 * ```ts
 * program
 *   .command('status')
 *   .description('says whether all is well')
 *   .action(context.runs(async (session) => (await import('../status/status.ts')).status(session)));
 * ```
 *
 * so that what it needs is loaded only when it runs.
 */
export class CliContext {
  readonly io: Io;
  #exitCode: ExitCode = ExitCode.DONE;
  readonly #interruption = new AbortController();
  #isWatching = false;
  #globals: () => GlobalOptions = () => ({});
  readonly #connections: Connection[] = [];

  constructor(io: Io) {
    this.io = io;
  }

  /** What the process ends with. */
  get exitCode(): ExitCode {
    return this.#exitCode;
  }

  /** True when the command that runs sees Ctrl-C itself and comes to a clean end. */
  get isWatching(): boolean {
    return this.#isWatching;
  }

  /** Takes the options of every command from the root of the tree. */
  readFrom(program: CliCommand): void {
    this.#globals = () => program.opts<GlobalOptions>();
  }

  /** The output as it is known so far; for errors too. */
  output(): Output {
    const { json = false, color = true } = this.#globals();
    const { stdout, stderr, env } = this.io;
    return new Output(stdout, stderr, { isJson: json, mayColour: color, env });
  }

  /** Makes the action of a command: its arguments and its options, without what commander adds. */
  runs<Args extends unknown[]>(work: Work<Args>): (...given: unknown[]) => Promise<void> {
    return async (...given) => {
      // The last one is the command itself.
      const args = given.slice(0, -1) as Args;
      this.#exitCode = (await work(this.#session(), ...args)) ?? ExitCode.DONE;
    };
  }

  /** Asks the command to end. */
  interrupt(): void {
    this.#interruption.abort();
  }

  /** Closes what was opened. */
  async close(): Promise<void> {
    await Promise.all(this.#connections.splice(0).map((connection) => connection.close()));
  }

  #session(): Session {
    const { io } = this;
    const watch = (): AbortSignal => {
      this.#isWatching = true;
      return this.#interruption.signal;
    };
    const settings = (): Promise<Settings> => readSettings(this.#globals(), io);
    return {
      io,
      output: this.output(),
      settings,
      open: (options) => this.#open(settings, options),
      watchInterrupt: watch,
      confirm: (question) => confirm(io, question),
    };
  }

  async #open(settings: () => Promise<Settings>, options?: OpenOptions): Promise<Connection> {
    const { openConnection } = await import('./connection.ts');
    const connection = await openConnection(await settings(), options);
    this.#connections.push(connection);
    return connection;
  }
}

/** What one command that runs works with. */
export interface Session {
  readonly io: Io;
  readonly output: Output;
  /** The address, the collection and the actor. */
  settings(): Promise<Settings>;
  /** Opens the database; it is closed when the command is over. */
  open(options?: OpenOptions): Promise<Connection>;
  /**
   * For work that takes long: a signal that aborts on Ctrl-C or SIGTERM. Who asks for it ends by itself, says what was
   * done, and answers {@link ExitCode.INTERRUPTED}. Commands that do not ask are ended.
   */
  watchInterrupt(): AbortSignal;
  /**
   * Asks a question on the terminal.
   *
   * @throws CliError where nobody can answer
   */
  confirm(question: string): Promise<boolean>;
}

async function confirm({ stdin, stderr }: Io, question: string): Promise<boolean> {
  if (!stdin.isTTY) throw usageError(`${question} Nobody can answer here: give --yes`);
  const asking = createInterface({ input: stdin, output: stderr });
  try {
    const answer = await asking.question(`${question} [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    asking.close();
  }
}
