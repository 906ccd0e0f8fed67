import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** @default 10 seconds */
  readonly timeoutMs?: number;
}

/** Runs a command and resolves to its output; an error says what the command itself said last. */
export function run(
  command: string,
  args: readonly string[],
  { env = process.env, timeoutMs = 10_000 }: RunOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env, timeout: timeoutMs, killSignal: 'SIGKILL' as const };
    execFile(command, [...args], options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const late = error.killed ? `ended after ${timeoutMs} ms` : undefined;
      const said = stderr.trim().split('\n').at(-1);
      reject(new Error(late ?? (said || error.message)));
    });
  });
}

/** The version that a mongod states; throws with the reason if it does not run on this machine. */
export async function mongodVersion(binary: string): Promise<string> {
  const version = /db version v(\S+)/.exec(await run(binary, ['--version']))?.[1];
  if (!version) throw new Error('it does not state a mongod version');
  return version;
}

/** The first `mongod` in the folders of a PATH. */
export async function mongodOnPath(path = ''): Promise<string> {
  for (const folder of path.split(delimiter).filter(Boolean)) {
    const binary = join(folder, 'mongod');
    if (await isExecutable(binary)) return binary;
  }
  throw new Error('there is none');
}

/** The executables in a cache folder that look like a mongod, the highest name first. */
export async function mongodsInCache(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const binaries: string[] = [];
  for (const name of names
    .filter((entry) => entry.startsWith('mongod'))
    .sort()
    .reverse()) {
    const binary = join(folder, name);
    if (await isExecutable(binary)) binaries.push(binary);
  }
  return binaries;
}

function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
