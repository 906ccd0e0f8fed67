/**
 * Flows as they are read: one with its jobs, and all of them by page.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { tokenOf } from '../../job/flow-tokens.ts';
import { child, FLOW, idOf, open, parent, tokenFor, wait } from './flow-kit.ts';
import { type ContractTests, idsOf } from './subject.ts';

export const flowReadTests: ContractTests = {
  'a flow is read with the number of its jobs in each state': async (subject) => {
    const flow = await open(subject);
    await subject.put(parent(tokenFor('fail')), parent(tokenFor('fail')));
    await wait(subject, child(tokenFor('fail')));
    const reading = await subject.ledger.readFlow({ flowId: FLOW });
    assert.deepEqual(reading?.counts, { pending: 2, blocked: 1 });
    assert.deepEqual({ ...reading?.flow, flowId: '' }, { ...flow, flowId: '' });
    assert.equal(await subject.ledger.readFlow({ flowId: idOf(3) }), null);
  },

  'flows are listed by page, the newest first, without their keys': async (subject) => {
    assert.deepEqual(await subject.ledger.readFlows({ limit: 9 }), []);
    const first = await open(subject, { flowId: idOf(5), uniqueKey: 'key' });
    const ids = [idOf(7), idOf(6)];
    for (const flowId of ids) await open(subject, { flowId });
    const all = await subject.ledger.readFlows({ limit: 9 });
    const listed = all.map(({ flowId }) => flowId.toHexString());
    assert.deepEqual(listed, [...ids, idOf(5)].map(String));
    assert.deepEqual({ ...all[2], flowId: '' }, { ...first, flowId: '' });
    const [page, rest] = [
      await subject.ledger.readFlows({ limit: 2 }),
      await subject.ledger.readFlows({ limit: 2, after: idOf(6) }),
    ];
    assert.deepEqual([page, rest], [all.slice(0, 2), all.slice(2)]);
  },

  'the jobs of a flow are listed, and the parents of a job': async (subject) => {
    await open(subject);
    const [one] = await subject.put({ ...parent(tokenFor('fail')), _id: idOf(1) });
    const [two] = await subject.put({ ...parent(tokenFor('wait')), _id: idOf(2) });
    await subject.put({ _id: idOf(3) });
    const list = { orderBy: '_id', direction: 'ascending', limit: 10 } as const;
    const ofFlow = await subject.ledger.findJobs({ filter: { flow: FLOW }, ...list });
    assert.deepEqual(idsOf(ofFlow), idsOf([one, two]));
    const feeds = [tokenFor('wait'), tokenOf(FLOW, 'fail', 9)];
    const parents = await subject.ledger.findJobs({ filter: { feeds }, ...list });
    assert.deepEqual(idsOf(parents), idsOf([two]));
  },
};
