/** Messages of an outbox, added in transactions that overlap, commit, abort, meet each other and are cut off. */
import type { Session } from '../../../src/foundation/driver-shapes.ts';
import { UnknownOutcomeError } from '../../../src/foundation/errors.ts';
import type { OutboxMessage } from '../../../src/options/outbox-options.ts';
import type { Task } from '../facts.ts';
import type { Host } from '../host.ts';
import { outboxRule } from '../rules/outbox-rules.ts';
import { drawTask } from './one-off-jobs.ts';
import { aggregateOf, type MessageCall, OUTBOX_NAME } from './outbox-work.ts';
import { type Feature, LAST_WORDS_MS, pickHost, type Users } from './users.ts';

const FIRST_NUMBER = 4_000_000;
const KEYS = ['a', 'b', 'c'];
const IDS = 8;
const MOST_MESSAGES = 3;
const LONGEST_THOUGHT_MS = 60;
const AGAIN_AFTER_MS = 200;

/** What one transaction does. */
interface Unit {
  readonly messages: readonly OutboxMessage<Task>[];
  /** It changes what the messages tell of, before it adds them. */
  readonly writesFirst: boolean;
  readonly aborts: boolean;
}

/** The user does not want it after all. */
class ChangedMindError extends Error {}

/** Outbox. */
export const outbox: Feature = {
  plan(users) {
    const { world, chance, profile } = users;
    for (let count = 0; count < profile.messages; ) {
      const size = Math.min(chance.between(1, MOST_MESSAGES), profile.messages - count);
      const key = chance.pick(KEYS);
      const messages = Array.from({ length: size }, (_, index): OutboxMessage<Task> => {
        return {
          key: chance.happens(0.7) ? key : chance.pick(KEYS),
          ...(chance.happens(0.3) && { id: `id ${chance.between(1, IDS)}` }),
          data: drawTask(users, FIRST_NUMBER + count + index),
        };
      });
      const unit = { messages, writesFirst: chance.happens(0.5), aborts: chance.happens(0.15) };
      world.in(chance.fraction() * profile.faultyMs, () => {
        const host = pickHost(users);
        if (host) void carryOut(users, host, unit);
      });
      count += size;
    }
    if (profile.messages > 0)
      world.in(profile.faultyMs + LAST_WORDS_MS, () => redriveForGood(users));
  },
  rules: [outboxRule],
};

async function carryOut(users: Users, host: Host, unit: Unit): Promise<void> {
  const { observer } = users;
  const numbers = unit.messages.map(({ data }) => data.number);
  const call: MessageCall = { numbers, machine: host.machine };
  observer.facts.messageCalls.push(call);
  const work = (session: Session): Promise<boolean[]> => add(users, host, unit, session);
  try {
    const added = await host.call((monque) => monque.transaction<boolean[], Session>(work));
    observer.messagesAnswered(call, 'committed', added);
  } catch (error) {
    const isUnknown = error instanceof UnknownOutcomeError;
    observer.messagesAnswered(call, isUnknown ? 'unknown' : 'aborted');
  }
}

async function add(
  users: Users,
  { outbox: own, write, machine }: Host,
  { messages, writesFirst, aborts }: Unit,
  session: Session,
): Promise<boolean[]> {
  const { world, chance } = users;
  const added: boolean[] = [];
  for (const message of messages) {
    if (writesFirst) await write(session, aggregateOf(message.key));
    added.push(await own.add(message, { session }));
    await world.sleep(chance.between(0, LONGEST_THOUGHT_MS));
    await new Promise<void>((resolve) => machine.deliver(resolve));
  }
  if (aborts) throw new ChangedMindError();
  return added;
}

/** In the end every message is tried until it is sent. */
function redriveForGood(users: Users): void {
  for (const { name, status, _id } of [...users.observer.facts.jobs.values()]) {
    if (name !== OUTBOX_NAME || status !== 'failed') continue;
    pickHost(users)
      ?.call((monque) => monque.retryJob(_id))
      .catch(() => undefined);
  }
  users.world.in(AGAIN_AFTER_MS, () => redriveForGood(users));
}
