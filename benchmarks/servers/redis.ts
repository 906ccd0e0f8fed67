/**
 * Redis: nothing on the disk, or every write on the disk before it is acknowledged.
 *
 * @module
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { startSupervisor } from '../../packages/core/test/setup/supervisor.ts';
import { until } from '../../packages/core/test/setup/until.ts';
import { cpuMsOf, findProgram, freePort } from './processes.ts';
import { type Server, ServerMissingError } from './server.ts';

const PERSISTENCE = {
  redis: ['--save', '', '--appendonly', 'no'],
  'redis-durable': ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always'],
} as const;

/** Starts it, and resolves when it answers. */
export async function startRedis(engine: keyof typeof PERSISTENCE): Promise<Server> {
  const program = findProgram('redis-server');
  if (program === undefined)
    throw new ServerMissingError('needs redis-server (package redis-server)');
  const folder = await mkdtemp(join(tmpdir(), 'benchmark-redis-'));
  const port = await freePort();
  const supervisor = startSupervisor(folder);
  const { pid } = await supervisor.run(program, [
    ...['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--loglevel', 'warning'],
    ...['--maxmemory-policy', 'noeviction', ...PERSISTENCE[engine]],
  ]);
  const client = new Redis(port, '127.0.0.1');
  client.on('error', () => {});
  await until('Redis to answer', async () => (await client.ping()) === 'PONG');
  const info = async (section: string, field: string): Promise<string> => {
    const line = (await client.info(section)).split('\r\n').find((l) => l.startsWith(`${field}:`));
    return String(line?.slice(field.length + 1));
  };
  const persistence = engine === 'redis' ? 'without persistence' : 'appendfsync always';
  return {
    engine,
    version: `Redis ${await info('server', 'redis_version')}, ${persistence}`,
    url: `redis://127.0.0.1:${port}`,
    makeDatabase: async () => {
      await client.flushall();
    },
    dropDatabase: async () => {
      await client.flushall();
    },
    cpuMs: () => cpuMsOf(pid),
    counts: async () => ({ commands: Number(await info('stats', 'total_commands_processed')) }),
    bytes: async () => Number(await info('memory', 'used_memory')),
    stop: async () => {
      client.disconnect();
      await supervisor.stop();
    },
  };
}
