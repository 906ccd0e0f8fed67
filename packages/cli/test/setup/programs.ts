/**
 * Programs of the system that tests of a command line need: a terminal emulator, and shells.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

async function isThere(program: string): Promise<boolean> {
  return run('which', [program]).then(
    () => true,
    () => false,
  );
}

/** Sees to it that a program is there: by apt where this process may do that, else an error says what to install. */
export async function ensureProgram(program: string): Promise<void> {
  if (await isThere(program)) return;
  const why = process.getuid?.() === 0 ? await install(program) : 'this process is not root';
  if (await isThere(program)) return;
  throw new Error(`The tests of the command line need ${program}: install it (${why})`);
}

/** Installs it, and gives what went wrong. */
async function install(program: string): Promise<string> {
  try {
    await run('apt-get', ['update']);
    await run('apt-get', ['install', '--yes', '--no-install-recommends', program]);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}
