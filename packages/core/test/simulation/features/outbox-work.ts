/** What is known of the simulated outbox: its name, its messages, and what publishing does. */
import { sleep } from '../../../src/foundation/clock.ts';
import type { Job } from '../../../src/index.ts';
import type { OutboxOptions, PublishedMessage } from '../../../src/options/outbox-options.ts';
import type { Task } from '../facts.ts';
import type { Machine } from '../machine.ts';
import type { Observer } from '../observer.ts';

/** The name of the outbox. */
export const OUTBOX_NAME = 'events';

/** The most messages that are sent together. */
export const OUTBOX_BATCH = 4;

/** So few that some messages fail for good. */
export const OUTBOX_RETRIES = 2;

const REFUSED_RATE = 0.08;
const ANSWER_LOST_RATE = 0.08;
const LONGEST_MS = 60;

/** What a job of an outbox holds. */
export interface StoredMessage {
  readonly id?: string;
  readonly data: Task;
}

/** One transaction that adds messages. */
export interface MessageCall {
  readonly numbers: readonly number[];
  readonly machine: Machine;
  /** `aborted`: by who ran it, or since it could not be carried out; `added` tells which were new. */
  answer?: 'committed' | 'aborted' | 'unknown';
  added?: readonly boolean[];
}

/** What was committed, and when. */
export interface Committed {
  readonly snapshot: number;
  readonly commit: number;
  /** What the transaction wrote beside its jobs. */
  readonly documents: ReadonlySet<string>;
  readonly jobs: readonly Job[];
}

/** What a message is stored as. */
export function messageOf(job: Job): StoredMessage {
  return job.data as StoredMessage;
}

/** What the user's own writes go to. */
export function aggregateOf(key: string): string {
  return `aggregate/${key}`;
}

/** The outbox as a machine that sends has it. */
export function outboxOptions(
  observer: Observer,
  machine: Machine,
  isSender: boolean,
): OutboxOptions<Task> {
  const { outboxOrder: order } = observer.facts.profile;
  const publish = (messages: readonly PublishedMessage<Task>[]): unknown =>
    send(observer, machine, messages);
  const sending = { publish, batch: { size: OUTBOX_BATCH }, maxRetries: OUTBOX_RETRIES };
  return { order, ...(isSender && sending) };
}

/** The receiver refuses some, and the answer to some is lost, while faults happen. */
async function send(
  observer: Observer,
  machine: Machine,
  messages: readonly PublishedMessage<Task>[],
): Promise<void> {
  const { world, profile } = observer.facts;
  if (machine.isCrashed) return new Promise(() => undefined);
  const drawn = world.nowMs < profile.faultyMs ? world.chance.fraction() : 1;
  await sleep(machine.userClock, world.chance.between(0, LONGEST_MS));
  if (machine.isCrashed) return new Promise(() => undefined);
  if (drawn < REFUSED_RATE) throw new Error('the receiver refuses, on purpose');
  observer.published(machine, messages);
  if (drawn < REFUSED_RATE + ANSWER_LOST_RATE) throw new Error('the answer is lost, on purpose');
}
