/**
 * Jobs born claimed: what this process enqueues and could start at once is stored as claimed by it, and starts when
 * that is confirmed. It needs no claim and waits for no round.
 *
 * What always holds: no more jobs are born than this process has room for, of names that had nothing else to do when
 * they were looked at last; a job starts only when its insert was answered cleanly, or when a read by the token of its
 * birth has found it, and under the lease that it was born under; and the token of a birth counts as awaited until its
 * jobs are handed over or given up.
 *
 * @module
 */
import type { Birth } from '../../context/births.ts';
import type { EngineContext } from '../../context/scheduler-context.ts';
import {
  type BirthClaim,
  bornClaimed,
  mayBeBornClaimed,
  withOwnContent,
} from '../../job/born-claimed.ts';
import type { ClaimedJob, Job } from '../../job/job.ts';
import type { EnqueueAnswer } from '../../ledger/ledger-repository.ts';
import type { Worker } from '../../workers/worker.ts';
import type { Executor } from '../running/executor.ts';
import type { Pauses } from '../running/pauses.ts';
import type { Settler } from '../running/settler.ts';
import type { Lease } from '../upkeep/lease.ts';
import type { AwaitedClaims } from './awaited-claims.ts';
import type { Claimer } from './claimer.ts';
import type { Permits } from './permits.ts';

type BirthsContext = Pick<
  EngineContext,
  'ledger' | 'ledgerTime' | 'random' | 'options' | 'health' | 'metrics' | 'report'
>;

/** The parts that births go between. */
export interface BirthsParts {
  readonly workers: ReadonlyMap<string, Worker>;
  readonly executor: Executor;
  readonly settler: Settler;
  readonly lease: Lease;
  readonly pauses: Pauses;
  readonly claimer: Claimer;
  readonly permits: Permits;
  readonly awaited: AwaitedClaims;
  /** Called after jobs were handed to the executor. */
  readonly onHandedOver: () => void;
}

/** Decides which jobs are born claimed, and starts them. */
export class Births {
  readonly #context: BirthsContext;
  readonly #parts: BirthsParts;
  readonly #reserving = new Set<Birth>();
  readonly #looks = new Set<Promise<void>>();
  #stopped = false;
  #onIdle: (() => void) | undefined;

  constructor(context: BirthsContext, parts: BirthsParts) {
    this.#context = context;
    this.#parts = parts;
  }

