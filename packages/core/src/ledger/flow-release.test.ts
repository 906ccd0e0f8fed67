import { ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import { endToken } from '../job/flow-tokens.ts';
import { type FlowStore, type ParentJob, releaseWaiting } from './flow-release.ts';
import type { FlowRecord } from './verbs/flows.ts';

const FLOW = new ObjectId();
const RECORD: FlowRecord = {
  ...{ flowId: FLOW, state: 'stored', size: 1, version: 1 },
  createdAt: new Date(0),
};

test('a flow of which a job goes on between two looks at it does not end', async () => {
  const looks: (ParentJob | undefined)[] = [
    undefined,
    { _id: new ObjectId(), status: 'pending', ref: 'only' },
  ];
  const changed: FlowRecord[] = [];
  const store: FlowStore = {
    findFeeding: async () => looks.shift(),
    findWaiting: async () => [],
    recordOf: async () => RECORD,
    changeFlow: async (read) => changed.push(read) > 0,
    moveWaiting: async () => 0,
    forget: async () => undefined,
  };
  const tokens = [{ token: endToken(FLOW) }];
  const { ended } = await releaseWaiting(store, { tokens, now: new Date(1), limit: 10 });
  expect({ ended, changed, left: looks.length }).toEqual({
    ended: undefined,
    changed: [],
    left: 0,
  });
});
