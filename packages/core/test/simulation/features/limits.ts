/** Limits that several names share, changed by people at any time, and one that a name has for itself. */
import type { LimitOptions } from '../../../src/index.ts';
import { limitRule, shareRule } from '../rules/limit-rules.ts';
import { type Feature, LAST_WORDS_MS, pickHost, SHARED_LIMIT, type Users } from './users.ts';

const AGAIN_AFTER_MS = 200;
/** What holds in the end: everything that was enqueued has to come to its end in time. */
const LAST: LimitOptions = { concurrency: 6 };

const SLOW_RATE = { limit: 4, per: 1_000, burst: 10 };

/** Limits. */
export const limits: Feature = {
  plan(users) {
    const { world, chance, profile } = users;
    if (profile.limits === 0) return;
    setUntilKnown(users, drawLimit(users));
    for (let count = 1; count < profile.limits; count += 1) {
      world.in(chance.fraction() * profile.faultyMs, () => void set(users, drawLimit(users)));
    }
    world.in(profile.faultyMs + LAST_WORDS_MS, () => setForGood(users));
  },
  rules: [limitRule, shareRule],
};

function drawLimit({ chance, profile }: Users): LimitOptions {
  if (profile.hasSlowRate) return { rate: SLOW_RATE };
  const concurrency = chance.happens(0.85) ? chance.between(0, 6) : undefined;
  const hasRate = concurrency === undefined || chance.happens(0.4);
  const rate = { limit: chance.between(10, 50), per: 1_000, burst: chance.between(1, 10) };
  return { ...(concurrency !== undefined && { concurrency }), ...(hasRate && { rate }) };
}

async function set(users: Users, limit: LimitOptions): Promise<void> {
  // What was not answered is for the caller to ask again.
  await pickHost(users)
    ?.call((monque) => monque.setLimit(SHARED_LIMIT, limit))
    .catch(() => undefined);
}

/** Workers do not start before the limit that they name is there. */
function setUntilKnown(users: Users, limit: LimitOptions): void {
  if (users.observer.facts.limits.has(SHARED_LIMIT)) return;
  void set(users, limit);
  users.world.in(AGAIN_AFTER_MS, () => setUntilKnown(users, limit));
}

function setForGood(users: Users): void {
  const known = users.observer.facts.limits.get(SHARED_LIMIT);
  if (known?.record.concurrency === LAST.concurrency && known?.record.rate === undefined) return;
  void set(users, LAST);
  users.world.in(AGAIN_AFTER_MS, () => setForGood(users));
}
