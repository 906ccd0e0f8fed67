/**
 * What a command has of the process that it runs in, so that tests can give it something else.
 *
 * @module
 */
import { userInfo } from 'node:os';
import type { Readable, Writable } from 'node:stream';

/** Where text goes, with what is known of the terminal behind it. */
export type Sink = Writable & {
  /** True on a terminal. */
  readonly isTTY?: boolean;
  /** The width of the terminal in characters. */
  readonly columns?: number;
  /** The height of the terminal in lines. */
  readonly rows?: number;
};

/** Where keys and answers come from. */
export type Source = Readable & {
  /** True on a terminal. */
  readonly isTTY?: boolean;
  /** Gives each key at once instead of each line. */
  setRawMode?(isRaw: boolean): unknown;
};

/** The process, as commands see it. */
export interface Io {
  /** Takes data, and nothing else. */
  readonly stdout: Sink;
  /** Takes what people read: notes, progress, questions, errors. */
  readonly stderr: Sink;
  readonly stdin: Source;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder that paths are relative to. */
  readonly cwd: string;
  /** The clock of this machine. */
  readonly now: () => Date;
  /** Who is asked to name the actor when nobody did. */
  readonly user: () => string;
  /** Calls the listener when the process ends, however it does, until the answer is called. */
  readonly onExit: (listener: () => void) => () => void;
  /** Calls the listener for Ctrl-C, SIGTERM and a terminal that goes away until the answer is called. */
  readonly onInterrupt: (listener: () => void) => () => void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A container may run as a user that has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'cli';
  }
}

/** This process. */
export function processIo(): Io {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    env: process.env,
    cwd: process.cwd(),
    now: () => new Date(),
    user: userName,
    onExit: (listener) => {
      process.on('exit', listener);
      return () => process.off('exit', listener);
    },
    onInterrupt: (listener) => {
      for (const signal of SIGNALS) process.on(signal, listener);
      return () => {
        for (const signal of SIGNALS) process.off(signal, listener);
      };
    },
  };
}
