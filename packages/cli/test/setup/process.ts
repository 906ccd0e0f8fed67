/**
 * `monque` as a process of its own, from the built package: in a pipe, or on a pseudo terminal.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureBuilt, ensurePackageBuilt, ROOT } from '../../../core/test/package/built.ts';

export const CLI: string = join(ROOT, 'packages/cli');
export const PROGRAM: string = join(CLI, 'bin/monque.mjs');

/** Builds what the program needs, unless that was done. */
export async function ensureCliBuilt(): Promise<void> {
  await ensureBuilt();
  await ensurePackageBuilt(join(ROOT, 'packages/dashboard'), ['index.mjs', 'node.mjs']);
  await ensurePackageBuilt(CLI, ['index.mjs', 'index.cjs', 'index.d.mts', 'index.d.cts']);
}

/** What a process did. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Written to stdin; without it, stdin is closed in a pipe, and silent on a terminal. */
  readonly input?: string;
}

/** The environment of a test says nothing of colours. */
const { FORCE_COLOR: _, NO_COLOR: __, ...ENV } = process.env;

/** Python's own module gives a terminal on every platform that the tests run on. */
const PTY = 'import pty,sys,os; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';

/** Starts the program in a pipe. */
export function start(argv: readonly string[], { env, cwd }: StartOptions = {}): ChildProcess {
  return spawn(process.execPath, [PROGRAM, ...argv], { env: { ...ENV, ...env }, cwd });
}

/** Runs the program in a pipe. */
export function runPiped(argv: readonly string[], options: StartOptions = {}): Promise<Ended> {
  const child = start(argv, options);
  child.stdin?.end(options.input ?? '');
  return ended(child);
}

/** Runs the program on a pseudo terminal, where stdout and stderr are one. */
export function runOnTerminal(argv: readonly string[], options: StartOptions = {}): Promise<Ended> {
  const { env, cwd, input } = options;
  const child = spawn('python3', ['-c', PTY, process.execPath, PROGRAM, ...argv], {
    env: { ...ENV, TERM: 'xterm-256color', ...env },
    cwd,
  });
  // The terminal keeps it until it is read.
  if (input !== undefined) child.stdin.write(input);
  return ended(child);
}

/** Waits for the end of a process, with what it printed. */
export async function ended(child: ChildProcess): Promise<Ended> {
  let [out, err] = ['', ''];
  child.stdout?.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    err += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out, err };
}
