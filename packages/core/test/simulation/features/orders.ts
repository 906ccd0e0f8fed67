/** Jobs that run one after the other by key, while they fail, are put off, rescued, cancelled and redriven. */
import type { Job } from '../../../src/index.ts';
import { WALL_START_MS } from '../machine.ts';
import { orderRule } from '../rules/order-rules.ts';
import { drawRunOptions, drawTask, submit } from './one-off-jobs.ts';
import { type Feature, LAST_WORDS_MS, ORDERED_NAME, pickHost, type Users } from './users.ts';

const FIRST_NUMBER = 3_000_000;
const KEYS = ['a', 'b', 'c', 'd'];
const LONGEST_RUN_MS = 400;
const MOST_LATER_MS = 500;
const REDRIVES_A_JOB = 0.3;
const AGAIN_AFTER_MS = 200;

/** Orders. */
export const orders: Feature = {
  plan(users) {
    const { world, chance, profile } = users;
    if (profile.orders === 0) return;
    for (let index = 0; index < profile.orders; index += 1) {
      const drawn = drawTask(users, FIRST_NUMBER + index);
      const task = { ...drawn, runMs: Math.min(drawn.runMs, LONGEST_RUN_MS) };
      const { priority: _, ...options } = drawRunOptions(chance);
      const order = chance.pick(KEYS);
      const laterMs = chance.happens(0.1) ? chance.between(1, MOST_LATER_MS) : 0;
      world.in(chance.fraction() * profile.faultyMs, () => {
        const runAt = new Date(WALL_START_MS + world.nowMs + laterMs);
        const entry = { ...options, order, ...(laterMs > 0 && { runAt }) };
        const host = pickHost(users);
        if (host) submit(users, host, [{ name: ORDERED_NAME, data: task, options: entry }]);
      });
    }
    for (let count = 0; count < profile.orders * REDRIVES_A_JOB; count += 1) {
      world.in(chance.fraction() * profile.faultyMs, () => redriveOne(users));
    }
    world.in(profile.faultyMs + LAST_WORDS_MS, () => giveWayForGood(users));
  },
  rules: [orderRule],
};

function ordered({ observer }: Users): readonly Job[] {
  return [...observer.facts.jobs.values()].filter(({ order }) => order !== undefined);
}

/** One that has ended, at best while others of its key wait. */
function redriveOne(users: Users): void {
  const over = ordered(users).filter(({ status }) => status === 'failed' || status === 'cancelled');
  const host = pickHost(users);
  if (over.length === 0 || host === undefined) return;
  const { _id } = users.chance.pick(over);
  host.call((monque) => monque.retryJob(_id)).catch(() => undefined);
}

/** In the end nobody who failed holds the others up. */
function giveWayForGood(users: Users): void {
  const { profile, world, observer } = users;
  const failed = ordered(users).filter(
    ({ status, name }) => status === 'failed' && name === ORDERED_NAME,
  );
  for (const { _id } of profile.orderHalts ? failed : []) {
    pickHost(users)
      ?.call((monque) => monque.deleteJob(_id))
      .catch(() => undefined);
  }
  const isOpen = ordered(users).some(
    ({ status }) => status === 'pending' || status === 'processing',
  );
  // What is sent again may come late, fail, and hold up what came with it.
  const isAwaited = [...observer.facts.enqueues.values()].some(({ answer, machine }) => {
    return answer === undefined && !machine.isCrashed;
  });
  if (isOpen || isAwaited) world.in(AGAIN_AFTER_MS, () => giveWayForGood(users));
}
