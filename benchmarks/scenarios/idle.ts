/**
 * What a worker costs that has nothing to do.
 *
 * @module
 */
import { inRoom } from '../room.ts';
import { systemsOf } from '../systems.ts';
import { casesOf, type Figures, type Scenario } from './scenario.ts';

const SETTLE_MS = 5_000;
const DURATION_MS = 30_000;
const MINUTE_MS = 60_000;

export const idleScenario: Scenario = {
  id: 'idle',
  title: 'Idle worker',
  method:
    'Each system has a worker of one name that has nothing to do for 30 seconds, all at the same time. Commands to MongoDB are counted in the client, without those by which a driver watches its server; of Redis commands, of PostgreSQL transactions are counted by the server.',
  rounds: 1,
  isConcurrent: true,
  cases: casesOf(
    systemsOf(
      ...['monque', 'loop', 'agenda', 'agenda-defaults', 'pulse', 'pulse-defaults'],
      ...['bullmq', 'graphile', 'graphile-defaults', 'pg-boss', 'pg-boss-defaults'],
    ),
  ),
  figures: [
    { key: 'commandsAMinute', label: 'commands a minute' },
    { key: 'clientMsAMinute', label: 'client CPU, ms a minute' },
  ],
  chart: 'commandsAMinute',
  measure: ({ servers, scale }, { system }) =>
    inRoom(servers, system, { isCounted: true }, async ({ launch, server, database }) => {
      const durationMs = DURATION_MS * scale;
      const agent = launch('idle', { settleMs: SETTLE_MS, durationMs });
      await agent.nextNote();
      const before = await server?.counts(database);
      await agent.nextNote();
      const after = await server?.counts(database);
      const { commands, cpuUs } = await agent.result;
      const counted = commands ?? Number(after?.commands) - Number(before?.commands);
      const minutes = durationMs / MINUTE_MS;
      return {
        commandsAMinute: Number(counted) / minutes,
        clientMsAMinute: Number(cpuUs) / 1_000 / minutes,
      } satisfies Figures;
    }),
};
