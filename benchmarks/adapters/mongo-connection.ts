/**
 * A connection to MongoDB that can count what goes over it.
 *
 * @module
 */
import { type CommandStartedEvent, type Db, type Document, MongoClient } from 'mongodb';
import type { Counts, Place } from '../adapter.ts';

/** Commands that drivers send around those of an application. */
const HOUSEKEEPING: ReadonlySet<string> = new Set(['endSessions', 'killCursors', 'ping', 'hello']);

/** A client, its database, and what it sent. */
export interface MongoConnection {
  readonly db: Db;
  counts(): Counts;
  close(): Promise<void>;
}

/** Connects, and counts from then on if that is asked for. */
export async function connectMongo(place: Place): Promise<MongoConnection> {
  const client = new MongoClient(place.url, {
    monitorCommands: place.isCounted,
    writeConcern: { w: place.writeConcern },
  });
  let commands = 0;
  let claimAttempts = 0;
  client.on('commandStarted', ({ commandName, command }: CommandStartedEvent) => {
    if (HOUSEKEEPING.has(commandName)) return;
    commands += 1;
    if (commandName === 'update') claimAttempts += attemptsOf(command);
    if (commandName === 'findAndModify') claimAttempts += isClaim(command.query, command.update);
  });
  await client.connect();
  return {
    db: client.db(place.database),
    counts: () => ({ commands, claimAttempts }),
    close: () => client.close(),
  };
}

/** The ids in those statements that claim, which are the ones that look for pending jobs by their ids. */
function attemptsOf(command: Document): number {
  let attempts = 0;
  for (const { q, u } of command.updates) attempts += isClaim(q, u) * (q._id?.$in?.length ?? 1);
  return attempts;
}

/** 1 for a change that claims. */
function isClaim(query: Document, update: Document): 0 | 1 {
  return query.status === 'pending' && update.$set?.status === 'processing' ? 1 : 0;
}
