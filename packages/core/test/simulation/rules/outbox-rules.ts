/** What must hold of messages of an outbox. */
import type { Job } from '../../../src/index.ts';
import type { JobVerb } from '../../../src/job/job-lifecycle.ts';
import { type Facts, taskOf } from '../facts.ts';
import {
  aggregateOf,
  type Committed,
  messageOf,
  OUTBOX_BATCH,
  OUTBOX_NAME,
} from '../features/outbox-work.ts';
import { describe } from './job-rules.ts';
import type { Rule, Violate } from './rule.ts';

/** Somebody said that a message is not to be sent, at least not in its place. */
const WITHDRAWALS = new Set<JobVerb>([
  'cancel',
  'requestCancel',
  'cancelled',
  'rescueToCancelled',
  'remove',
]);

/** A message that was committed. */
interface Message {
  readonly job: Job;
  readonly committed: Committed;
  /** Its place in its transaction. */
  readonly index: number;
  isReceived: boolean;
  isWithdrawn: boolean;
}

/**
 * No message that was committed is missing, or overtaken within its key when it comes for the first time; none of an
 * aborted transaction is stored or sent; and none is stored twice under one id.
 */
export function outboxRule(facts: Facts, violate: Violate): Rule {
  const messages = new Map<string, Message>();
  const ids = new Set<string>();
  const numbers = new Set<number>();
  const goesBefore = (one: Message, other: Message): boolean => {
    const [own, others] = [one.committed, other.committed];
    if (own === others) return one.index < other.index;
    const aggregate = aggregateOf(one.job.order ?? '');
    const haveMet = own.documents.has(aggregate) && others.documents.has(aggregate);
    const isByCommit = facts.profile.outboxOrder === 'commit' || haveMet;
    return own.commit < others.commit && (isByCommit || own.commit <= others.snapshot);
  };
  const stored = (job: Job): void => {
    const jobId = job._id.toHexString();
    const committed = facts.committed.get(jobId);
    if (committed === undefined) {
      violate('a message is stored outside its transaction', describe(job));
      return;
    }
    const index = committed.jobs.findIndex(({ _id }) => _id.equals(job._id));
    messages.set(jobId, { job, committed, index, isReceived: false, isWithdrawn: false });
    const { id } = messageOf(job);
    if (id !== undefined && ids.has(id)) violate('a message is stored twice', describe(job));
    if (id !== undefined) ids.add(id);
    const { number } = taskOf(job);
    if (numbers.has(number)) violate('a message is stored twice', describe(job));
    numbers.add(number);
  };
  return {
    jobWritten({ verb, before, after }) {
      const job = (after ?? before) as Job;
      if (job.name !== OUTBOX_NAME) return;
      if (before === undefined) stored(job);
      const message = messages.get(job._id.toHexString());
      if (message !== undefined && WITHDRAWALS.has(verb)) message.isWithdrawn = true;
    },
    published(sent) {
      const keys = new Set(sent.map(({ key }) => key));
      const told = sent.map(({ data }) => `job ${data.number}`).join();
      if (sent.length > OUTBOX_BATCH) violate('too many messages are sent together', told);
      if (keys.size < sent.length) violate('two messages of a key are sent together', told);
      for (const { jobId, key } of sent) {
        const message = messages.get(jobId.toHexString());
        if (message === undefined) violate('a message is sent that was not committed', told);
        if (message === undefined || message.isReceived) continue;
        message.isReceived = true;
        facts.counts.messages += 1;
        if (message.isWithdrawn) continue;
        const passed = [...messages.values()].find((other) => {
          const isOpen = !other.isReceived && !other.isWithdrawn && other.job.order === key;
          return isOpen && goesBefore(other, message);
        });
        if (passed === undefined) continue;
        violate(
          'a message is overtaken',
          `${describe(message.job)} passes ${describe(passed.job)}`,
        );
      }
    },
    messagesAnswered({ numbers: own, answer, added = [] }) {
      for (const [index, number] of own.entries()) {
        const isStored = numbers.has(number);
        if (answer === 'aborted' && isStored) {
          violate('a message of an aborted transaction is stored', `job ${number}`);
        }
        if (answer !== 'committed' || isStored === added[index]) continue;
        violate('an answer about a message is wrong', `job ${number}: ${added[index]}`);
      }
    },
    drained() {
      for (const [jobId, { job, isReceived, isWithdrawn }] of messages) {
        // One that failed for good waits for people.
        const isDeadLetter = facts.jobs.get(jobId)?.status === 'failed';
        if (isReceived || isWithdrawn || isDeadLetter) continue;
        violate('a message is missing', describe(job));
      }
      for (const { numbers: own, answer, machine } of facts.messageCalls) {
        if (answer !== undefined || machine.isCrashed) continue;
        violate('a transaction is never answered', `job ${own.join()}`);
      }
    },
  };
}
