import { randomBytes } from 'node:crypto';
import { getTestDb } from '../../../core/test/setup/mongodb.ts';
import { MongoRecordStore } from '../../src/index.ts';
import type { StoreKind } from '../kit.ts';

/** Stores in MongoDB, each ledger in a collection of its own. */
export function mongoStores(): StoreKind {
  const opened = getTestDb('ledgers');
  let last = '';
  return {
    name: 'in MongoDB',
    async make() {
      const db = await opened;
      const collectionName = `ledger_${randomBytes(6).toString('hex')}`;
      last = collectionName;
      return () => new MongoRecordStore(db, { collectionName });
    },
    async lastWrites() {
      const db = await opened;
      const found = await db
        .collection<{ _id: string }>(last)
        .find({ _id: { $ne: '$ledger' } })
        .sort({ revision: 1 })
        .toArray();
      return found.map(({ _id }) => _id);
    },
    close: async () => undefined,
  };
}
