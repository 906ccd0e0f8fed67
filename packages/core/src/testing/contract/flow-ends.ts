/**
 * The ends of flows: each is recorded once, when no job is unfinished, and a flow that is redriven ends again.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { endToken, storingToken, tokenOf } from '../../job/flow-tokens.ts';
import type { Job } from '../../job/job.ts';
import type {
  EndedFlow,
  FlowRecord,
  ReleaseWaitingParams,
  SweepFlowsParams,
} from '../../ledger/ledger-repository.ts';
import { child, FLOW, idOf, open, parent, release, tokenFor, wait } from './flow-kit.ts';
import type { ContractTests, Subject } from './subject.ts';

const END = endToken(FLOW);

/** What every job of the flow feeds beside its own tokens. */
function member(...feeds: string[]): Partial<Job> {
  return parent(...feeds, END);
}

async function recordOf(subject: Subject): Promise<FlowRecord | undefined> {
  return (await subject.ledger.readFlow({ flowId: FLOW }))?.flow;
}

/** How the flow is told to have ended by a look at its end. */
async function outcomeOf(subject: Subject): Promise<EndedFlow['outcome'] | undefined> {
  const { ended = [] } = await release(subject, END);
  assert.ok(ended.length < 2);
  return ended[0]?.outcome;
}

/** A flow of one job that has failed, and ended with it. */
async function failedFlow(subject: Subject): Promise<Job> {
  await open(subject, { version: 0 });
  const root = await wait(subject, { ...member(), waitsFor: [storingToken(FLOW)] });
  await release(subject, storingToken(FLOW));
  await subject.settle('fail', await subject.claimOnly({ now: subject.at(5_000) }));
  assert.equal(await outcomeOf(subject), 'failed');
  return root;
}

async function walk(
  subject: Subject,
  limit: number,
  changes: Pick<SweepFlowsParams, 'waitingOnly'> = {},
): Promise<readonly string[]> {
  const found: string[] = [];
  let after: string | undefined;
  do {
    const step = await subject.ledger.sweepFlows({
      ...(after !== undefined && { after }),
      ...{ limit, createdBefore: subject.at(0), ...changes },
    });
    found.push(...step.tokens);
    after = step.position;
  } while (after !== undefined);
  return found;
}

