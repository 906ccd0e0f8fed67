/**
 * Starts the proxy that makes a server seem far away, in a process of its own.
 *
 * @module
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('./latency-proxy.mjs', import.meta.url));

/** A running proxy. */
export interface LatencyProxy {
  /** The connection string of the server, through the proxy. */
  readonly url: string;
  stop(): void;
}

/** Puts a proxy before the server of this connection string. */
export async function startLatencyProxy(url: string, latencyMs: number): Promise<LatencyProxy> {
  const through = new URL(url);
  const child = fork(SCRIPT, [through.port, `${latencyMs}`], { execArgv: [] });
  const [port] = await once(child, 'message');
  through.port = `${port}`;
  // A driver for MongoDB would else ask the server for its address, and go there directly.
  if (through.protocol === 'mongodb:') {
    through.searchParams.delete('replicaSet');
    through.searchParams.set('directConnection', 'true');
  }
  return {
    url: through.href,
    stop: () => {
      child.kill('SIGKILL');
    },
  };
}
