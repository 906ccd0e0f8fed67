import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithOwnMongo } from './mongodb.ts';
import { isRunning } from './process-state.ts';
import { until } from './until.ts';

interface Started {
  readonly folder: string;
  /** Of the supervisor and of mongod. */
  readonly pids: readonly number[];
}

const PARENT = fileURLToPath(new URL('./supervised-parent.mjs', import.meta.url));

describeWithOwnMongo(
  'after the end of the process that started it, no server is left',
  (binary) => {
    const parents: ChildProcess[] = [];
    let waiting: Promise<Started>[] = [];

    beforeAll(async () => {
      // Together, because each takes two seconds to start.
      waiting = ['SIGKILL', 'SIGTERM', 'SIGINT'].map(() => {
        const parent = startParent(binary);
        parents.push(parent);
        return firstLine(parent);
      });
      await Promise.all(waiting);
    });

    afterAll(() => {
      for (const parent of parents) parent.kill('SIGKILL');
    });

    test('by SIGKILL', () => endBy(0, (pid) => process.kill(pid, 'SIGKILL')));

    test('by SIGTERM', () => endBy(1, (pid) => process.kill(pid, 'SIGTERM')));

    test('by SIGINT to its process group, as Ctrl-C does', () =>
      endBy(2, (pid) => process.kill(-pid, 'SIGINT')));

    async function endBy(index: number, end: (pid: number) => void): Promise<void> {
      const parent = parents[index];
      const started = await waiting[index];
      if (!parent?.pid || !started) throw new Error('No parent');
      expect(started.pids.map(isRunning)).toEqual([true, true]);
      const exited = once(parent, 'exit');
      end(parent.pid);
      await exited;
      await until('all processes to be gone', () => !started.pids.some(isRunning));
      expect(existsSync(started.folder)).toBe(false);
    }
  },
);

function startParent(binary: string): ChildProcess {
  return spawn(process.execPath, [PARENT, binary], {
    // A group of its own, so that a signal can be sent to all of it.
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function firstLine(parent: ChildProcess): Promise<Started> {
  if (!parent.stdout) throw new Error('No output');
  for await (const line of createInterface({ input: parent.stdout })) return JSON.parse(line);
  throw new Error('The parent ended before it had started a server');
}
