/**
 * What must be true of the parameters of a verb, whatever ledger it goes to. A call that breaks it is a fault of this
 * library, and is not sent.
 *
 * @module
 */
import { assert } from '../foundation/errors.ts';
import { parentTokens } from '../job/flow-tokens.ts';
import { isClaimed, type Job } from '../job/job.ts';
import type { Demand } from './verbs/claims.ts';
import type { LedgerVerb, ParamsOf } from './verbs/verb-table.ts';

/** The most names one claim looks for. More would turn its merge of sorted scans into a blocking sort. */
export const MOST_NAMES_A_CLAIM = 200;

type VerbCheck<V extends LedgerVerb> = (params: ParamsOf<V>) => void;

const CHECKS: { readonly [V in LedgerVerb]?: VerbCheck<V> } = {
  enqueue: ({ jobs }) => {
    for (const job of jobs) checkNewJob(job);
  },
  claim: ({ demand }) => checkDemand(demand),
  claimOrders: ({ demand }) => checkDemand(demand),
  claimGroups: ({ demand }) => checkDemand(demand),
  checkpoint: ({ record, stagesBefore }) => {
    assert(!stagesBefore.includes(record.name), 'a stage comes before itself');
  },
};

/**
 * Checks what a verb is given.
 *
 * @throws MonqueError when it is wrong
 */
export function checkCall<V extends LedgerVerb>(verb: V, params: ParamsOf<V>): void {
  const check: VerbCheck<V> | undefined = CHECKS[verb];
  check?.(params);
}

function checkDemand(demand: readonly Demand[]): void {
  const names = new Set(demand.map(({ name }) => name));
  assert(names.size === demand.length, 'a claim demands a name twice');
  assert(names.size <= MOST_NAMES_A_CLAIM, 'a claim demands too many names');
  const isWanted = demand.every(({ limit }) => limit > 0);
  assert(isWanted, 'a claim demands no job of a name');
}

function checkNewJob(job: Job): void {
  const wasClaimed = isClaimed(job);
  const { status } = job;
  // One without parents waits only until its flow is stored.
  const isWaiting = status === 'blocked' && job.waitsFor !== undefined;
  const isReady = status === 'pending' && parentTokens(job).length === 0;
  assert(
    wasClaimed ? status === 'processing' : isWaiting || isReady,
    'a new job is pending, or claimed by who stores it, or waits for parents',
  );
  assert(job.fence === (wasClaimed ? 1 : 0), 'a new job was never claimed before');
  assert(job.failCount === 0, 'a new job never failed');
  assert(Number.isInteger(job.priority), 'a priority is an integer');
  assert(job.lane === undefined || !wasClaimed, 'a job in a lane is claimed in its turn');
  assert(!Number.isNaN(job.nextRunAt.getTime()), 'a due time is a time');
}
