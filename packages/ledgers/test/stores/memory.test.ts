import { crowdContract } from '../contract/crowd.ts';
import { pairsContract } from '../contract/pairs.ts';
import { recordsContract } from '../contract/records.ts';
import { rulesContract } from '../contract/rules.ts';
import { memoryStores } from '../kit.ts';

recordsContract(memoryStores());
pairsContract(memoryStores());
crowdContract(memoryStores());
rulesContract(memoryStores());
