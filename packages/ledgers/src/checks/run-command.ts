/**
 * Runs a command of the shell to its end or its time limit, and keeps the last part of what it printed.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { type Clock, systemClock } from '@monque/core';

/** How a command ended. */
export interface CommandEnd {
  /** Absent when it was ended by a signal, or never started. */
  readonly exitCode?: number;
  /** Why it did not end by itself. */
  readonly fault?: string;
  readonly durationMs: number;
  /** The last part of what it printed to both outputs, as it was printed. */
  readonly output: string;
  /** True when the first part of what it printed is not in `output`. */
  readonly isCut: boolean;
}

/** What {@link runCommand} is given. */
export interface CommandOptions {
  readonly directory: string;
  readonly timeoutMs: number;
  /** How many bytes of output are kept at most. */
  readonly outputBytes: number;
  /** Ends the command when it aborts. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

/** Runs a command. Never rejects: a command that cannot be started has a fault. */
export function runCommand(command: string, options: CommandOptions): Promise<CommandEnd> {
  const { directory, timeoutMs, outputBytes, signal, clock = systemClock } = options;
  const startedMs = clock.monotonic();
  const tail = new Tail(outputBytes);
  return new Promise((resolve) => {
    let fault: string | undefined;
    // In a group of its own, so that what the shell has started ends with it.
    const child = spawn(command, {
      shell: true,
      cwd: directory,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const endIt = (why: string): void => {
      fault ??= why;
      killGroup(child);
      // What left the group may hold them open for ever.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const timer = clock.setTimer(
      () => endIt(`ended after its limit of ${timeoutMs / 1000} s`),
      timeoutMs,
    );
    const onAbort = (): void => endIt('ended because the run was stopped');
    if (signal?.aborted === true) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    const finish = (exitCode: number | null): void => {
      timer.cancel();
      signal?.removeEventListener('abort', onAbort);
      const durationMs = Math.round(clock.monotonic() - startedMs);
      resolve({
        ...(exitCode !== null && fault === undefined && { exitCode }),
        ...(fault !== undefined && { fault }),
        ...{ durationMs, output: tail.text(), isCut: tail.isCut },
      });
    };
    child.stdout.on('data', (chunk: Buffer) => tail.add(chunk));
    child.stderr.on('data', (chunk: Buffer) => tail.add(chunk));
    child.once('error', (error) => {
      fault ??= `could not be started: ${error.message}`;
      finish(null);
    });
    child.once('close', (code, endedBy) => {
      if (endedBy !== null) fault ??= `ended by ${endedBy}`;
      finish(code);
    });
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
    child.kill('SIGKILL');
  }
}

/** The last bytes of a stream, in memory that is bounded. */
class Tail {
  readonly #most: number;
  readonly #chunks: Buffer[] = [];
  #length = 0;
  isCut = false;

  constructor(most: number) {
    this.#most = most;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    let [first] = this.#chunks;
    while (first && this.#length - first.length >= this.#most) {
      this.#length -= first.length;
      this.isCut = true;
      this.#chunks.shift();
      [first] = this.#chunks;
    }
  }

  text(): string {
    const all = Buffer.concat(this.#chunks);
    if (all.length > this.#most) this.isCut = true;
    return all.subarray(Math.max(0, all.length - this.#most)).toString('utf8');
  }
}
