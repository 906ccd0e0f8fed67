/**
 * Programs that are run in one process: to start one and to load the library takes longer than what most of them do.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runNode } from '../package/built.ts';

/** What a program did. */
export interface Outcome {
  /** The path of the program. */
  readonly program: string;
  readonly stdout: string;
  readonly stderr: string;
  /** What it threw, and how else it came to no good end. */
  readonly faults: readonly string[];
}

const RUNNER = join(import.meta.dirname, 'run-programs.mjs');

/**
 * Runs programs one after the other, each from where the one before it ended by itself, and captures what each of them
 * prints. They share the modules that they import.
 *
 * @param programs - their paths, no two the same
 * @returns what the program of a path did
 */
export async function runPrograms(
  programs: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<(program: string) => Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'monque-programs-'));
  const file = join(folder, 'outcomes');
  await writeFile(file, '');
  try {
    // Its own lines on warnings are not needed: each program has its warnings among what it printed.
    const rest = await runNode(['--no-warnings', RUNNER, file, ...programs], options).then(
      ({ stdout, stderr }) => stdout + stderr,
      (error: Error) => error.message,
    );
    const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
    const outcomes = lines.map((line): Outcome => JSON.parse(line));
    return (program) => {
      const outcome = outcomes.find((one) => one.program === program);
      const { stdout = '', stderr = '', faults = ['It did not come to its end'] } = outcome ?? {};
      // Whatever passed by the streams of the process, or ended it, may be of any of them.
      return { program, stdout, stderr, faults: rest === '' ? faults : [...faults, rest] };
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}