  /** What is inserted in place of these jobs; undefined when none of them can start here now. */
  bear(jobs: readonly Job[]): Birth | undefined {
    const { lease, settler, pauses, awaited } = this.#parts;
    if (this.#stopped || !this.#context.options.claimOnEnqueue) return undefined;
    if (!lease.isHeld() || !settler.hasRoom()) return undefined;
    const now = this.#context.ledgerTime.now();
    const chosen = this.#choose(jobs, now);
    if (chosen.length === 0) return undefined;
    // Asked beside the insert: what is older than a start allows would hold the job up after it.
    void pauses.refresh();
    const { instanceId } = lease;
    const claim = { instanceId, claimToken: this.#context.random.token(), now };
    awaited.begin(claim.claimToken);
    awaited.mayHaveWon();
    return this.#birthOf(jobs, chosen, claim);
  }

  /**
   * No more jobs are born; resolves when neither a first try of an insert is under way nor a look after one whose
   * answer was lost. What an insert stores is given back.
   */
  async stop(): Promise<void> {
    this.#stopped = true;
    const looks = Promise.all(this.#looks);
    if (this.#reserving.size > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    await looks;
  }

  /** The most urgent first. Once a job of a name has to wait, those behind it wait too. */
  #choose(jobs: readonly Job[], now: Date): Job[] {
    const { executor, claimer } = this.#parts;
    const due = jobs.filter((job) => job.nextRunAt <= now && this.#isWanted(job.name));
    const waiting = new Set<string>();
    const chosen: Job[] = [];
    for (const job of due.length > 1 ? due.sort(byUrgency) : due) {
      const { name } = job;
      const isChosen =
        !waiting.has(name) &&
        mayBeBornClaimed(job) &&
        executor.reserve(name, claimer.prefetchOf(name));
      if (isChosen) chosen.push(job);
      else waiting.add(name);
    }
    for (const name of waiting) claimer.noteWaiting(name);
    return chosen;
  }

  /** A name under a limit gets its places from the claims alone. */
  #isWanted(name: string): boolean {
    const { workers, pauses, claimer, permits } = this.#parts;
    if (!workers.has(name) || permits.covers(name)) return false;
    return claimer.foundEmpty(name) && !pauses.wasPaused(name);
  }

  #birthOf(asked: readonly Job[], chosen: readonly Job[], claim: BirthClaim): Birth {
    const claimed = new Map(chosen.map((job) => [job, bornClaimed(job, claim)]));
    let isDoubted = false;
    const birth: Birth = {
      jobs: asked.map((job) => claimed.get(job) ?? job),
      claims: (job) => claimed.has(job),
      unanswered: () => {
        isDoubted = true;
        this.#endReservation(birth, chosen);
      },
      answered: (answers) => {
        if (isDoubted) {
          this.#look(claim);
          return answers;
        }
        const stored = storedOf(asked, claimed, answers);
        this.#endReservation(birth, chosen);
        this.#handOver(
          chosen.flatMap((job) => stored.get(job) ?? []),
          claim,
        );
        return asAsked(asked, claimed, answers);
      },
      givenUp: () => {
        this.#endReservation(birth, chosen);
        this.#parts.awaited.end(claim.claimToken);
      },
    };
    this.#reserving.add(birth);
    return birth;
  }

  /** The first try is over, however it ended. */
  #endReservation(birth: Birth, chosen: readonly Job[]): void {
    if (!this.#reserving.delete(birth)) return;
    for (const { name } of chosen) this.#parts.executor.unreserve(name);
    if (this.#reserving.size === 0) this.#onIdle?.();
  }

  /** Who has stopped, or has another lease by now, has nothing to look for. */
  #look(claim: BirthClaim): void {
    const { lease, awaited } = this.#parts;
    if (this.#stopped || lease.instanceId !== claim.instanceId) {
      awaited.end(claim.claimToken);
      return;
    }
    const look = this.#find(claim).finally(() => this.#looks.delete(look));
    this.#looks.add(look);
  }

  /** What an insert stored whose answer was lost; nothing when somebody gave it to others meanwhile. */
  async #find(claim: BirthClaim): Promise<void> {
    const { instanceId, claimToken } = claim;
    try {
      const found = await this.#context.ledger.readClaim({ instanceId, claimToken });
      this.#handOver(found as readonly ClaimedJob[], claim);
    } catch (error) {
      this.#context.report(error);
    } finally {
      this.#parts.awaited.end(claimToken);
    }
  }

  /** What arrives when it may no longer start is given back. */
  #handOver(jobs: readonly ClaimedJob[], { instanceId, claimToken }: BirthClaim): void {
    const { executor, lease, awaited, onHandedOver } = this.#parts;
    const { health, metrics, ledgerTime } = this.#context;
    // No rival could win them: each is a candidate that was won, so that the win rate stays a share.
    metrics.count('claimCandidates', {}, jobs.length);
    for (const { name } of jobs) metrics.count('claimed', { name });
    health.claimed(jobs, ledgerTime.now());
    if (this.#stopped || lease.instanceId !== instanceId) executor.release(jobs);
    else executor.accept(jobs);
    awaited.end(claimToken);
    onHandedOver();
  }
}

/** The claimed jobs that the ledger says are stored, each with content of its own. */
function storedOf(
  asked: readonly Job[],
  claimed: ReadonlyMap<Job, ClaimedJob>,
  answers: readonly EnqueueAnswer[],
): Map<Job, ClaimedJob> {
  const stored = new Map<Job, ClaimedJob>();
  for (const [index, answer] of answers.entries()) {
    const job = asked[index] as Job;
    const born = claimed.get(job);
    if (born === undefined || answer.outcome !== 'enqueued') continue;
    // A codec may read something else than was given.
    stored.set(job, withOwnContent({ ...born, data: answer.job.data }));
  }
  return stored;
}

/** Whoever enqueued gets the job that was asked for. */
function asAsked(
  asked: readonly Job[],
  claimed: ReadonlyMap<Job, ClaimedJob>,
  answers: readonly EnqueueAnswer[],
): readonly EnqueueAnswer[] {
  return answers.map((answer, index) => {
    const job = asked[index] as Job;
    if (answer.outcome !== 'enqueued' || !claimed.has(job)) return answer;
    return { outcome: 'enqueued', job: { ...job, data: answer.job.data } };
  });
}

function byUrgency(a: Job, b: Job): number {
  return a.priority - b.priority || a.nextRunAt.getTime() - b.nextRunAt.getTime();
}
