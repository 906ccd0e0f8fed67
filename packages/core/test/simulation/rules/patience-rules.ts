/** What must hold of claims of names whose workers have patience. */
import type { Job } from '../../../src/index.ts';
import { type ClaimParams, SUSPECT_RESCUE_COUNT } from '../../../src/ledger/ledger-repository.ts';
import type { Facts } from '../facts.ts';
import { PATIENCE_MS, PATIENT_NAMES } from '../features/users.ts';
import { byClaimOrder, byDueTime } from '../stepped-claims.ts';
import { describe } from './job-rules.ts';
import type { Rule, Violate } from './rule.ts';

/** A claim from when it is sent to when it is carried out. */
interface Sent {
  readonly params: ClaimParams;
  /** Claims of one job of a name by an instance, in the order of sending; by name. */
  readonly turns: ReadonlyMap<string, Turn>;
  /** By name, from when the ledger looks. */
  readonly looks: Map<string, Look>;
}

/** What there was for a claim of a name. */
interface Look {
  /** Jobs that had been due for longer than the patience, by when they were due. */
  readonly overdue: readonly Job[];
  /** The jobs of the name of which a claim would take some that knew no patience. */
  readonly urgent: ReadonlySet<string>;
}

/** A claim of one job. What is not known is undefined. */
interface Turn {
  readonly before: Turn | undefined;
  after: Turn | undefined;
  passedOver?: 'overdue' | 'urgent' | undefined;
}

/**
 * Half of a claim, rounded down, goes to the overdue jobs that were due first, as far as there are so many; and of claims
 * of one job at least every second one. A job that another claim took, or a change put off, meanwhile counts as taken.
 * Among rivals each takes its part somewhere among as many more. No more than that half goes to overdue jobs that are not
 * urgent enough.
 */
export function patienceRule(facts: Facts, violate: Violate): Rule {
  const sent = new Map<string, Sent>();
  const lastTurns = new Map<string, Turn>();

  function nextTurn(instanceId: string, name: string): Turn {
    const key = `${instanceId} ${name}`;
    const turn: Turn = { before: lastTurns.get(key), after: undefined };
    if (turn.before !== undefined) turn.before.after = turn;
    lastTurns.set(key, turn);
    return turn;
  }

  /** A change of its plan leaves a job pending, and may put it off after the look of the claim. */
  function isAsItWas({ _id, fence, nextRunAt }: Job): boolean {
    const job = facts.jobs.get(_id.toHexString());
    if (job?.status !== 'pending' || job.fence !== fence) return false;
    return job.nextRunAt.getTime() === nextRunAt.getTime();
  }

  function judge(name: string, limit: number, { params, turns, looks }: Sent): void {
    const { overdue, urgent } = looks.get(name) as Look;
    const most = Math.max(1, Math.floor(limit / 2));
    const won = overdue.filter(({ _id }) => {
      return facts.jobs.get(_id.toHexString())?.claimToken === params.claimToken;
    });
    const ahead = won.filter(({ _id }) => !urgent.has(_id.toHexString()));
    facts.counts.overdue += ahead.length;
    const left = overdue.slice(0, most * params.widening).filter(isAsItWas);
    const taken = Math.min(overdue.length, most * params.widening) - left.length;
    const isPassedOver = taken < Math.min(overdue.length, most);
    const told = `${left.map((job) => describe(job)).join()} of ${overdue.length}, ${limit} asked for`;
    if (ahead.length > most) violate('overdue jobs take more than half of a claim', told);
    const turn = turns.get(name);
    if (turn === undefined) {
      if (isPassedOver) violate('an overdue job is passed over', told);
      return;
    }
    if (isPassedOver) turn.passedOver = 'overdue';
    else if (ahead.length > 0) turn.passedOver = 'urgent';
    const neighbours = [turn.before?.passedOver, turn.after?.passedOver];
    if (turn.passedOver === undefined || !neighbours.includes(turn.passedOver)) return;
    violate(`${turn.passedOver} jobs are passed over twice in turn`, told);
  }

  return {
    claimSent(params) {
      if (params.suspects) return;
      const ofOne = params.demand.filter(({ name, limit }) => isPatient(name) && limit === 1);
      const turns = new Map(
        ofOne.map(({ name }) => [name, nextTurn(params.instanceId, name)] as const),
      );
      sent.set(params.claimToken, { params, turns, looks: new Map() });
    },

    claimBegins(token) {
      const claim = sent.get(token);
      if (claim === undefined) return;
      const { demand, now, widening } = claim.params;
      const names = demand.map(({ name }) => name);
      if (!names.some(isPatient)) return;
      const due = [...facts.jobs.values()].filter(
        (job) => names.includes(job.name) && isDue(job, now),
      );
      const wanted = demand.reduce((sum, { limit }) => sum + limit, 0) * widening;
      const beforeMs = now.getTime() - PATIENCE_MS;
      for (const { name: patient, limit } of demand.filter(({ name }) => isPatient(name))) {
        const named = due.filter(({ name }) => name === patient).sort(byClaimOrder);
        // Among rivals it may be any of what is looked at for all names.
        const urgent = named.slice(0, widening === 1 ? limit : wanted);
        const overdue = named
          .filter(({ nextRunAt }) => nextRunAt.getTime() <= beforeMs)
          .sort(byDueTime);
        claim.looks.set(patient, {
          overdue,
          urgent: new Set(urgent.map(({ _id }) => _id.toHexString())),
        });
      }
    },

    claimEnds(token) {
      const claim = sent.get(token);
      if (claim === undefined) return;
      for (const { name, limit } of claim.params.demand) {
        if (claim.looks.has(name)) judge(name, limit, claim);
      }
    },
  };

  function isPatient(name: string): boolean {
    return facts.profile.patientJobs > 0 && PATIENT_NAMES.includes(name);
  }
}

function isDue({ status, nextRunAt, lane, rescueCount = 0 }: Job, now: Date): boolean {
  const isPlain = lane === undefined && rescueCount < SUSPECT_RESCUE_COUNT;
  return status === 'pending' && isPlain && nextRunAt <= now;
}
