/**
 * A process of a measurement, seen from the process that measures.
 *
 * @module
 */
import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Assignment, Report } from './child.ts';

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));
/** A profile is written when a process ends by itself. */
const EXIT_MS = 5_000;
const NODE_OPTIONS = ['--import', 'tsx', '--expose-gc'];

/** Events: `note` with what the process reported. */
export class Agent extends EventEmitter<{ note: [value: Record<string, unknown>] }> {
  readonly #child: ChildProcess;
  #hasAnswered = false;
  /** What the process measured; rejects when it failed or ended without an answer. */
  readonly result: Promise<Record<string, unknown>>;

  constructor(assignment: Assignment) {
    super();
    this.#child = fork(CHILD, [], {
      execArgv: [...NODE_OPTIONS, ...profiling()],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const name = `${assignment.systemId}, ${assignment.role}`;
    this.result = new Promise((resolve, reject) => {
      this.#child.on('message', (report: Report) => {
        if (report.kind === 'note') this.emit('note', report.value);
        else this.#hasAnswered = true;
        if (report.kind === 'result') resolve(report.value);
        if (report.kind === 'failure') reject(new Error(`${name}: ${report.message}`));
      });
      this.#child.once('exit', (code, signal) => {
        reject(new Error(`${name}: ended without an answer (${signal ?? `exit code ${code}`})`));
      });
    });
    // It may fail before anybody waits for it.
    this.result.catch(() => {});
    this.#child.send(assignment);
  }

  /** Says a word to the process. */
  send(word: string): void {
    if (this.#child.connected) this.#child.send(word);
  }

  /** The next thing that the process reports; rejects when it fails before. */
  async nextNote(): Promise<Record<string, unknown>> {
    const failed = this.result.then(() => {
      throw new Error('Expected the process to report something, it ended');
    });
    const [value] = await Promise.race([once(this, 'note'), failed]);
    return value;
  }

  /** Resolves when the process is gone: by itself when it has answered, else at once. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), this.#hasAnswered ? EXIT_MS : 0);
    await exited;
    clearTimeout(timer);
  }
}

/** A profile of every process is written to this folder, when one is named. */
function profiling(): string[] {
  const folder = process.env.BENCHMARK_PROFILE_FOLDER;
  return folder ? ['--cpu-prof', '--cpu-prof-dir', folder] : [];
}
