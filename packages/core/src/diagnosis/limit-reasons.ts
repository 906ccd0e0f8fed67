/**
 * Why a due job waits for the limits of its name: one is full, its rate is used up, it is backed off from, or nobody
 * holds a share of it yet.
 *
 * @module
 */
import type {
  LeaseRecord,
  LedgerVerbs,
  LimitRecord,
  LimitShare,
} from '../ledger/ledger-repository.ts';
import { isOwnLimitKey } from '../options/limit-options.ts';
import { because, inWords, type Reason } from './explanation.ts';
import { type Facts, momentOf } from './facts.ts';

/** How many of those who hold a limit are named in the words. */
const MOST_LISTED = 3;

/** An instance that could run the job, and the limits that its worker names. */
export interface LimitedInstance {
  readonly instanceId: string;
  readonly limits: readonly string[];
}

/** The limits, when a worker of these instances names one; for one name, or for all. */
export async function readLimitsOf(
  ledger: Pick<LedgerVerbs, 'readLimits'>,
  leases: readonly LeaseRecord[],
  name?: string,
): Promise<Pick<Facts, 'limits'>> {
  const workers = leases.flatMap(({ info }) => info?.workers ?? []);
  const concerned = workers.filter((worker) => name === undefined || worker.name === name);
  const isLimited = concerned.some(({ limits = [] }) => limits.length > 0);
  return isLimited ? { limits: await ledger.readLimits() } : {};
}

/** The reasons for which none of these instances may start the job; none where one may. */
export function limitReasons(
  { limits = [], now }: Facts,
  instances: readonly LimitedInstance[],
): readonly Reason[] {
  const found = new Map<string, Reason>();
  for (const { instanceId, limits: keys } of instances) {
    const concerned = limits.filter(({ key }) => keys.includes(key));
    const reasons = concerned.flatMap((limit) => reasonsOf(limit, instanceId, now));
    if (reasons.length === 0) return [];
    for (const reason of reasons) found.set(reason.message, reason);
  }
  return [...found.values()];
}

function reasonsOf(limit: LimitRecord, instanceId: string, now: Date): readonly Reason[] {
  const { key, blockedUntil: until, nextStartAt: startsAt } = limit;
  const reasons: Reason[] = [];
  if (until !== undefined && until > now) {
    const message = `Its limit '${key}' was backed off from; nothing under it starts until ${until.toISOString()}, for ${inWords(msFrom(now, until))} more`;
    reasons.push(
      because('limitBackedOff', { limit: key, until, inMs: msFrom(now, until) }, message),
    );
  }
  reasons.push(...placeReasons(limit, instanceId));
  if (startsAt !== undefined && startsAt > now) {
    const message = `Its limit '${key}' started as many jobs as its rate allows; the next starts ${momentOf(startsAt, now)}`;
    reasons.push(
      because('limitRate', { limit: key, startsAt, inMs: msFrom(now, startsAt) }, message),
    );
  }
  return reasons;
}

function placeReasons(
  { key, concurrency, shares }: LimitRecord,
  instanceId: string,
): readonly Reason[] {
  if (concurrency === undefined) return [];
  const holders = shares.filter(({ count }) => count > 0);
  const held = holders.reduce((sum, { count }) => sum + count, 0);
  const free = concurrency - held;
  if (free <= 0) {
    const details = { limit: key, concurrency, held, holders };
    return [because('limitFull', details, fullMessage(details))];
  }
  if (holders.some((share) => share.instanceId === instanceId)) return [];
  const message = `Its limit '${key}' has room for ${free} more, and no instance that could run it has a share yet; one takes it within a second or two`;
  return [because('limitShare', { limit: key, free }, message)];
}

function fullMessage({
  limit,
  concurrency,
  held,
  holders,
}: {
  readonly limit: string;
  readonly concurrency: number;
  readonly held: number;
  readonly holders: readonly LimitShare[];
}): string {
  const change = isOwnLimitKey(limit)
    ? 'the option limit of its worker'
    : `setLimit('${limit}', …)`;
  if (concurrency === 0) {
    return `Its limit '${limit}' lets no job start; ${change} with a higher concurrency ends that`;
  }
  const listed = holders
    .slice(0, MOST_LISTED)
    .map((share) => `${share.instanceId} (${share.count})`);
  const more = holders.length > MOST_LISTED ? ' and others' : '';
  return `Its limit '${limit}' lets ${concurrency} jobs run at once, and ${held} are held by ${listed.join(', ')}${more}; one starts when one of them ends, or by ${change} with a higher concurrency`;
}

function msFrom(now: Date, at: Date): number {
  return at.getTime() - now.getTime();
}
