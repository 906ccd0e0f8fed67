import { ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import { endToken, tokenOf } from '../job/flow-tokens.ts';
import type { JobStatus } from '../job/job.ts';
import { type FlowStore, type ParentJob, releaseWaiting, type WaitingJob } from './flow-release.ts';
import type { FlowRecord } from './verbs/flows.ts';

const FLOW = new ObjectId();
const RECORD: FlowRecord = {
  ...{ flowId: FLOW, state: 'stored', size: 1, version: 1 },
  createdAt: new Date(0),
};

const WAITING: WaitingJob = {
  ...{ _id: new ObjectId(), name: 'step', fence: 1, flow: FLOW },
  nextRunAt: new Date(0),
};

/** What a store does of which nothing is asked but its jobs. */
const STORE: Omit<FlowStore, 'findFeeding'> = {
  findWaiting: async () => [],
  recordOf: async () => RECORD,
  changeFlow: async () => true,
  moveWaiting: async () => 0,
  forget: async () => undefined,
};

test('a flow of which a job goes on between two looks at it does not end', async () => {
  const looks: (ParentJob | undefined)[] = [
    undefined,
    { _id: new ObjectId(), status: 'pending', ref: 'only' },
  ];
  const changed: FlowRecord[] = [];
  const store: FlowStore = {
    ...STORE,
    findFeeding: async () => looks.shift(),
    changeFlow: async (read) => changed.push(read) > 0,
  };
  const tokens = [{ token: endToken(FLOW) }];
  const { ended } = await releaseWaiting(store, { tokens, now: new Date(1), limit: 10 });
  expect({ ended, changed, left: looks.length }).toEqual({
    ended: undefined,
    changed: [],
    left: 0,
  });
});

/** A job that waits for a parent, and was redriven with it after the parent was seen. */
async function releaseRedriven(onFailure: 'fail' | 'continue'): Promise<readonly string[]> {
  const token = tokenOf(FLOW, onFailure, 0);
  const parent = { _id: new ObjectId(), ref: 'parent' };
  let status: JobStatus = 'failed';
  const moved: string[] = [];
  const store: FlowStore = {
    ...STORE,
    findFeeding: async (_token, statuses) =>
      statuses.includes(status) ? { ...parent, status } : undefined,
    findWaiting: async () => {
      status = 'pending';
      return [{ ...WAITING, waitsFor: [token] }];
    },
    moveWaiting: async (verb, jobs) => {
      moved.push(verb);
      return jobs.length;
    },
  };
  await releaseWaiting(store, { tokens: [{ token }], now: new Date(1), limit: 10 });
  return moved;
}

test('a job does not fail with a parent that was redriven before it', async () => {
  expect(await releaseRedriven('fail')).toEqual([]);
});

test('a job does not start since its parent had ended, when that was redriven before it', async () => {
  expect(await releaseRedriven('continue')).toEqual([]);
});

test('the end of a flow is told though a later look of the same call fails', async () => {
  const other = tokenOf(FLOW, 'fail', 0);
  const broken = new Error('connection lost');
  const store: FlowStore = {
    ...STORE,
    findFeeding: async (token) => {
      if (token === other) throw broken;
      return undefined;
    },
  };
  const tokens = [{ token: endToken(FLOW) }, { token: other }];
  const { ended = [], again } = await releaseWaiting(store, {
    ...{ tokens, now: new Date(1), limit: 10 },
  });
  expect({ flows: ended.map(({ flowId }) => flowId), again }).toEqual({
    flows: [FLOW],
    again: [{ token: other }],
  });
  const rest = releaseWaiting(store, { tokens: again, now: new Date(1), limit: 10 });
  await expect(rest).rejects.toBe(broken);
});
