import { crowdContract } from '../contract/crowd.ts';
import { pairsContract } from '../contract/pairs.ts';
import { recordsContract } from '../contract/records.ts';
import { rulesContract } from '../contract/rules.ts';
import { markdownStores } from '../kit.ts';

recordsContract(markdownStores());
pairsContract(markdownStores());
crowdContract(markdownStores());
rulesContract(markdownStores());
