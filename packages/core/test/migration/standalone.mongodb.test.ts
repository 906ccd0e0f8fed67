import { MongoClient } from 'mongodb';
import { expect, test } from 'vitest';
import { migrateJobs } from '../../src/migration/index.ts';
import { startStandaloneServer } from '../mongodb/standalone-server.ts';
import { describeWithOwnMongo } from '../setup/mongodb.ts';
import { AGENDA_DOCUMENTS } from './agenda-documents.ts';

describeWithOwnMongo('a server that belongs to no replica set', (binary) => {
  test('has its jobs migrated like any other', async () => {
    const server = await startStandaloneServer(binary);
    const client = new MongoClient(server.uri);
    try {
      const db = client.db('migrate');
      const source = db.collection('agendaJobs');
      await source.insertMany(Object.values(AGENDA_DOCUMENTS));
      const options = { source, db, format: 'agenda', finished: 'all' } as const;
      expect(await migrateJobs(options)).toMatchObject({
        stored: { pending: 3, series: 2, completed: 1, failed: 1 },
        left: { disabled: 1 },
      });
      expect(await migrateJobs(options)).toMatchObject({ storedBefore: 7 });
    } finally {
      await client.close();
      await server.stop();
    }
  });
});
