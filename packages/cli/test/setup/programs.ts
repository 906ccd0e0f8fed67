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

async function missingOf(programs: readonly string[]): Promise<readonly string[]> {
  const areThere = await Promise.all(programs.map(isThere));
  return programs.filter((_, index) => !areThere[index]);
}

/** Sees to it that programs are there: by apt where this process may do that, else an error says what to install. */
export async function ensurePrograms(...programs: readonly string[]): Promise<void> {
  const missing = await missingOf(programs);
  if (missing.length === 0) return;
  const why = process.getuid?.() === 0 ? await install(missing) : 'this process is not root';
  const left = await missingOf(missing);
  if (left.length === 0) return;
  throw new Error(`The tests of the command line need ${left.join(' and ')}: install it (${why})`);
}

/** Installs them, and gives what went wrong. */
async function install(programs: readonly string[]): Promise<string> {
  try {
    await run('apt-get', ['update']);
    await run('apt-get', ['install', '--yes', '--no-install-recommends', ...programs]);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}
