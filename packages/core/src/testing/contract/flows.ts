/**
 * Flows: a job starts when its parents have come to the end that it waits for, and not before.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { storingToken, tokenOf } from '../../job/flow-tokens.ts';
import type { Job } from '../../job/job.ts';
import type { FlowRecord, ReleaseWaitingResult } from '../../ledger/ledger-repository.ts';
import { child, FLOW, idOf, open, parent, release, tokenFor, wait } from './flow-kit.ts';
import type { ContractTests, Subject } from './subject.ts';

/** All tokens that a sweep finds. */
async function walk(subject: Subject, limit: number): Promise<readonly string[]> {
  const found = new Set<string>();
  let after: string | undefined;
  do {
    const step = await subject.ledger.sweepFlows({
      ...(after !== undefined && { after }),
      ...{ limit, createdBefore: subject.at(0) },
    });
    for (const token of step.tokens) found.add(token);
    after = step.position;
  } while (after !== undefined);
  return [...found];
}

const NOTHING: ReleaseWaitingResult = {
  ...{ released: 0, failed: 0, cancelled: 0 },
  ...{ names: [], again: [] },
};

export const flowTests: ContractTests = {
  'a job that waits is not claimed, and due when it is released': async (subject) => {
    await open(subject);
    const waiting = await wait(subject, child(tokenFor('fail')));
    assert.deepEqual((await subject.claim()).jobs, []);
    assert.deepEqual(await release(subject, tokenFor('fail')), {
      ...NOTHING,
      released: 1,
      names: [waiting.name],
    });
    const released = await subject.read(waiting);
    assert.equal(released.status, 'pending');
    assert.deepEqual(released.nextRunAt, subject.at(5_000));
    assert.deepEqual(released.waitsFor, waiting.waitsFor);
    assert.deepEqual(await release(subject, tokenFor('fail')), NOTHING);
  },

  'a job that is to start later still does when it was released': async (subject) => {
    await open(subject);
    const nextRunAt = subject.at(90_000);
    const waiting = await wait(subject, { ...child(tokenFor('fail')), nextRunAt });
    await release(subject, tokenFor('fail'));
    assert.deepEqual((await subject.read(waiting)).nextRunAt, nextRunAt);
  },

  'a job waits while a parent is pending, processing or has failed, whatever it thinks of that':
    async (subject) => {
      await open(subject);
      const tokens = (['fail', 'wait', 'continue'] as const).map(tokenFor);
      await subject.put(parent(...tokens));
      for (const token of tokens) await wait(subject, child(token));
      assert.deepEqual(await release(subject, ...tokens), NOTHING);
      const claimed = await subject.claimOnly();
      assert.deepEqual(await release(subject, ...tokens), NOTHING);
      await subject.settle('retry', claimed);
      assert.deepEqual(await release(subject, ...tokens), NOTHING);
    },

  'a failed parent fails one child, keeps another waiting, and lets a third go on': async (
    subject,
  ) => {
    await open(subject);
    const tokens = (['fail', 'wait', 'continue'] as const).map(tokenFor);
    await subject.put(parent(...tokens));
    await subject.settle('fail', await subject.claimOnly());
    const [failing, waiting, going] = [
      await wait(subject, child(tokens[0] as string)),
      await wait(subject, child(tokens[1] as string)),
      await wait(subject, child(tokens[2] as string)),
    ];
    const { released, failed } = await release(subject, ...tokens);
    assert.deepEqual({ released, failed }, { released: 1, failed: 1 });
    const of = await subject.read(failing);
    assert.equal(of.status, 'failed');
    assert.equal(of.failReason, "The parent 'parent' failed");
    assert.deepEqual(of.finishedAt, subject.at(5_000));
    assert.equal(of.history?.at(-1)?.verb, 'failByParent');
    assert.equal(await subject.statusOf(waiting), 'blocked');
    assert.equal(await subject.statusOf(going), 'pending');
  },

  'a cancelled parent fails its child too, and says so': async (subject) => {
    await open(subject);
    const [first] = await subject.put(parent(tokenFor('fail')));
    await subject.cancel(first);
    const waiting = await wait(subject, child(tokenFor('fail')));
    assert.equal((await release(subject, tokenFor('fail'))).failed, 1);
    assert.equal((await subject.read(waiting)).failReason, "The parent 'parent' was cancelled");
  },

  'what fails with its parent fails its own children in the same call': async (subject) => {
    await open(subject);
    const [first, second, third] = [0, 1, 2].map((n) => tokenOf(FLOW, 'fail', n)) as [
      ...[string, string, string],
    ];
    await subject.put(parent(first));
    await subject.settle('fail', await subject.claimOnly());
    const middle = await wait(subject, { ...child(first), feeds: [second] });
    const twin = await wait(subject, { ...child(first), feeds: [second] });
    const last = await wait(subject, { ...child(second), feeds: [third] });
    const going = await wait(subject, child(tokenOf(FLOW, 'continue', 2)));
    assert.deepEqual((await release(subject, first)).failed, 3);
    assert.equal(await subject.statusOf(middle), 'failed');
    assert.equal(await subject.statusOf(twin), 'failed');
    assert.equal(await subject.statusOf(last), 'failed');
    assert.equal(await subject.statusOf(going), 'blocked');
  },

  'a job waits for all of its tokens': async (subject) => {
    await open(subject);
    const [done, open_] = [tokenOf(FLOW, 'fail', 1), tokenOf(FLOW, 'fail', 2)];
    await subject.put(parent(open_));
    const waiting = await wait(subject, child(done, open_));
    assert.equal((await release(subject, done)).released, 0);
    await subject.settle('complete', await subject.claimOnly());
    assert.equal((await release(subject, done)).released, 1);
    assert.equal(await subject.statusOf(waiting), 'pending');
  },

  'no job starts before its flow is stored, and none of one that was abandoned': async (
    subject,
  ) => {
    const flow = await open(subject, { state: 'storing' });
    const root = await wait(subject, child(storingToken(FLOW)));
    const other = await wait(subject, child(tokenFor('fail')));
    assert.deepEqual(await release(subject, storingToken(FLOW), tokenFor('fail')), NOTHING);
    const { flowId } = flow;
    assert.deepEqual(await subject.ledger.closeFlow({ flowId, state: 'abandoned' }), {
      state: 'abandoned',
    });
    assert.deepEqual(await subject.ledger.closeFlow({ flowId, state: 'stored' }), {
      state: 'abandoned',
    });
    const { cancelled } = await release(subject, storingToken(FLOW), tokenFor('fail'));
    assert.equal(cancelled, 2);
    assert.equal(await subject.statusOf(root), 'cancelled');
    assert.equal(await subject.statusOf(other), 'cancelled');
  },

  'one of an abandoned flow that waits for a parent to be retried is cancelled too': async (
    subject,
  ) => {
    const flow = await open(subject, { state: 'storing' });
    const [first, second] = [tokenFor('wait'), tokenOf(FLOW, 'wait', 1)];
    await wait(subject, { ...child(storingToken(FLOW)), feeds: [first] });
    const middle = await wait(subject, { ...child(first), feeds: [second] });
    await subject.ledger.closeFlow({ flowId: flow.flowId, state: 'abandoned' });
    assert.equal((await release(subject, storingToken(FLOW))).cancelled, 2);
    assert.equal(await subject.statusOf(middle), 'cancelled');
    const last = await wait(subject, child(second));
    assert.equal((await release(subject, second)).cancelled, 1);
    assert.equal(await subject.statusOf(last), 'cancelled');
  },

  'those without parents start when their flow is stored': async (subject) => {
    await open(subject, { state: 'storing' });
    const root = await wait(subject, child(storingToken(FLOW)));
    const close = { flowId: FLOW, state: 'stored' } as const;
    assert.deepEqual(await subject.ledger.closeFlow(close), { state: 'stored' });
    assert.deepEqual(await subject.ledger.closeFlow(close), { state: 'stored' });
    assert.equal((await release(subject, storingToken(FLOW))).released, 1);
    assert.equal(await subject.statusOf(root), 'pending');
    const none = { ...close, flowId: idOf(1) };
    assert.deepEqual(await subject.ledger.closeFlow(none), { state: 'missing' });
  },

  'a job of a flow that is not known is cancelled': async (subject) => {
    const waiting = await wait(subject, child(tokenFor('fail')));
    const lost = await wait(subject, { waitsFor: [tokenFor('fail')] });
    assert.equal((await release(subject, tokenFor('fail'))).cancelled, 2);
    assert.equal(await subject.statusOf(waiting), 'cancelled');
    assert.equal(await subject.statusOf(lost), 'cancelled');
    assert.deepEqual(await subject.prune(), { pruned: 2 });
  },

  'a call looks at no more jobs than it was asked to, and says where to go on': async (subject) => {
    await open(subject);
    const jobs: Job[] = [];
    for (const n of [2, 1, 5, 3, 4]) {
      jobs.push(await wait(subject, { ...child(tokenFor('fail')), _id: idOf(n) }));
    }
    const now = subject.at(5_000);
    let tokens: ReleaseWaitingResult['again'] = [{ token: tokenFor('fail') }];
    const released: number[] = [];
    while (tokens.length > 0) {
      const step = await subject.ledger.releaseWaiting({ tokens, now, limit: 2 });
      released.push(step.released);
      tokens = step.again;
    }
    assert.deepEqual(released.slice(0, 3), [2, 2, 1]);
    for (const job of jobs) assert.equal(await subject.statusOf(job), 'pending');
  },

  'a redriven job waits for its parents again, and is not released by what was read before': async (
    subject,
  ) => {
    await open(subject);
    await subject.put(parent(tokenFor('fail')));
    const failed = await subject.claimOnly();
    await subject.settle('fail', failed);
    const waiting = await wait(subject, child(tokenFor('fail')));
    await release(subject, tokenFor('fail'));
    const params = { now: subject.at(6_000), nextRunAt: subject.at(6_000) };
    const { outcome, job } = await subject.ledger.redrive({ jobId: waiting._id, ...params });
    assert.equal(outcome, 'redriven');
    assert.equal(job?.status, 'blocked');
    await subject.ledger.redrive({ jobId: failed._id, ...params });
    assert.deepEqual(await release(subject, tokenFor('fail')), NOTHING);
    const again = await subject.claimOnly({ now: subject.at(6_000) });
    await subject.settle('complete', again);
    assert.equal((await release(subject, tokenFor('fail'))).released, 1);
    assert.equal((await subject.read(waiting)).fence, 1);
  },

  'a parent is neither pruned nor removed while a job is there that has it as a parent': async (
    subject,
  ) => {
    await open(subject);
    const [first] = await subject.put(parent(tokenFor('wait')));
    await subject.settle('fail', await subject.claimOnly());
    const waiting = await wait(subject, child(tokenFor('wait')));
    assert.equal((await subject.prune()).pruned, 0);
    assert.equal((await subject.ledger.remove({ jobId: first._id })).outcome, 'refused');
    await subject.cancel(waiting);
    const { pruned } = await subject.prune();
    assert.equal(pruned, 1);
    assert.equal(await subject.ledger.getJob({ jobId: waiting._id }), null);
    assert.notEqual(await subject.ledger.readFlow({ flowId: FLOW }), null);
    assert.equal((await subject.prune()).pruned, 1);
    assert.equal(await subject.ledger.readFlow({ flowId: FLOW }), null);
  },

  'a parent without a child left is removed, and the flow with its last job': async (subject) => {
    await open(subject, { uniqueKey: 'key' });
    const [first] = await subject.put(parent(tokenFor('wait')));
    assert.equal((await subject.ledger.remove({ jobId: first._id })).outcome, 'removed');
    assert.equal(await subject.ledger.readFlow({ flowId: FLOW }), null);
    await open(subject, { flowId: idOf(7), uniqueKey: 'key' });
  },

  'a job of a flow is not buried, by its holder or by a rescue': async (subject) => {
    await open(subject);
    await subject.put(parent(tokenFor('fail')));
    const claimed = await subject.claimOnly();
    const deadLetter = 'dead-letters';
    const source = { name: claimed.name, failedAt: subject.at(1000), failCount: 0, reason: 'Boom' };
    assert.equal(await subject.settle('bury', claimed, { deadLetter, source }), 'refused');
    await subject.die([{ name: claimed.name, concurrency: 1, running: 1, deadLetter }]);
    const { pending, failed } = await subject.rescue({ rescueLimit: 1 });
    assert.deepEqual([pending, failed], [0, 1]);
    assert.equal(await subject.statusOf(claimed), 'failed');
  },

  'of two unfinished flows with one key the second is not opened': async (subject) => {
    const first = await open(subject, { uniqueKey: 'key' });
    await wait(subject, child(tokenFor('fail')));
    const flow: FlowRecord = { ...first, flowId: idOf(2), state: 'storing' };
    const params = { flow, createdBefore: subject.at(-1_000) };
    const second = await subject.ledger.openFlow(params);
    assert.equal(second.outcome, 'existing');
    assert.equal(second.flow.flowId.toHexString(), FLOW.toHexString());
    assert.equal(await subject.ledger.readFlow({ flowId: idOf(2) }), null);
    const again = await subject.ledger.openFlow({ ...params, flow: first });
    assert.equal(again.outcome, 'opened');
    await release(subject, tokenFor('fail'));
    await subject.settle('complete', await subject.claimOnly({ now: subject.at(5_000) }));
    assert.equal((await subject.ledger.openFlow(params)).outcome, 'opened');
    assert.equal((await subject.ledger.openFlow(params)).outcome, 'opened');
  },

  'a flow that was not stored to its end gives its key up, though jobs of it are left': async (
    subject,
  ) => {
    const first = await open(subject, { state: 'storing', uniqueKey: 'key' });
    await wait(subject, child(storingToken(FLOW)));
    const flow: FlowRecord = { ...first, flowId: idOf(2) };
    const early = { flow, createdBefore: subject.at(0) };
    assert.equal((await subject.ledger.openFlow(early)).outcome, 'existing');
    const late = { flow, createdBefore: subject.at(1) };
    assert.equal((await subject.ledger.openFlow(late)).outcome, 'opened');
    const reading = await subject.ledger.readFlow({ flowId: FLOW });
    assert.equal(reading?.flow.state, 'abandoned');
  },

  'a flow that was given up holds no key, though jobs of it are left': async (subject) => {
    const first = await open(subject, { state: 'storing', uniqueKey: 'key' });
    await wait(subject, child(storingToken(FLOW)));
    await subject.ledger.closeFlow({ flowId: FLOW, state: 'abandoned' });
    const params = { flow: { ...first, flowId: idOf(2) }, createdBefore: subject.at(-1_000) };
    assert.equal((await subject.ledger.openFlow(params)).outcome, 'opened');
  },

  'a sweep finds what jobs wait for, in steps, and abandons what was not stored to its end': async (
    subject,
  ) => {
    await open(subject, { state: 'storing' });
    await wait(subject, { ...child(storingToken(FLOW)), _id: idOf(1) });
    await wait(subject, { ...child(tokenFor('continue'), tokenFor('fail')), _id: idOf(2) });
    await wait(subject, { ...child(tokenFor('fail')), _id: idOf(3) });
    const all = [storingToken(FLOW), tokenFor('continue'), tokenFor('fail')];
    assert.deepEqual(await walk(subject, 1), all);
    assert.equal((await subject.ledger.readFlow({ flowId: FLOW }))?.flow.state, 'storing');
    await subject.ledger.sweepFlows({ limit: 10, createdBefore: subject.at(1) });
    assert.equal((await subject.ledger.readFlow({ flowId: FLOW }))?.flow.state, 'abandoned');
  },

  'a sweep finds all that a job waits for, however many jobs it finds in a step': async (
    subject,
  ) => {
    await open(subject);
    await wait(subject, { ...child(tokenFor('continue'), tokenFor('wait')), _id: idOf(2) });
    await wait(subject, { ...child(tokenFor('fail')), _id: idOf(3) });
    const all = [tokenFor('continue'), tokenFor('fail'), tokenFor('wait')];
    for (const limit of [1, 2, 3, 10]) {
      assert.deepEqual(await walk(subject, limit), all, `${limit} in a step`);
    }
  },

  'a sweep abandons a flow of which none without parents was stored': async (subject) => {
    await open(subject, { state: 'storing' });
    const waiting = await wait(subject, child(tokenFor('fail')));
    await subject.ledger.sweepFlows({ limit: 10, createdBefore: subject.at(1) });
    assert.equal((await release(subject, tokenFor('fail'))).cancelled, 1);
    assert.equal(await subject.statusOf(waiting), 'cancelled');
  },
};
