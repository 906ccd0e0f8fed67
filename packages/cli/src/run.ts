/**
 * Runs one command line. Never throws: what goes wrong is a line on stderr and an exit code.
 *
 * @module
 */
import { CommanderError } from 'commander';
import { CliContext } from './context/context.ts';
import { faultOf } from './context/errors.ts';
import { ExitCode } from './context/exit-codes.ts';
import type { Io } from './context/io.ts';
import { buildProgram } from './program.ts';

/**
 * Runs `monque`.
 *
 * @param argv - what stands behind the name of the program
 * @returns the exit code
 */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  const context = new CliContext(io);
  const releases: (() => void)[] = [];
  const interrupted = new Promise<ExitCode>((resolve) => {
    let interrupts = 0;
    const release = io.onInterrupt(() => {
      interrupts += 1;
      context.interrupt();
      if (!context.isWatching || interrupts > 1) resolve(ExitCode.INTERRUPTED);
    });
    releases.push(release);
    // Who reads no further, as `head` does, has what it wants. What changes jobs says how far it came.
    const gone = (): void => {
      context.interrupt();
      if (!context.isWatching) resolve(ExitCode.DONE);
    };
    io.stdout.on('error', gone);
    releases.push(() => void io.stdout.off('error', gone));
  });
  try {
    return await Promise.race([work(argv, context), interrupted]);
  } finally {
    for (const release of releases) release();
    await context.close();
  }
}

async function work(argv: readonly string[], context: CliContext): Promise<ExitCode> {
  const program = buildProgram(context);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return context.exitCode;
  } catch (error) {
    // Commander has shown it already, be it help or what was wrong.
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? ExitCode.DONE : ExitCode.USAGE;
    return reportError(error, context);
  }
}

function reportError(error: unknown, context: CliContext): ExitCode {
  const { exitCode, message } = faultOf(error);
  const output = context.output();
  output.fault(message);
  if (context.io.env.MONQUE_DEBUG && error instanceof Error) output.note(String(error.stack));
  return exitCode;
}
