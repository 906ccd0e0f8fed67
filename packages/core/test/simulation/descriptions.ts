/** How what happens is described in a trace. */
import type { Job } from '../../src/index.ts';
import type { LimitRecord } from '../../src/ledger/verbs/limits.ts';
import type { JobWrite } from './facts.ts';
import { describe } from './rules/job-rules.ts';

/** What a limit allows. */
export function describeLimit({ concurrency, rate }: LimitRecord): string {
  const starts = rate && `${rate.limit} in ${rate.perMs} ms, ${rate.burst} at once`;
  return `${concurrency ?? 'any number'} at once, ${starts ?? 'at any rate'}`;
}

/** Who has which part of a limit. */
export function describeShares({ shares }: LimitRecord): string {
  return shares
    .map(({ instanceId, count, wants }) => `${short(instanceId)} ${count}+${wants}`)
    .join();
}

/** A token or an id as it is shown. */
export function short(token: string): string {
  return token.slice(0, 4);
}

/** One write to one job. */
export function describeWrite({ verb, before, after, params }: JobWrite): string {
  const token = params.claimToken ?? before?.claimToken ?? '-';
  const states = `${before?.status ?? 'new'} -> ${after?.status ?? 'gone'}`;
  const fence = after?.fence ?? before?.fence;
  const job = after ?? before;
  const plan = job?.seriesVersion === undefined ? '' : `, ${describePlan(job)}`;
  return `${verb} ${describe(job)}: ${states}, fence ${fence}, ${short(String(token))}${plan}`;
}

function describePlan({ repeatInterval, seriesVersion, scheduledFor, nextRunAt }: Job): string {
  const times = [scheduledFor, nextRunAt].map((time) => time?.toISOString().slice(14, 23));
  return `${repeatInterval} v${seriesVersion}, for ${times[0]} at ${times[1]}`;
}
