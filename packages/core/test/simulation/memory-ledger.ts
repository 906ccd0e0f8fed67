/** The in-memory ledger itself, watched: each verb is one step, and every write is told. */

import type { Job, JobStatus } from '../../src/index.ts';
import { isClaimed } from '../../src/job/job.ts';
import type { JobVerb } from '../../src/job/job-lifecycle.ts';
import type { TransitionParams } from '../../src/job/lifecycle.ts';
import { chooseExpiry } from '../../src/ledger/expiry-choice.ts';
import type {
  AnswerOf,
  LedgerHint,
  LedgerVerb,
  LedgerVerbs,
  LedgerWatch,
  ParamsOf,
} from '../../src/ledger/ledger-repository.ts';
import { InMemoryLedgerRepository } from '../../src/ledger/memory/in-memory-ledger-repository.ts';
import { chooseRescue } from '../../src/ledger/rescue-choice.ts';
import { settlementParams } from '../../src/ledger/settle-answers.ts';
import { checkpointParams, GATE_VERBS, openGateParams } from '../../src/ledger/stage-answers.ts';
import { surrounded } from '../../src/ledger/verbs/around.ts';
import type { Next } from '../../src/ledger/verbs/verb-table.ts';
import { SETTLE_VERBS } from './facts.ts';
import type { Observer } from './observer.ts';
import { NO_HINTS, type SteppedLedgerParams } from './stepped-params.ts';
import { SimulatedSession } from './transactions/host-transactions.ts';
import { TransactionServer } from './transactions/server-transactions.ts';

const TELLING_FIELDS = ['status', 'claimToken', 'lastToken', 'fence', 'failCount'] as const;

const RECORDS = ['stages', 'gates'] as const;

/** The verbs that are told only where the ledger said that they were carried out. */
const ALWAYS_TOLD = new Set<JobVerb>([
  'note',
  'skipRun',
  'redrive',
  'redriveToWait',
  'redriveDeadLetter',
  'amend',
  'replan',
  'replanRunning',
  'endSeries',
  'endSeriesAfterRun',
]);

/** What became of a job that waited for its parents. */
const RELEASES: Readonly<Partial<Record<JobStatus, JobVerb>>> = {
  pending: 'releaseChild',
  failed: 'failByParent',
  cancelled: 'cancel',
};

/** Carries a verb out, and tells of it. */
type Way<V extends LedgerVerb> = (params: ParamsOf<V>, next: Next<V>) => Promise<AnswerOf<V>>;

