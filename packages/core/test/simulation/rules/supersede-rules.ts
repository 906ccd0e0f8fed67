/** What must hold of jobs that supersede others. */
import type { Job } from '../../../src/index.ts';
import { type Facts, taskOf } from '../facts.ts';
import { LAST_WORDS_MS } from '../features/users.ts';
import { describe } from './job-rules.ts';
import type { Rule, Violate } from './rule.ts';

/** Some polls, with and without hints, and the calls of a sweep. */
const ASKED_WITHIN_MS = 6_000;
const ASKED_WITHIN_WITH_HINTS_MS = 36_000;

/**
 * At most one job of a key waits for its first start and at most one runs; and when nothing goes wrong any more, one
 * that runs is asked to cancel soon where the one that waits wants that, whoever died before it asked.
 */
export function supersedeRule(facts: Facts, violate: Violate): Rule {
  const jobs = new Map<string, Job>();
  const told = new Set<string>();
  const boundMs = facts.profile.hints === 'none' ? ASKED_WITHIN_MS : ASKED_WITHIN_WITH_HINTS_MS;
  const sinceMs = new Map<string, number>();
  const ofKey = ({ order }: Job): Job[] => [...jobs.values()].filter((job) => job.order === order);
  const judgeCrowd = (job: Job): void => {
    const others = ofKey(job).filter(({ _id }) => !_id.equals(job._id));
    const waits = ({ status, startLock }: Job): boolean =>
      status === 'pending' && startLock !== undefined;
    const crowd = others.find(
      (other) =>
        (waits(job) && waits(other)) ||
        (job.status === 'processing' && other.status === 'processing'),
    );
    if (crowd !== undefined) {
      violate('two of a superseded key are there', `${describe(job)} and ${describe(crowd)}`);
    }
  };
  return {
    jobWritten({ before, after }) {
      const id = (after ?? before)?._id.toHexString() ?? '';
      if (after === undefined) jobs.delete(id);
      if (after?.supersedes === undefined) return;
      jobs.set(id, after);
      judgeCrowd(after);
    },
    passed(nowMs) {
      const isCalm = nowMs > facts.profile.faultyMs + LAST_WORDS_MS;
      for (const waiting of jobs.values()) {
        if (waiting.supersedes !== 'cancel' || waiting.status !== 'pending') continue;
        if (waiting.startLock === undefined) continue;
        const runs = ofKey(waiting).find((job) => isUnasked(job, waiting));
        const key = `${waiting._id} ${runs?._id} ${runs?.fence}`;
        if (runs === undefined) continue;
        const fromMs = sinceMs.get(key) ?? nowMs;
        sinceMs.set(key, isCalm ? fromMs : nowMs);
        if (nowMs - fromMs <= boundMs || told.has(key)) continue;
        told.add(key);
        violate(
          'a superseded job is not asked to cancel',
          `${describe(runs)} for ${describe(waiting)}`,
        );
      }
    },
  };
}

/** One that was accepted: which job stands for it, and when. */
interface Accepted {
  readonly id: string;
  readonly key: string;
  readonly calledMs: number;
  readonly answeredMs: number;
}

/**
 * The newest that was accepted is the last that starts: once it was, no job starts for the first time for one that was accepted
 * before it was asked for. Who is put back manually has its place at the end.
 */
export function newestRule(facts: Facts, violate: Violate): Rule {
  /** By the number of the enqueue. */
  const accepted = new Map<number, Accepted>();
  const started = new Set<string>();
  return {
    enqueueAnswered({ task, answer, calledMs }, job) {
      if (job?.supersedes === undefined || job.order === undefined) return;
      if (answer !== 'enqueued' && answer !== 'existing') return;
      const [id, key] = [job._id.toHexString(), job.order];
      accepted.set(task.number, { id, key, calledMs, answeredMs: facts.world.nowMs });
    },
    jobWritten({ verb, after }) {
      if (after?.supersedes === undefined) return;
      const id = after._id.toHexString();
      // Who puts a job back wants it to run, whatever came after it.
      if (verb === 'redrive') started.add(id);
      if (verb !== 'claimInOrder') return;
      const isFirst = !started.has(id) && !facts.revived.has(id);
      started.add(id);
      const own = accepted.get(taskOf(after).number);
      // One that was stored late, under another id than its caller was told of, has its place at the end.
      if (!isFirst || own?.id !== id) return;
      const newer = [...accepted].find(([, { key, calledMs }]) => {
        return key === own.key && calledMs > own.answeredMs;
      });
      if (newer === undefined) return;
      violate('what is superseded starts', `${describe(after)}, though job ${newer[0]} is newer`);
    },
  };
}

/** It runs, and was stored before the one that waits. */
function isUnasked({ status, cancelRequestedAt, rank }: Job, waiting: Job): boolean {
  const isBefore = Number(rank) < Number(waiting.rank);
  return status === 'processing' && cancelRequestedAt === undefined && isBefore;
}
