/**
 * Groups: fair turns, how many of each run at once and start in a time, pauses of one, and what is seen of them.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { systemRandom } from '../../foundation/random.ts';
import type { Job } from '../../job/job.ts';
import { groupFields } from '../../job/lanes.ts';
import type {
  ClaimGroupsParams,
  ClaimGroupsResult,
  GroupRecord,
  SetGroupParams,
} from '../../ledger/ledger-repository.ts';
import { type ContractTests, INSTANCE, idsOf, JOB_NAME, only, type Subject } from './subject.ts';

const HOUR_MS = 3_600_000;

export const groupTests: ContractTests = {
  'a claim for groups takes all due jobs with one where there is no limit': async (subject) => {
    const jobs = await putAll(subject, 'a', 'b', 'a');
    await subject.putOne();
    const { jobs: claimed, drained, attempted } = await claim(subject);
    assert.deepEqual(sorted(claimed), sorted(jobs));
    assert.deepEqual({ drained, attempted }, { drained: [JOB_NAME], attempted: 3 });
    for (const job of claimed) assert.equal(job.fence, 1);
  },

  'a claim that is not for groups takes no job with one': async (subject) => {
    await putAll(subject, 'a');
    const plain = await subject.putOne();
    assert.deepEqual(idsOf((await subject.claim()).jobs), idsOf([plain]));
    assert.deepEqual((await subject.claim({ suspects: true })).jobs, []);
  },

  'groups take turns, whichever came first': async (subject) => {
    await putAll(subject, ...Array.from({ length: 20 }, () => 'noisy'), 'b', 'c', 'b', 'c');
    const first = (await claim(subject, {}, 3)).jobs;
    assert.deepEqual(groupsOf(first), ['b', 'c', 'noisy']);
    assert.deepEqual(groupsOf((await claim(subject, {}, 3)).jobs), ['b', 'c', 'noisy']);
    const { jobs, saturated } = await claim(subject, {}, 5);
    assert.deepEqual(
      groupsOf(jobs),
      Array.from({ length: 5 }, () => 'noisy'),
    );
    assert.deepEqual(saturated, [JOB_NAME]);
  },

  'one job at a time goes to each group before any has a second': async (subject) => {
    const keys = Array.from({ length: 7 }, (_, index) => `key ${index}`);
    await putAll(subject, ...keys, ...keys, ...keys);
    for (let pass = 0; pass < 3; pass += 1) {
      const seen: Job[] = [];
      for (const _ of keys) seen.push(only((await claim(subject, {}, 1)).jobs));
      assert.deepEqual(groupsOf(seen), keys);
    }
  },

  'a group that weighs more gets more at each of its turns': async (subject) => {
    await set(subject, { group: 'b', weight: 3 });
    await putAll(subject, ...Array.from({ length: 9 }, (_, index) => (index < 4 ? 'a' : 'b')));
    const { jobs } = await claim(subject, {}, 4);
    assert.deepEqual(groupsOf(jobs), ['a', 'b', 'b', 'b']);
  },

  'a turn that was cut short goes on with the next claim, before any other group': async (
    subject,
  ) => {
    await set(subject, { group: 'b', weight: 3 });
    await putAll(subject, 'a', 'a', 'b', 'b', 'b', 'b', 'b', 'b');
    let seen = '';
    for (let round = 0; round < 8; round += 1) {
      seen += only(groupsOf((await claim(subject, {}, 1)).jobs));
    }
    assert.ok(['abbbabbb', 'bbbabbba'].includes(seen), seen);
  },

  'within a group the lowest number of priority goes first, then who is due earlier': async (
    subject,
  ) => {
    const late = await put(subject, 'a', { priority: 1 });
    const soon = await put(subject, 'a', {}, { nextRunAt: subject.at(-10) });
    const later = await put(subject, 'a', {}, { nextRunAt: subject.at(-5) });
    const urgent = await put(subject, 'a', { priority: -1 });
    const put4 = await put(subject, 'a', { priority: -2 }, { nextRunAt: subject.at(500) });
    const seen: Job[] = [];
    for (let round = 0; round < 4; round += 1) {
      seen.push(only((await claim(subject, {}, 1)).jobs));
    }
    assert.deepEqual(idsOf(seen), idsOf([urgent, soon, later, late]));
    assert.deepEqual((await claim(subject)).jobs, []);
    const then = await claim(subject, { now: subject.at(500) });
    assert.deepEqual(idsOf(then.jobs), idsOf([put4]));
  },

  'no more jobs of a group are claimed than it may run at once': async (subject) => {
    await set(subject, { concurrency: 2 });
    await set(subject, { group: 'b', concurrency: 1 });
    await putAll(subject, ...['a', 'a', 'a', 'a'], ...['b', 'b']);
    const { jobs, drained } = await claim(subject);
    assert.deepEqual(groupsOf(jobs), ['a', 'a', 'b']);
    assert.deepEqual(drained, [JOB_NAME]);
    assert.deepEqual((await claim(subject)).jobs, []);
    await subject.settle('complete', jobs.find(({ group }) => group === 'a') as Job);
    await subject.settle('retry', jobs.find(({ group }) => group === 'b') as Job);
    assert.deepEqual(groupsOf((await claim(subject)).jobs), ['a', 'b']);
    assert.deepEqual((await claim(subject)).jobs, []);
  },

  'a place is free again however the job ends, and a retry needs a new one': async (subject) => {
    await set(subject, { concurrency: 1 });
    await putAll(subject, 'a', 'a', 'a', 'a', 'a');
    const ends = ['complete', 'fail', 'cancelByHandler', 'snooze'] as const;
    for (const end of ends) {
      const claimed = only((await claim(subject)).jobs);
      assert.deepEqual((await claim(subject)).jobs, []);
      assert.equal(await subject.settle(end, claimed), 'settled');
    }
    assert.equal((await claim(subject)).jobs.length, 1);
    assert.deepEqual((await claim(subject, { now: subject.at(9_000) })).jobs, []);
  },

  'a rescue frees the place, and a suspect is claimed alone when there is one': async (subject) => {
    await set(subject, { concurrency: 1 });
    const [first, second] = await putAll(subject, 'a', 'a');
    for (let time = 0; time < 2; time += 1) {
      assert.deepEqual(idsOf((await claim(subject)).jobs), idsOf([first as Job]));
      assert.equal((await subject.rescue()).pending, 1);
    }
    const other = only((await claim(subject)).jobs);
    assert.deepEqual(idsOf([other]), idsOf([second as Job]));
    assert.deepEqual((await claim(subject, { suspects: true })).jobs, []);
    await subject.settle('complete', other);
    assert.deepEqual((await claim(subject)).jobs, []);
    const { jobs } = await claim(subject, { suspects: true });
    assert.deepEqual(idsOf(jobs), idsOf([first as Job]));
  },

  'a job that was changed while it waits is claimed as it is then': async (subject) => {
    await set(subject, { concurrency: 1 });
    const [first, second] = await putAll(subject, 'a', 'a');
    const { _id: jobId } = first as Job;
    const changes = { nextRunAt: subject.at(700), rank: -5 };
    const { job } = await subject.ledger.amend({ jobId, changes, now: subject.at(0) });
    assert.equal(job?.rank, -5);
    assert.equal(job.fence, 1);
    const claimed = only((await claim(subject)).jobs);
    assert.deepEqual(idsOf([claimed]), idsOf([second as Job]));
    await subject.settle('complete', claimed);
    const again = only((await claim(subject, { now: subject.at(700) })).jobs);
    assert.deepEqual({ id: idsOf([again]), fence: again.fence }, { id: [String(jobId)], fence: 2 });
  },

  'a limit that is lowered stops nothing, and lets none start until there is room': async (
    subject,
  ) => {
    await set(subject, { concurrency: 3 });
    await putAll(subject, 'a', 'a', 'a', 'a', 'a');
    const { jobs } = await claim(subject);
    assert.equal(jobs.length, 3);
    await set(subject, { group: 'a', concurrency: 2 });
    await subject.settle('complete', jobs[0] as Job);
    assert.deepEqual((await claim(subject)).jobs, []);
    await subject.settle('complete', jobs[1] as Job);
    assert.equal((await claim(subject)).jobs.length, 1);
    await set(subject, { group: 'a', concurrency: null });
    assert.equal((await claim(subject)).jobs.length, 1);
  },

  'a limit that is taken away and set again counts what was claimed under it': async (subject) => {
    for (const rate of [null, { limit: 10, perMs: HOUR_MS, burst: 10 }]) {
      await set(subject, { group: 'a', concurrency: 1 });
      await putAll(subject, 'a', 'a', 'a');
      const first = only((await claim(subject)).jobs);
      await set(subject, { group: 'a', concurrency: null, rate });
      const second = only((await claim(subject, {}, 1)).jobs);
      await subject.settle('complete', second);
      await set(subject, { group: 'a', concurrency: 1, rate: null });
      assert.deepEqual((await claim(subject)).jobs, []);
      await subject.settle('complete', first);
      await subject.settle('complete', only((await claim(subject)).jobs));
    }
  },

  'many claims at once start no more of a group than it may': async (subject) => {
    await set(subject, { concurrency: 2 });
    await putAll(subject, ...Array.from({ length: 12 }, (_, index) => (index % 2 ? 'a' : 'b')));
    const claims = await Promise.all(Array.from({ length: 8 }, () => claim(subject)));
    const won = claims.flatMap(({ jobs }) => jobs);
    const late = (await claim(subject)).jobs;
    assert.deepEqual(groupsOf([...won, ...late]), ['a', 'a', 'b', 'b']);
  },

  'a rate gives a burst at once, and says when the next start is allowed': async (subject) => {
    await set(subject, { rate: { limit: 1, perMs: HOUR_MS, burst: 3 } });
    await putAll(subject, 'a', 'a', 'a', 'a', 'b');
    const { jobs } = await claim(subject);
    assert.deepEqual(groupsOf(jobs), ['a', 'a', 'a', 'b']);
    await subject.settle('complete', jobs[0] as Job);
    const { jobs: none, startsLater, drained } = await claim(subject);
    assert.deepEqual(none, []);
    assert.deepEqual(drained, [JOB_NAME]);
    const inMs = Number(only(startsLater).at) - subject.at(0).getTime();
    assert.ok(inMs > HOUR_MS * 0.9 && inMs < HOUR_MS * 1.1, `in ${inMs} ms`);
  },

  'a rate that is made faster holds at once, and each try counts': async (subject) => {
    await set(subject, { group: 'a', rate: { limit: 1, perMs: HOUR_MS, burst: 1 } });
    await putAll(subject, 'a', 'a');
    const first = only((await claim(subject)).jobs);
    await subject.settle('release', first);
    assert.deepEqual((await claim(subject)).jobs, []);
    await set(subject, { group: 'a', rate: { limit: 60, perMs: HOUR_MS, burst: 1 } });
    // What was started at the slow rate counts as one burst of the fast one.
    const now = (await subject.ledger.readTime()).getTime();
    const at = Number(only((await claim(subject, { now: new Date(now) })).startsLater).at);
    assert.ok(at - now <= HOUR_MS / 60, `in ${at - now} ms`);
    const { nextStartAt } = only(await read(subject, { group: 'a' }));
    assert.ok(Number(nextStartAt) - now <= HOUR_MS / 60, `in ${Number(nextStartAt) - now} ms`);
  },

  'a claim for several names heeds what was set for each': async (subject) => {
    const other = 'other-name';
    await set(subject, { concurrency: 3, rate: { limit: 10, perMs: HOUR_MS, burst: 10 } });
    await set(subject, { name: other, concurrency: 2 });
    await putAll(subject, 'a', 'a', 'a', 'a');
    for (let count = 0; count < 3; count += 1) await put(subject, 'x', {}, { name: other });
    const demand = (limit: number) => ({
      demand: [
        { name: JOB_NAME, limit },
        { name: other, limit },
      ],
    });
    assert.deepEqual(groupsOf((await claim(subject, demand(1))).jobs), ['a', 'x']);
    assert.deepEqual(groupsOf((await claim(subject, demand(9))).jobs), ['a', 'a', 'x']);
    assert.deepEqual((await claim(subject, demand(9))).jobs, []);
  },

  'what was started under a rate is not forgotten while it counts': async (subject) => {
    await set(subject, { rate: { limit: 1, perMs: HOUR_MS, burst: 1 } });
    await putAll(subject, 'a', 'a');
    await subject.settle('complete', only((await claim(subject)).jobs));
    const now = (await subject.ledger.readTime()).getTime();
    const usedBefore = new Date(now + HOUR_MS / 2);
    assert.equal((await subject.ledger.sweepOrders({ usedBefore, limit: 10 })).swept, 0);
    assert.deepEqual((await claim(subject)).jobs, []);
  },

  'a group that is paused starts nothing, and the others go on': async (subject) => {
    await putAll(subject, 'a', 'b', 'a', 'b');
    await set(subject, { group: 'a', paused: true });
    assert.deepEqual(groupsOf((await claim(subject)).jobs), ['b', 'b']);
    await set(subject, { group: 'a', paused: false });
    assert.deepEqual(groupsOf((await claim(subject)).jobs), ['a', 'a']);
  },

  'what is set for a group goes before what is set for all, and null takes it back': async (
    subject,
  ) => {
    const rate = { limit: 5, perMs: 1_000, burst: 2 };
    await set(subject, { concurrency: 4, rate, weight: 2 });
    await set(subject, { group: 'a', concurrency: 1, weight: 7 });
    await set(subject, { group: 'a', weight: null, paused: true });
    const record = only(await read(subject, { group: 'a' }));
    assert.deepEqual(record, {
      ...{ group: 'a', concurrency: 1, rate, weight: 2, paused: true },
      ...{ waiting: 0, running: 0, holders: [] },
    });
    await set(subject, { concurrency: null, rate: null, weight: null });
    await set(subject, { group: 'a', concurrency: null, paused: false });
    assert.deepEqual(await read(subject, { group: 'a' }), [
      { group: 'a', paused: false, waiting: 0, running: 0, holders: [] },
    ]);
  },

  'groups are read by page, with who runs and how many wait': async (subject) => {
    assert.deepEqual(await read(subject, {}), []);
    await set(subject, { concurrency: 1 });
    await putAll(subject, 'a', 'b', 'a', 'c', 'c');
    await put(subject, 'a', {}, { nextRunAt: subject.at(-100) });
    const before = await read(subject, {});
    const waiting = before.map(({ group, waiting: count }) => `${group} ${count}`);
    assert.deepEqual(waiting.sort(), ['a 3', 'b 1', 'c 2']);
    const { jobs } = await claim(subject);
    const held = jobs.find(({ group }) => group === 'a') as Job;
    const all = await read(subject, {});
    const common = { concurrency: 1, paused: false };
    const [a, b, c] = ['a', 'b', 'c'].map((group) => all.find((one) => one.group === group));
    assert.deepEqual(a, {
      ...{ group: 'a', ...common, running: 1, holders: [held._id] },
      ...{ waiting: 2, oldestDueAt: subject.at(0) },
    });
    assert.deepEqual(
      { waiting: b?.waiting, running: b?.running, oldest: b?.oldestDueAt },
      { waiting: 0, running: 1, oldest: undefined },
    );
    assert.equal(c?.waiting, 1);
    const pages: GroupRecord[] = [];
    for (let page = await read(subject, { limit: 1 }); page.length > 0; ) {
      pages.push(...page);
      page = await read(subject, { limit: 1, after: only(page).group });
    }
    assert.deepEqual(pages, all);
    assert.deepEqual(
      await subject.ledger.readGroups({ name: 'other', limit: 9, now: subject.at(0) }),
      [],
    );
  },

  'what was set for a group is not forgotten, nor is who holds a place': async (subject) => {
    await set(subject, { concurrency: 1 });
    await set(subject, { group: 'b', concurrency: 2 });
    await putAll(subject, 'a', 'a', 'b', 'b', 'b', 'c');
    const { jobs } = await claim(subject);
    await subject.settle('complete', jobs.find(({ group }) => group === 'c') as Job);
    const swept = await subject.ledger.sweepOrders({ usedBefore: subject.at(HOUR_MS), limit: 10 });
    assert.equal(swept.swept, 1);
    assert.deepEqual((await claim(subject)).jobs, []);
    for (const job of jobs) await subject.settle('complete', job);
    assert.deepEqual(groupsOf((await claim(subject)).jobs), ['a', 'b']);
  },

  'jobs are found by their group': async (subject) => {
    const [first, , third] = await putAll(subject, 'a', 'b', 'a');
    const found = await subject.ledger.findJobs({
      filter: { group: 'a' },
      ...{ orderBy: '_id', direction: 'ascending', limit: 10 },
    });
    assert.deepEqual(sorted(found), sorted([first, third] as Job[]));
  },

  'groups with signs of their own are kept word for word': async (subject) => {
    const keys = ['$a.b', 'a/b', '1/a', 'ä 🚀', 'a:b', ' '];
    await set(subject, { concurrency: 1 });
    await putAll(subject, ...keys, ...keys);
    assert.deepEqual(groupsOf((await claim(subject)).jobs), [...keys].sort());
    assert.deepEqual(groupsOf((await claim(subject)).jobs), []);
    const read = await subject.ledger.readGroups({ name: JOB_NAME, limit: 20, now: subject.at(0) });
    assert.deepEqual(read.map(({ group }) => group).sort(), [...keys].sort());
  },
};

function sorted(jobs: readonly Job[]): string[] {
  return [...idsOf(jobs)].sort();
}

function groupsOf(jobs: readonly Job[]): string[] {
  return jobs.map(({ group = '' }) => group).sort();
}

function put(
  subject: Subject,
  group: string,
  { priority = 0 }: { readonly priority?: number } = {},
  fields: Partial<Job> = {},
): Promise<Job> {
  return subject.putOne({ ...fields, ...groupFields(group, priority) });
}

/** One after the other, so that each was stored before the next. */
async function putAll(subject: Subject, ...groups: readonly string[]): Promise<Job[]> {
  const jobs: Job[] = [];
  for (const group of groups) jobs.push(await put(subject, group));
  return jobs;
}

function claim(
  subject: Subject,
  choice: Partial<ClaimGroupsParams> = {},
  limit = 10,
): Promise<ClaimGroupsResult> {
  return subject.ledger.claimGroups({
    demand: [{ name: JOB_NAME, limit }],
    instanceId: INSTANCE,
    claimToken: systemRandom.token(),
    now: subject.at(0),
    suspects: false,
    ...choice,
  });
}

function set(subject: Subject, settings: Partial<SetGroupParams>): Promise<void> {
  return subject.ledger.setGroup({ name: JOB_NAME, now: subject.at(0), ...settings });
}

function read(
  subject: Subject,
  choice: { readonly group?: string; readonly after?: string; readonly limit?: number },
): Promise<readonly GroupRecord[]> {
  return subject.ledger.readGroups({ name: JOB_NAME, limit: 10, now: subject.at(0), ...choice });
}
