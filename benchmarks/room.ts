/**
 * The room of one measurement: an empty database of its own, and the processes that work in it. Nothing of it is left
 * when the measurement ends.
 *
 * @module
 */

import { within } from '../packages/core/test/setup/until.ts';
import type { Place } from './adapter.ts';
import { Agent } from './agent.ts';
import type { RoleName } from './child.ts';
import type { RoleParams } from './roles/role.ts';
import { type LatencyProxy, startLatencyProxy } from './servers/latency-proxy-process.ts';
import type { Server } from './servers/server.ts';
import type { Servers } from './servers/servers.ts';
import type { SystemDefinition } from './systems.ts';

const CONCURRENCY = 50;
const DEADLINE_MS = 240_000;

/** What a measurement asks of its room. */
export interface RoomOptions {
  /** @default one name */
  readonly nameCount?: number;
  /** Milliseconds by which every message to the server is late. @default the server is spoken to directly */
  readonly latencyMs?: number;
  /** Count what is sent to MongoDB. @default false */
  readonly isCounted?: boolean;
  /** Have this library check each write against every rule. @default false */
  readonly hasRules?: boolean;
}

/** A room. */
export interface Room {
  readonly system: SystemDefinition;
  /** Absent for a system that needs none. */
  readonly server?: Server;
  /** The name of the database. */
  readonly database: string;
  /** Starts a process; it is ended with the room, if it has not ended by then. */
  launch(role: RoleName, params: RoleParams): Agent;
}

let roomCount = 0;

/** Makes a room, measures in it, and clears it. */
export async function inRoom<T>(
  servers: Pick<Servers, 'get'>,
  system: SystemDefinition,
  options: RoomOptions,
  measure: (room: Room) => Promise<T>,
): Promise<T> {
  const server = system.engine && (await servers.get(system.engine));
  roomCount += 1;
  const database = `benchmark_${roomCount}`;
  await server?.makeDatabase(database);
  const proxy = await proxyTo(server, options.latencyMs);
  const agents: Agent[] = [];
  const place = placeOf(system, database, proxy?.url ?? server?.url ?? '', options);
  try {
    const measured = measure({
      system,
      database,
      ...(server && { server }),
      launch: (role, params) => {
        const agent = new Agent({ systemId: system.id, role, params, place });
        agents.push(agent);
        return agent;
      },
    });
    // A system that never answers must not hold up the others.
    return await within(`A measurement of ${system.label}`, measured, DEADLINE_MS);
  } finally {
    await Promise.all(agents.map((agent) => agent.end()));
    proxy?.stop();
    await server?.dropDatabase(database);
  }
}

function proxyTo(server?: Server, latencyMs?: number): Promise<LatencyProxy> | undefined {
  if (server === undefined || latencyMs === undefined) return undefined;
  return startLatencyProxy(server.url, latencyMs);
}

function placeOf(
  { tuning, writeConcern }: SystemDefinition,
  database: string,
  url: string,
  { nameCount = 1, isCounted = false, hasRules = false }: RoomOptions,
): Place {
  return {
    url,
    database,
    tuning,
    writeConcern,
    isCounted,
    hasRules,
    names: Array.from({ length: nameCount }, (_, index) => `job-${index}`),
    concurrency: CONCURRENCY,
  };
}
