import { afterAll } from 'vitest';
import { closeMongoDb, describeWithMongo } from '../../../core/test/setup/mongodb.ts';
import { crowdContract } from '../contract/crowd.ts';
import { pairsContract } from '../contract/pairs.ts';
import { recordsContract } from '../contract/records.ts';
import { rulesContract } from '../contract/rules.ts';
import { mongoStores } from './mongo-stores.ts';

describeWithMongo('the ledgers on MongoDB', () => {
  recordsContract(mongoStores());
  pairsContract(mongoStores());
  crowdContract(mongoStores());
  rulesContract(mongoStores());

  afterAll(closeMongoDb);
});
