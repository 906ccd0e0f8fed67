/**
 * The servers of one run, each started when it is first needed and remembered as missing when it cannot be.
 *
 * @module
 */
import { startMongoDb } from './mongodb.ts';
import { startPostgreSql } from './postgresql.ts';
import { startRedis } from './redis.ts';
import { type Engine, type Server, ServerMissingError } from './server.ts';

const STARTS: Readonly<Record<Engine, () => Promise<Server>>> = {
  mongodb: startMongoDb,
  redis: () => startRedis('redis'),
  'redis-durable': () => startRedis('redis-durable'),
  postgresql: startPostgreSql,
};

/** Starts servers on demand and stops them all together. */
export class Servers {
  readonly #started = new Map<Engine, Promise<Server>>();

  /** @throws ServerMissingError when its programs are not on this machine */
  get(engine: Engine): Promise<Server> {
    const known = this.#started.get(engine) ?? STARTS[engine]();
    this.#started.set(engine, known);
    return known;
  }

  /** Why a server cannot be had; undefined when it runs. */
  async reasonMissing(engine: Engine): Promise<string | undefined> {
    try {
      await this.get(engine);
      return undefined;
    } catch (error) {
      if (error instanceof ServerMissingError) return error.message;
      throw error;
    }
  }

  async stop(): Promise<void> {
    const servers = await Promise.allSettled(this.#started.values());
    for (const server of servers) {
      if (server.status === 'fulfilled') await server.value.stop();
    }
  }
}
