/** What must hold of leases and of the jobs of the dead. */
import type { JobVerb } from '../../../src/job/job-lifecycle.ts';
import { claimKey, type Facts, type Run } from '../facts.ts';
import { LEASE_MS, OPERATION_TIMEOUT_MS } from '../profile.ts';
import { describe } from './job-rules.ts';
import type { Rule, Violate } from './rule.ts';

const CLAIMS = new Set<JobVerb>(['claim', 'claimInOrder', 'enqueueClaimed']);

/** Clocks that drift apart. */
const DRIFT = 1.01;
const RENEW_EVERY_MS = LEASE_MS / 3;
const ROUND_MS = LEASE_MS * 0.3;
/** What a few calls take while nothing is wrong. */
const CALLS_MS = 400;

/** A lease, its margin, a rescue round on each side, and the calls of both. */
const RESCUE_BOUND_MS = (LEASE_MS + LEASE_MS / 6) * DRIFT + 2 * ROUND_MS + CALLS_MS;

/** Only who has shown no sign of life for a lease is declared dead, and never without trouble of its own. */
export function livingRule(facts: Facts, violate: Violate): Rule {
  return {
    leaseDied(leaseId, { machine, renewedMs }, declared) {
      if (!declared) return;
      const { nowMs } = facts.world;
      const unchangedMs = nowMs - renewedMs;
      if (unchangedMs * DRIFT < LEASE_MS) {
        violate('a living lease is declared dead', `${leaseId}, renewed ${unchangedMs} ms ago`);
      }
      const wellMs = nowMs - machine.troubledUntilMs;
      if (machine.isRunning && wellMs > unchangedMs + RENEW_EVERY_MS + OPERATION_TIMEOUT_MS) {
        violate('an innocent lease is declared dead', `${leaseId}, well for ${wellMs} ms`);
      }
    },
  };
}

/** No handler starts under a lease that others hold for dead. */
export function deadLeaseRule(facts: Facts, violate: Violate): Rule {
  return {
    runStarted({ job, leaseId }: Run) {
      const diedMs = facts.leases.get(leaseId)?.diedMs;
      if (diedMs === undefined) return;
      violate(
        'a dead lease still works',
        `${leaseId}, dead since ${diedMs}, starts ${describe(job)}`,
      );
    },
  };
}

/** A handler runs under a claim that the ledger knows of, whoever made it. */
export function knownClaimRule(_facts: Facts, violate: Violate): Rule {
  const claims = new Set<string>();
  return {
    jobWritten({ verb, after }) {
      if (after !== undefined && CLAIMS.has(verb)) {
        claims.add(claimKey(after, after.claimToken));
      }
    },
    runStarted({ job, token }) {
      if (!claims.has(claimKey(job, token))) {
        violate('a run is under no claim of the ledger', describe(job));
      }
    },
  };
}

/** The jobs of the dead are given back in time, while somebody who is well is there to do so. */
export function stuckRule(facts: Facts, violate: Violate): Rule {
  const told = new Set<string>();
  const processing = new Map<string, { readonly leaseId: string; readonly sinceMs: number }>();
  const observedSinceMs = (): number =>
    Math.min(
      ...[...facts.workers].map(({ startedMs, troubledUntilMs, isCrashed }) =>
        isCrashed ? Number.POSITIVE_INFINITY : Math.max(startedMs, troubledUntilMs),
      ),
    );
  return {
    jobWritten({ verb, after, before }) {
      const id = (after ?? before)?._id.toHexString() ?? '';
      if (after?.status !== 'processing') processing.delete(id);
      else if (CLAIMS.has(verb)) {
        processing.set(id, { leaseId: after.claimedBy ?? '', sinceMs: facts.world.nowMs });
      }
    },
    passed(nowMs) {
      if (nowMs - facts.troubledUntilMs <= RESCUE_BOUND_MS || processing.size === 0) return;
      const wellMs = nowMs - Math.max(observedSinceMs(), facts.troubledUntilMs);
      if (wellMs <= RESCUE_BOUND_MS) return;
      for (const [id, { leaseId, sinceMs }] of processing) {
        const diedMs = facts.diedMs(leaseId);
        if (diedMs === undefined || told.has(id)) continue;
        if (nowMs - Math.max(diedMs, sinceMs) <= RESCUE_BOUND_MS) continue;
        told.add(id);
        violate(
          'a job of the dead stays processing',
          `${describe(facts.jobs.get(id))} of ${leaseId}`,
        );
      }
    },
  };
}
