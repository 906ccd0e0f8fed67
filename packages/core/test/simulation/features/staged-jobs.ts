/** Jobs with stages and gates; people open these before, while and after a job comes to them, some with other evidence. */
import type { Job } from '../../../src/index.ts';
import { evidenceRule, gateRule, stageRule } from '../rules/stage-rules.ts';
import { drawRunOptions, drawTask, submit } from './one-off-jobs.ts';
import { ENDLESS_GATE, GATES, STAGED_NAME } from './staged-work.ts';
import { type Feature, LAST_WORDS_MS, pickHost, type Users } from './users.ts';

const FIRST_NUMBER = 2_000_000;
const LONGEST_STAGE_MS = 300;
const OPENINGS_A_JOB = 5;
const EVIDENCES = 2;
const AGAIN_AFTER_MS = 500;
const FINISHED = new Set(['completed', 'failed', 'cancelled']);

/** Stages and gates. */
export const stagedJobs: Feature = {
  plan(users) {
    const { world, chance, profile } = users;
    if (profile.stagedJobs === 0) return;
    for (let index = 0; index < profile.stagedJobs; index += 1) {
      const drawn = drawTask(users, FIRST_NUMBER + index);
      const task = { ...drawn, runMs: Math.min(drawn.runMs, LONGEST_STAGE_MS) };
      // The time that a stage takes is not the time that its run takes.
      const { timeout: _, ...options } = drawRunOptions(chance);
      world.in(chance.fraction() * profile.faultyMs, () => {
        const host = pickHost(users);
        if (host) submit(users, host, [{ name: STAGED_NAME, data: task, options }]);
      });
    }
    for (let count = 0; count < profile.stagedJobs * OPENINGS_A_JOB; count += 1) {
      world.in(chance.fraction() * profile.faultyMs, () => openOne(users));
    }
    world.in(profile.faultyMs + LAST_WORDS_MS, () => openForGood(users));
  },
  rules: [stageRule, gateRule, evidenceRule],
};

function openOne(users: Users): void {
  const { chance } = users;
  const jobs = unfinished(users);
  if (jobs.length > 0) open(users, chance.pick(jobs), chance.pick(Object.keys(GATES)));
}

function unfinished({ observer }: Users): readonly Job[] {
  const jobs = [...observer.facts.jobs.values()];
  return jobs.filter(({ name, status }) => name === STAGED_NAME && !FINISHED.has(status));
}

/** In the end every gate is opened that would hold its job for ever. */
function openForGood(users: Users): void {
  for (const job of unfinished(users)) {
    const isClosed = !job.gates?.some(({ name }) => name === ENDLESS_GATE);
    if (isClosed) open(users, job, ENDLESS_GATE);
  }
  users.world.in(AGAIN_AFTER_MS, () => openForGood(users));
}

function open(users: Users, { _id }: Job, gate: string): void {
  const { chance, observer } = users;
  const host = pickHost(users);
  if (host === undefined) return;
  const evidence = { from: chance.between(1, EVIDENCES) };
  const { machine } = host;
  host
    .call((monque) => monque.openGate(_id, gate, { evidence, by: machine.name }))
    .then(
      (job) => {
        if (job === null || machine.isCrashed) return;
        observer.evidenceAccepted({ jobId: _id.toHexString(), gate, evidence });
      },
      // That other evidence came first, or that there was no answer, is for the caller to know.
      () => undefined,
    );
}
