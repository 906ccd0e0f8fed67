/**
 * What a waiting job takes.
 *
 * @module
 */
import { inRoom } from '../room.ts';
import { systemsOf } from '../systems.ts';
import { casesOf, type Figures, type Scenario } from './scenario.ts';

const JOBS = 50_000;
const SLOW_JOBS = 5_000;
const SLOW = ['agenda', 'pulse'];

export const memoryScenario: Scenario = {
  id: 'memory',
  title: 'Memory a waiting job',
  method:
    '50,000 jobs (5,000 of Agenda and Pulse) of about 100 bytes of data are stored and wait. Of MongoDB the size of documents and indexes before compression is taken, of PostgreSQL the size of the database, of Redis its memory; what an empty queue takes is taken off. The heap is that of the process that stored them, after a collection.',
  rounds: 1,
  cases: casesOf(
    systemsOf(
      ...['monque', 'monque-memory', 'loop', 'agenda', 'pulse', 'bullmq', 'graphile', 'pg-boss'],
    ),
  ),
  figures: [
    { key: 'serverBytesAJob', label: 'server, bytes a job' },
    { key: 'heapBytesAJob', label: 'heap, bytes a job' },
  ],
  chart: 'serverBytesAJob',
  measure: ({ servers, scale }, { system }) =>
    inRoom(servers, system, {}, async ({ launch, server, database }) => {
      const jobs = Math.ceil((SLOW.includes(system.id) ? SLOW_JOBS : JOBS) * scale);
      const agent = launch('memory', { jobs });
      await agent.nextNote();
      const before = await server?.bytes(database);
      agent.send('fill');
      await agent.nextNote();
      const after = await server?.bytes(database);
      agent.send('end');
      const { heapBytes } = await agent.result;
      return {
        heapBytesAJob: Math.max(0, Number(heapBytes) / jobs),
        ...(before !== undefined &&
          after !== undefined && {
            serverBytesAJob: (after - before) / jobs,
          }),
      } satisfies Figures;
    }),
};
