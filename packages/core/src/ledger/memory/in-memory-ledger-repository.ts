/**
 * A ledger in the memory of one process: for unit tests, first steps and development.
 *
 * States and transitions of a job are those of the lifecycle table; every move asks it whether the verb applies and
 * has it make the next version.
 *
 * What always holds:
 * - A verb runs from its first look to its last write without letting anything else run, so it is atomic.
 * - Jobs go in and out as copies, through the BSON that MongoDB would store. Nothing a caller has is shared with the
 *   ledger, or with another caller.
 * - It is bounded. Beyond `maxJobs` unfinished jobs a new one is refused; beyond `maxFinishedJobs` finished ones the
 *   oldest leave, and the archive is bounded alike. A job that left is not brought back by a resend of its id: the
 *   newest 10,000 such ids are kept. A key that it held for a window of time is free again.
 *
 * @module
 */
import { InvalidArgumentError } from '../../foundation/errors.ts';
import {
  gathered,
  type LedgerHint,
  LedgerRepository,
  type LedgerRepositoryOptions,
  type LedgerVerbs,
  type LedgerWatch,
  type NextDueParams,
  type RepairParams,
  type SetMetadataParams,
} from '../ledger-repository.ts';
import { MemoryClaims } from './claims.ts';
import { MemoryEnqueue } from './enqueue.ts';
import { MemoryFlows } from './flows/flows.ts';
import { MemoryGroups } from './groups/groups.ts';
import { Hints } from './hints.ts';
import { MemoryInspection } from './inspection.ts';
import { JobStore } from './job-store.ts';
import { MemoryLeases } from './leases.ts';
import { MemoryLimits } from './limits.ts';
import { MemoryListing } from './listing.ts';
import { MemoryControl } from './manual-verbs.ts';
import { setMetadata } from './metadata.ts';
import { Moves } from './moves.ts';
import { nextDue } from './next-due.ts';
import { MemoryOrders } from './orders.ts';
import { MemoryPauses } from './pauses.ts';
import { MemoryArchive } from './pruning.ts';
import { repair } from './repair.ts';
import { MemoryRescue } from './rescue.ts';
import { MemorySeries } from './series.ts';
import { MemorySettle } from './settle.ts';
import { MemoryStages } from './stages.ts';
import { MemoryThroughput } from './throughput/throughput.ts';
import { MemoryTransitions } from './transition-log.ts';

/** How many unfinished jobs an in-memory ledger holds when nothing else is said. */
const DEFAULT_MAX_JOBS = 100_000;

/** How many finished jobs an in-memory ledger keeps when nothing else is said. */
const DEFAULT_MAX_FINISHED_JOBS = 10_000;

/** What an in-memory ledger is given. */
export interface InMemoryLedgerOptions extends LedgerRepositoryOptions {
  /** The most unfinished jobs; a job beyond it is refused with a `LedgerFullError`. @default 100000 */
  readonly maxJobs?: number;
  /** The most finished jobs; beyond it the oldest leave. @default 10000 */
  readonly maxFinishedJobs?: number;
  /** Keep the newest 10,000 transitions of all jobs, for `readHistory`. @default false */
  readonly transitionLog?: boolean;
}

/** A ledger that forgets everything with its process. It serves any number of instances of that process. */
export class InMemoryLedgerRepository extends LedgerRepository {
  protected override verbs: LedgerVerbs;
  readonly #jobs: JobStore;
  readonly #hints: Hints;

  /** @throws InvalidArgumentError when a bound is not a whole number from zero up */
  constructor(options: InMemoryLedgerOptions = {}) {
    super(options);
    const { maxJobs = DEFAULT_MAX_JOBS, maxFinishedJobs = DEFAULT_MAX_FINISHED_JOBS } = options;
    checkBound('maxJobs', maxJobs);
    checkBound('maxFinishedJobs', maxFinishedJobs);
    const { clock } = this;
    const jobs = new JobStore(maxFinishedJobs);
    const hints = new Hints(clock);
    const log = options.transitionLog ? new MemoryTransitions() : undefined;
    const moves = new Moves(jobs, hints, log);
    const groups = new MemoryGroups(jobs, moves, clock);
    const orders = new MemoryOrders(jobs, moves, groups);
    const flows = new MemoryFlows(jobs, moves);
    const archive = new MemoryArchive({ jobs, orders, flows, log, maxJobs: maxFinishedJobs });
    const leases = new MemoryLeases((instanceId) => jobs.claimsOf(instanceId).length > 0);
    this.#jobs = jobs;
    this.#hints = hints;
    this.verbs = gathered(
      new MemoryEnqueue({ jobs, hints, log, maxJobs }),
      new MemoryClaims(jobs, moves),
      orders,
      groups,
      flows,
      new MemorySettle(jobs, moves),
      new MemoryStages(jobs, moves, orders),
      new MemoryControl({ jobs, moves, clock, flows, log }),
      new MemorySeries(jobs, moves),
      new MemoryListing({ jobs, archive, log }),
      new MemoryInspection(jobs),
      new MemoryRescue(jobs, moves, leases, orders),
      new MemoryPauses(hints),
      new MemoryLimits({
        ...{ hints, clock },
        isInUse: (id) => leases.isLive(id) || jobs.claimsOf(id).length > 0,
      }),
      archive,
      leases,
      new MemoryThroughput(clock),
      {
        readTime: async () => new Date(clock.now()),
        setMetadata: (params: SetMetadataParams) => setMetadata(jobs, params),
        repair: (params: RepairParams) => repair(jobs, params),
        nextDue: (params: NextDueParams) => nextDue(jobs, params),
      },
    );
  }

  /** How many jobs it holds, finished ones too. */
  get size(): number {
    return this.#jobs.size;
  }

  protected async performOpen(): Promise<void> {}

  protected async performClose(): Promise<void> {}

  protected async performWatch(listener: (hint: LedgerHint) => void): Promise<LedgerWatch> {
    return this.#hints.watch(listener);
  }
}

function checkBound(field: string, value: number): void {
  if (Number.isInteger(value) && value >= 0) return;
  throw new InvalidArgumentError(field, 'a whole number from 0 up', value);
}
