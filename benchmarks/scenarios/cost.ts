/**
 * What a job costs in commands and writes; these are counts, so they do not depend on the machine.
 *
 * @module
 */
import { inRoom, type Room } from '../room.ts';
import { systemsOf } from '../systems.ts';
import { measureDrain } from './measure-drain.ts';
import { casesOf, type Figures, type Scenario } from './scenario.ts';

export const costScenario: Scenario = {
  id: 'cost',
  title: 'Commands and writes a job',
  method:
    'As the drain. Commands to MongoDB are counted in the client, each is one round trip; documents inserted, updated and deleted are counted by the server, and so are those that the filling wrote, which are taken off. Of PostgreSQL transactions and rows are counted, by its own statistics.',
  rounds: 1,
  cases: casesOf(systemsOf('monque', 'batch', 'loop', 'agenda', 'pulse', 'graphile', 'pg-boss')),
  figures: [
    { key: 'commandsAJob', label: 'commands a job', digits: 3 },
    { key: 'writesAJob', label: 'documents or rows written a job', digits: 2 },
  ],
  chart: 'commandsAJob',
  measure: ({ servers, scale }, { system }) =>
    inRoom(servers, system, { isCounted: true }, (room) =>
      measureCost(room, Math.ceil(system.drainJobs * scale)),
    ),
};

async function measureCost(room: Room, fill: number): Promise<Figures> {
  const { server, database } = room;
  if (server === undefined) throw new Error('Expected a system with a server');
  let filled = await server.counts(database);
  const { commandsAJob } = await measureDrain(room, {
    fill,
    onFilled: async () => {
      filled = await server.counts(database);
    },
  });
  const drained = await server.counts(database);
  const commands = commandsAJob ?? (Number(drained.commands) - Number(filled.commands)) / fill;
  return {
    commandsAJob: commands,
    writesAJob: (Number(drained.writes) - Number(filled.writes)) / fill,
  };
}
