/**
 * Programs on this machine, the ports they may use and the processor time they take.
 *
 * @module
 */
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { delimiter, join } from 'node:path';

/** Linux counts processor time in hundredths of a second. */
const TICK_MS = 10;

/** The first of these folders, or of PATH, that holds the program; undefined when none does. */
export function findProgram(name: string, folders: readonly string[] = []): string | undefined {
  const path = (process.env.PATH ?? '').split(delimiter);
  return [...folders, ...path].map((folder) => join(folder, name)).find(isExecutable);
}

/** A port on loopback that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Milliseconds of processor time of a process, its children, and those children that have ended. */
export function cpuMsOf(pid: number): number {
  const children = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => statOf(Number(entry)))
    .filter((stat) => stat?.parent === pid);
  const own = statOf(pid);
  if (own === undefined) throw new Error(`Expected process ${pid} to run, it has ended`);
  const ownTicks = own.ticks + own.endedChildrenTicks;
  return children.reduce((sum, stat) => sum + (stat?.ticks ?? 0), ownTicks) * TICK_MS;
}

interface Stat {
  readonly parent: number;
  readonly ticks: number;
  readonly endedChildrenTicks: number;
}

function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program stands in brackets and may hold spaces.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const numberAt = (index: number): number => Number(fields[index]);
    return {
      parent: numberAt(1),
      ticks: numberAt(11) + numberAt(12),
      endedChildrenTicks: numberAt(13) + numberAt(14),
    };
  } catch {
    return undefined;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
