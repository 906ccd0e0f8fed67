import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A process run by the supervisor. */
export interface SupervisedProcess {
  readonly pid: number;
  /** Why it ended: the signal, the exit code, or the reason it could not be started. */
  readonly ended: Promise<string>;
}

export interface Supervisor {
  readonly pid: number;
  run(binary: string, args: readonly string[]): Promise<SupervisedProcess>;
  /** Kills all that runs, removes the folder, and resolves when that is done. Idempotent. */
  stop(): Promise<void>;
}

interface Report {
  readonly id: number;
  readonly pid?: number;
  readonly ended?: string;
}

const SCRIPT = fileURLToPath(new URL('./supervise.mjs', import.meta.url));

/**
 * Starts the process that owns `folder` and all it runs: both are gone soon after this process is,
 * however this process ends.
 */
export function startSupervisor(folder: string): Supervisor {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = fork(SCRIPT, [folder], {
    detached: true,
    env,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('The supervisor of mongod could not be started');
  let nextId = 0;
  return {
    pid,
    run: (binary, args) => runIn(child, nextId++, binary, args),
    stop: () => stop(child),
  };
}

function runIn(
  child: ChildProcess,
  id: number,
  binary: string,
  args: readonly string[],
): Promise<SupervisedProcess> {
  return new Promise((resolve, reject) => {
    let end: (why: string) => void = () => {};
    const ended = new Promise<string>((resolveEnded) => {
      end = resolveEnded;
    });
    const onMessage = (report: Report): void => {
      if (report.id !== id) return;
      if (report.pid !== undefined) resolve({ pid: report.pid, ended });
      if (report.ended !== undefined) onEnd(report.ended);
    };
    const onExit = (): void => onEnd('the supervisor ended');
    const onEnd = (why: string): void => {
      child.off('message', onMessage);
      child.off('exit', onExit);
      end(why);
      reject(new Error(`${binary} did not start: ${why}`));
    };
    child.on('message', onMessage);
    child.once('exit', onExit);
    child.send({ id, binary, args });
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  if (child.connected) child.disconnect();
  await exited;
}
