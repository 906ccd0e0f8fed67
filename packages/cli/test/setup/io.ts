/**
 * `monque` within the process of the test, with streams that keep what is written.
 */
import { PassThrough, Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { within } from '../../../core/test/setup/until.ts';
import type { ExitCode } from '../../src/context/exit-codes.ts';
import type { Io } from '../../src/context/io.ts';
import { run } from '../../src/run.ts';

/** Less than a test has. */
const PATIENCE_MS = 12_000;

/** Keeps what is written. */
export class Capture extends Writable {
  text = '';
  isTTY = false;
  columns = 80;
  rows = 24;
  #onWrite: () => void = () => undefined;

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.text += chunk;
    done();
    this.#onWrite();
  }

  /** Resolves when the text, without control characters, holds this one; else says in time what it holds. */
  async until(wanted: string): Promise<void> {
    const holds = new Promise<void>((resolve) => {
      this.#onWrite = () => {
        if (stripVTControlCharacters(this.text).includes(wanted)) resolve();
      };
    });
    this.#onWrite();
    try {
      await within(`'${wanted}'`, holds, PATIENCE_MS);
    } catch (cause) {
      throw new Error(`There is: ${stripVTControlCharacters(this.text)}`, { cause });
    } finally {
      this.#onWrite = () => undefined;
    }
  }
}

/** A terminal's or a pipe's end that tests write into. */
export class FakeInput extends PassThrough {
  isTTY = false;
  readonly modes: boolean[] = [];

  setRawMode(isRaw: boolean): void {
    this.modes.push(isRaw);
  }
}

/** A fake process. */
export interface FakeIo extends Io {
  readonly stdout: Capture;
  readonly stderr: Capture;
  readonly stdin: FakeInput;
  /** Ctrl-C. */
  readonly interrupt: () => void;
  /** The end of the process, such as by a fault. */
  readonly exit: () => void;
}

/** What is different from a process in a pipe without an environment. */
export interface FakeOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  readonly isTerminal?: boolean;
  readonly now?: () => Date;
}

export function fakeIo(options: FakeOptions = {}): FakeIo {
  const { env = {}, cwd = '/', input, isTerminal = false, now = () => new Date() } = options;
  const [stdout, stderr, stdin] = [new Capture(), new Capture(), new FakeInput()];
  for (const stream of [stdout, stderr, stdin]) stream.isTTY = isTerminal;
  if (input !== undefined) stdin.end(input);
  const interrupts = new Set<() => void>();
  const exits = new Set<() => void>();
  const keeping = (listeners: Set<() => void>) => (listener: () => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  return {
    ...{ stdout, stderr, stdin, env, cwd, now },
    user: () => 'tester',
    onInterrupt: keeping(interrupts),
    onExit: keeping(exits),
    interrupt: () => {
      for (const listener of interrupts) listener();
    },
    exit: () => {
      for (const listener of exits) listener();
    },
  };
}

/** What a command line did. */
export interface Ran {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
  /** The lines of stdout as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into records of every form
  readonly records: any[];
}

/** Runs one command line to its end. */
export async function runIn(io: FakeIo, ...argv: string[]): Promise<Ran> {
  const code = await run(argv, io);
  const out = io.stdout.text;
  const isJson = argv.includes('--json');
  const lines = isJson ? out.split('\n').filter((line) => line !== '') : [];
  return { code, out, err: io.stderr.text, records: lines.map((line) => JSON.parse(line)) };
}

/** A function that runs command lines on one database, in a pipe. */
export function runner(uri: string, options: FakeOptions = {}) {
  return (...argv: string[]): Promise<Ran> =>
    runIn(fakeIo({ ...options, env: { MONQUE_URI: uri, ...options.env } }), ...argv);
}