/** Tells of every write. One write is carried out at a time, so that what is read around it belongs to it. */
export class MemoryLedger extends InMemoryLedgerRepository {
  readonly transactionServer: TransactionServer;
  readonly #observer: Observer;
  readonly #canHint: boolean;
  readonly #inner: LedgerVerbs;
  #last: Promise<unknown> = Promise.resolve();
  readonly #ways: { readonly [V in LedgerVerb]?: Way<V> } = {
    enqueue: async (params, next) => {
      if (params.session instanceof SimulatedSession) {
        this.transactionServer.insert(params.session.transaction, params.jobs);
        return { answers: params.jobs.map((job) => ({ outcome: 'enqueued' as const, job })) };
      }
      return this.#alone(async () => {
        const result = await next(params);
        for (const job of params.jobs) {
          const pending = job.status === 'blocked' ? 'enqueueWaiting' : 'enqueue';
          await this.#tell(isClaimed(job) ? 'enqueueClaimed' : pending, job._id, {});
        }
        return result;
      });
    },

    claim: (params, next) => {
      return this.#alone(async () => {
        this.#observer.claimBegins(params.claimToken);
        const result = await next(params);
        for (const job of result.jobs) await this.#tell('claim', job._id, { ...params });
        this.#observer.claimEnds(params.claimToken);
        return result;
      });
    },

    claimGroups: (params, next) => {
      return this.#alone(async () => {
        const result = await next(params);
        for (const job of result.jobs) await this.#tell('claimInOrder', job._id, { ...params });
        return result;
      });
    },

    claimOrders: (params, next) => {
      return this.#alone(async () => {
        const result = await next(params);
        for (const job of result.jobs) {
          const values = { ...params, fenceBefore: job.fence - 1 };
          await this.#tell('claimInOrder', job._id, values);
        }
        return result;
      });
    },

    setGroup: (params, next) => {
      return this.#alone(async () => {
        await next(params);
        this.#observer.groupSet(params);
      });
    },
    setLimit: (params, next) => this.#asLimits(() => next(params), params.key),
    takeShare: (params, next) => this.#asLimits(() => next(params)),
    freeShares: (params, next) => this.#asLimits(() => next(params)),

    settle: (params, next) => {
      return this.#alone(async () => {
        const result = await next(params);
        for (const settlement of params.settlements) {
          const values = settlementParams(settlement, params.now);
          await this.#tell(settlement.verb, settlement.jobId, values);
        }
        return result;
      });
    },

    cancel: (params, next) => {
      return this.#alone(async () => {
        const before = this.#observer.facts.jobs.get(params.jobId.toHexString());
        const isEnded = before?.repeatInterval !== undefined;
        const result = await next(params);
        if (result.outcome === 'skipped')
          await this.#tell('skipRun', params.jobId, { now: params.now });
        if (result.outcome === 'requested') await this.#tell('requestCancel', params.jobId, {});
        if (result.outcome === 'cancelled') {
          await this.#tell(isEnded ? 'endSeries' : 'cancel', params.jobId, { now: params.now });
        }
        return result;
      });
    },

    remove: (params, next) => {
      return this.#alone(async () => {
        const result = await next(params);
        await this.#tell('remove', params.jobId, {});
        return result;
      });
    },

    redrive: (params, next) => {
      return this.#alone(async () => {
        const result = await next(params);
        const plain = result.job?.status === 'blocked' ? 'redriveToWait' : 'redrive';
        const verb = params.isDeadLetter ? 'redriveDeadLetter' : plain;
        if (result.outcome === 'redriven') await this.#tell(verb, params.jobId, { ...params });
        return result;
      });
    },

    amend: (params, next) => {
      return this.#alone(async () => {
        const result = await next(params);
        const values = { ...params.changes, now: params.now };
        if (result.outcome === 'amended') await this.#tell('amend', params.jobId, values);
        return result;
      });
    },

    replan: (params, next) => {
      const { jobId, series, nextRun, now } = params;
      return this.#alone(async () => {
        const result = await next(params);
        const isRunning = result.job?.status === 'processing';
        const values = { ...series, ...(!isRunning && nextRun), now };
        if (result.outcome === 'written') {
          await this.#tell(isRunning ? 'replanRunning' : 'replan', jobId, values);
        }
        return result;
      });
    },

    endSeries: (params, next) => {
      return this.#alone(async () => {
        const result = await next(params);
        const isRunning = result.job?.status === 'processing';
        if (result.outcome === 'written') {
          await this.#tell(isRunning ? 'endSeriesAfterRun' : 'endSeries', params.jobId, {
            ...params,
          });
        }
        return result;
      });
    },

    checkpoint: (params, next) => {
      return this.#alone(async () => {
        const result = await next(params);
        await this.#tell('checkpoint', params.jobId, checkpointParams(params));
        return result;
      });
    },

    openGate: (params, next) => {
      return this.#alone(async () => {
        const result = await next(params);
        const done = GATE_VERBS.find(({ outcome }) => outcome === result.outcome);
        if (done) await this.#tell(done.verb, params.jobId, openGateParams(done.verb, params));
        return result;
      });
    },

    expireGates: (params, next) => {
      return this.#alone(async () => {
        const before = [...this.#observer.facts.jobs.values()];
        const result = await next(params);
        for (const job of before) {
          if (job.status !== 'blocked') continue;
          const { verb, params: values } = chooseExpiry(job, params.now);
          await this.#tell(verb, job._id, values);
        }
        return result;
      });
    },

    releaseWaiting: (params, next) => {
      return this.#alone(async () => {
        const waiting = [...this.#observer.facts.jobs.values()]
          .filter(({ status }) => status === 'blocked')
          .sort((a, b) => Buffer.compare(a._id.id, b._id.id));
        const result = await next(params);
        for (const { _id } of waiting) {
          const job = await this.#inner.getJob({ jobId: _id });
          const verb = RELEASES[job?.status ?? 'blocked'];
          if (verb !== undefined) await this.#tell(verb, _id, { now: params.now });
        }
        return result;
      });
    },

    note: (params, next) => {
      return this.#alone(async () => {
        const isNoted = await next(params);
        if (isNoted) await this.#tell('note', params.jobId, { ...params });
        return isNoted;
      });
    },

    setPaused: (params, next) => {
      return this.#alone(async () => {
        await next(params);
        this.#observer.pauseWritten(params.name, params.paused);
      });
    },

    prune: (params, next) => {
      return this.#alone(async () => {
        const before = [...this.#observer.facts.jobs.values()];
        const result = await next(params);
        if (result.pruned === 0) return result;
        for (const { _id, status } of before) {
          const values = { finishedBefore: params.finishedBefore[status], now: params.now };
          await this.#tell('prune', _id, values);
        }
        return result;
      });
    },

    rescue: (params, next) => {
      return this.#alone(async () => {
        const claims = await this.#inner.readClaims({
          instanceId: params.deadInstanceId,
          limit: params.limit,
        });
        const leases = await this.#inner.readLeases({ informed: true });
        const workers = leases.find(({ instanceId }) => instanceId === params.deadInstanceId)?.info
          ?.workers;
        const result = await next(params);
        for (const { jobId } of claims) {
          const before = this.#observer.facts.jobs.get(jobId.toHexString());
          if (before === undefined || result.refused) continue;
          const { verb, params: values } = chooseRescue(before, params, workers);
          await this.#tell(verb, jobId, values);
        }
        return result;
      });
    },

    openLease: async (params, next) => {
      await next(params);
      this.#observer.leaseRenewed(params.instanceId);
    },

    renewLease: async (params, next) => {
      const isLive = await next(params);
      if (isLive) this.#observer.leaseRenewed(params.instanceId);
      return isLive;
    },

    declareDead: async (params, next) => {
      const isDead = await next(params);
      if (isDead) this.#observer.leaseDied(params.instanceId, true);
      return isDead;
    },

    endLease: async (params, next) => {
      await next(params);
      this.#observer.leaseDied(params.instanceId, false);
    },
  };

  constructor(params: Pick<SteppedLedgerParams, 'world' | 'clock' | 'observer' | 'canHint'>) {
    super({ clock: params.clock });
    this.#observer = params.observer;
    this.#canHint = params.canHint;
    this.#inner = this.verbs;
    this.transactionServer = new TransactionServer(params.world, params.observer, {
      // A job has its place from when it is stored.
      stamp: (job) => job,
      store: (jobs) => this.#storeCommitted(jobs),
    });
    this.verbs = surrounded(this.#inner, (verb, given, next) => this.#carryOut(verb, given, next));
  }

  protected override async performWatch(
    listener: (hint: LedgerHint) => void,
  ): Promise<LedgerWatch> {
    return this.#canHint ? super.performWatch(listener) : NO_HINTS;
  }

  #carryOut<V extends LedgerVerb>(
    verb: V,
    params: ParamsOf<V>,
    next: Next<V>,
  ): Promise<AnswerOf<V>> {
    const way: Way<V> | undefined = this.#ways[verb];
    return way === undefined ? next(params) : way(params, next);
  }

  #asLimits<T>(write: () => Promise<T>, setKey?: string): Promise<T> {
    return this.#alone(async () => {
      const result = await write();
      this.#observer.limitsWritten(await this.#inner.readLimits(), setKey);
      return result;
    });
  }

  /** What a transaction wrote, once it is committed. */
  #storeCommitted(jobs: readonly Job[]): Promise<void> {
    return this.#alone(async () => {
      await this.#inner.enqueue({ jobs });
      for (const { _id } of jobs) await this.#tell('enqueue', _id, {});
    });
  }

  #alone<T>(write: () => Promise<T>): Promise<T> {
    const result = this.#last.then(write);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** What was not changed is not told, nor what a settlement of another claim in the same call did. */
  async #tell(verb: JobVerb, jobId: Job['_id'], params: TransitionParams): Promise<void> {
    const before = this.#observer.facts.jobs.get(jobId.toHexString());
    const after = (await this.#inner.getJob({ jobId })) ?? undefined;
    if (before === undefined && after === undefined) return;
    const isChanged =
      ALWAYS_TOLD.has(verb) ||
      TELLING_FIELDS.some((field) => before?.[field] !== after?.[field]) ||
      RECORDS.some((field) => before?.[field]?.length !== after?.[field]?.length) ||
      (before?.cancelRequestedAt === undefined) !== (after?.cancelRequestedAt === undefined);
    const isOther = SETTLE_VERBS.has(verb) && after?.lastToken !== params.claimToken;
    if (isChanged && !isOther) this.#observer.jobWritten({ verb, before, after, params });
  }
}