export const flowEndTests: ContractTests = {
  'a flow ends when the last of its jobs is finished, and that is told once': async (subject) => {
    const flow = await open(subject, { version: 0, uniqueKey: 'key' });
    await subject.put(member(), member());
    assert.equal(await outcomeOf(subject), undefined);
    const first = await subject.claimOnly({ limit: 1 });
    assert.equal(await outcomeOf(subject), undefined);
    await subject.settle('complete', first);
    assert.equal(await outcomeOf(subject), undefined);
    assert.equal((await recordOf(subject))?.endedAt, undefined);
    await subject.settle('complete', await subject.claimOnly());
    const { ended } = await release(subject, END);
    const end = { endedAt: subject.at(5_000), outcome: 'completed', version: 1 };
    const told = ended?.map((one) => ({ ...one, flowId: '' }));
    assert.deepEqual(told, [{ ...flow, ...end, flowId: '' }]);
    assert.deepEqual({ ...(await recordOf(subject)), flowId: '' }, told?.[0]);
    assert.equal((await release(subject, END)).ended, undefined);
  },

  'of many that look at the end of a flow at once one is told of it': async (subject) => {
    await open(subject, { version: 0 });
    await subject.put(member());
    await subject.settle('complete', await subject.claimOnly());
    const looks = await Promise.all(Array.from({ length: 10 }, () => release(subject, END)));
    assert.equal(looks.flatMap(({ ended = [] }) => ended).length, 1);
    assert.deepEqual(await walk(subject, 10), []);
  },

  'a flow ends as the worst of its jobs did': async (subject) => {
    await open(subject, { version: 0 });
    const [one] = await subject.put(member(), member());
    await subject.cancel(one);
    await subject.settle('complete', await subject.claimOnly());
    assert.equal(await outcomeOf(subject), 'cancelled');
    assert.equal((await recordOf(subject))?.outcome, 'cancelled');
  },

  'what fails with its parent ends the flow in the same call': async (subject) => {
    await open(subject, { version: 0 });
    await subject.put(member(tokenFor('fail')));
    await subject.settle('fail', await subject.claimOnly());
    const next = tokenOf(FLOW, 'fail', 1);
    await wait(subject, { ...child(tokenFor('fail')), feeds: [next, END] });
    await wait(subject, { ...child(next), feeds: [END] });
    const { failed, ended } = await release(subject, tokenFor('fail'), END);
    assert.equal(failed, 2);
    assert.deepEqual(
      ended?.map(({ outcome }) => outcome),
      ['failed'],
    );
  },

  'a flow that is being stored does not end, and one that was abandoned ends as that': async (
    subject,
  ) => {
    await open(subject, { state: 'storing', version: 0 });
    assert.equal(await outcomeOf(subject), undefined);
    const root = await wait(subject, { ...member(), waitsFor: [storingToken(FLOW)] });
    await subject.ledger.closeFlow({ flowId: FLOW, state: 'abandoned' });
    assert.equal(await outcomeOf(subject), undefined);
    const { ended } = await release(subject, storingToken(FLOW), END);
    assert.equal(await subject.statusOf(root), 'cancelled');
    assert.deepEqual(
      ended?.map(({ outcome }) => outcome),
      ['abandoned'],
    );
  },

  'a flow that was abandoned without a job is forgotten with its end, and its key is free': async (
    subject,
  ) => {
    await open(subject, { state: 'storing', version: 0, uniqueKey: 'key' });
    await subject.ledger.closeFlow({ flowId: FLOW, state: 'abandoned' });
    assert.equal(await outcomeOf(subject), 'abandoned');
    assert.equal(await recordOf(subject), undefined);
    assert.deepEqual(await walk(subject, 10), []);
    await open(subject, { flowId: idOf(2), uniqueKey: 'key' });
    // A job of it that was long on its way never starts.
    const late = await wait(subject, { ...member(), waitsFor: [storingToken(FLOW)] });
    assert.equal((await release(subject, storingToken(FLOW))).cancelled, 1);
    assert.equal(await subject.statusOf(late), 'cancelled');
  },

  'a flow that was abandoned with a job is forgotten with that': async (subject) => {
    await open(subject, { state: 'storing', version: 0 });
    await wait(subject, { ...member(), waitsFor: [storingToken(FLOW)] });
    await subject.ledger.closeFlow({ flowId: FLOW, state: 'abandoned' });
    await release(subject, storingToken(FLOW));
    assert.equal((await recordOf(subject))?.outcome, 'abandoned');
    await subject.prune();
    assert.equal(await recordOf(subject), undefined);
  },

  'a flow that is redriven is open until it ends again': async (subject) => {
    const root = await failedFlow(subject);
    const now = subject.at(6_000);
    assert.equal(
      (await subject.ledger.redrive({ jobId: root._id, now, nextRunAt: now })).outcome,
      'redriven',
    );
    assert.equal(await outcomeOf(subject), undefined);
    assert.equal((await release(subject, storingToken(FLOW))).released, 1);
    assert.deepEqual(
      { ...(await recordOf(subject)), flowId: FLOW },
      { flowId: FLOW, state: 'stored', createdAt: subject.at(0), size: 2, version: 2 },
    );
    assert.deepEqual(await walk(subject, 10), [END]);
    await subject.settle('complete', await subject.claimOnly({ now }));
    assert.equal(await outcomeOf(subject), 'completed');
    assert.equal((await recordOf(subject))?.version, 3);
    assert.deepEqual(await walk(subject, 10), []);
  },

  'many that let a redriven job go on at once leave one open flow, which ends once': async (
    subject,
  ) => {
    const root = await failedFlow(subject);
    const now = subject.at(6_000);
    await subject.ledger.redrive({ jobId: root._id, now, nextRunAt: now });
    const token = storingToken(FLOW);
    const call: ReleaseWaitingParams = { tokens: [{ token }], now, limit: 2 };
    const looks = await Promise.all(
      Array.from({ length: 6 }, async () => {
        let released = 0;
        for (let { tokens } = call; tokens.length > 0; ) {
          const step = await subject.ledger.releaseWaiting({ ...call, tokens });
          released += step.released;
          tokens = step.again;
        }
        return released;
      }),
    );
    assert.equal(
      looks.reduce((sum, released) => sum + released, 0),
      1,
    );
    await subject.settle('complete', await subject.claimOnly({ now }));
    assert.equal(await outcomeOf(subject), 'completed');
  },

  'a flow of which one job was deleted ends with the others': async (subject) => {
    await open(subject, { version: 0 });
    const [one] = await subject.put(member(), { ...member(), name: 'other' });
    await subject.settle('complete', await subject.claimOnly());
    assert.equal(await outcomeOf(subject), undefined);
    const others = await subject.ledger.findJobs({
      ...{ filter: { flow: FLOW, statuses: ['pending'] }, orderBy: '_id' },
      ...{ direction: 'ascending', limit: 5 },
    });
    assert.equal(others.length, 1);
    for (const { _id } of others) {
      assert.equal((await subject.ledger.remove({ jobId: _id })).outcome, 'removed');
    }
    assert.ok(one);
    assert.equal(await outcomeOf(subject), 'completed');
    await subject.prune();
    assert.equal(await recordOf(subject), undefined);
    assert.equal(await outcomeOf(subject), undefined);
  },

  'the end of a flow of an earlier version is not noticed': async (subject) => {
    await open(subject);
    await subject.put(parent(tokenFor('fail')));
    await subject.settle('complete', await subject.claimOnly());
    assert.equal(await outcomeOf(subject), undefined);
    assert.equal((await recordOf(subject))?.endedAt, undefined);
    assert.deepEqual(await walk(subject, 10), []);
  },

  'a sweep finds the flows that have not ended among what jobs wait for, in steps': async (
    subject,
  ) => {
    const ids = [idOf(5), idOf(6), idOf(7)];
    for (const flowId of ids) await open(subject, { flowId, version: 0 });
    await open(subject, { version: 0 });
    await wait(subject, { ...child(tokenFor('continue')), feeds: [END] });
    await wait(subject, { ...child(tokenFor('fail')), feeds: [END] });
    const ends = [...ids.map(endToken), END];
    const all = [tokenFor('continue'), ...ends, tokenFor('fail')];
    for (const limit of [1, 2, 3, 10]) {
      assert.deepEqual(await walk(subject, limit), all, `${limit} in a step`);
    }
    // No job of the others was stored; they have come to their end.
    const { ended = [] } = await release(subject, ...ends);
    assert.deepEqual(
      ended.map(({ flowId }) => flowId.toHexString()),
      ids.map(String),
    );
  },

  'a sweep for what jobs wait for passes over the ends of flows': async (subject) => {
    await open(subject, { version: 0 });
    await open(subject, { flowId: idOf(5), version: 0 });
    const tokens = [tokenFor('continue'), tokenFor('fail')];
    for (const token of tokens) await wait(subject, { ...child(token), feeds: [END] });
    for (const limit of [1, 2, 10]) {
      assert.deepEqual(await walk(subject, limit, { waitingOnly: true }), tokens);
    }
    assert.equal((await walk(subject, 10, { waitingOnly: false })).length, 4);
  },

  'a flow that was not opened since another has its key is not found by a sweep': async (
    subject,
  ) => {
    const flow = await open(subject, { version: 0, uniqueKey: 'key' });
    await wait(subject, { ...child(tokenFor('fail')), feeds: [END] });
    const second: FlowRecord = { ...flow, flowId: idOf(2), state: 'storing' };
    const params = { flow: second, createdBefore: subject.at(-1_000) };
    assert.equal((await subject.ledger.openFlow(params)).outcome, 'existing');
    assert.deepEqual(await walk(subject, 10), [END, tokenFor('fail')]);
  },
};
