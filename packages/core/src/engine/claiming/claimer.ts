/**
 * Takes due jobs, for all workers of this process together.
 *
 * One round at a time: it asks the executor what can be started soon, claims that under a fresh token that is noted
 * down first, and hands over what was read after the claim. What always holds: no claim is sent while the lease is
 * not held or the settler is full; a claim that ended with an error is never sent again but read by its token; and its
 * token counts as awaited until the jobs are handed over, so that reconciliation leaves them alone.
 *
 * @module
 */
import type { EngineContext } from '../../context/scheduler-context.ts';
import { ConnectionError, UnknownOutcomeError } from '../../foundation/errors.ts';
import { pauseBeforeRetry, type RetryPlan, retrying } from '../../foundation/retrying.ts';
import { SingleFlight } from '../../foundation/single-flight.ts';
import type { ClaimedJob } from '../../job/job.ts';
import {
  type ClaimParams,
  type Demand,
  MOST_NAMES_A_CLAIM,
  type ReadClaimParams,
} from '../../ledger/ledger-repository.ts';
import type { Worker } from '../../workers/worker.ts';
import type { Executor } from '../running/executor.ts';
import { retryPlan } from '../running/ledger-retry-plan.ts';
import type { Pauses } from '../running/pauses.ts';
import type { Settler } from '../running/settler.ts';
import type { Lease } from '../upkeep/lease.ts';
import type { AwaitedClaims } from './awaited-claims.ts';
import { type Cut, cutDemand } from './cut-demand.ts';
import { NameVerdicts } from './name-verdicts.ts';
import type { Permits } from './permits.ts';
import { type ClaimSource, ClaimSources, type SourceResult } from './sources.ts';
import { SuspectLooks } from './suspect-looks.ts';
import { Widening } from './widening.ts';

const MOST_JOBS_A_CLAIM = 1_000;

/** As many among rivals: of a large claim they lose more to each other, and the last jobs go to fewer of them. */
const MOST_JOBS_AMONG_RIVALS = 250;

const MOST_BUFFERED = 2_000;

const NEWEST_WEIGHT = 0.3;
const SHORTEST_HORIZON_MS = 2;

/**
 * Why a round is wanted: somebody said that a job is due, jobs were rescued, it is just time to look, or there are free
 * slots. Slots are a reason only for names that had more due jobs than were asked for, or that were not asked for since
 * the last hint. Suspects are looked for after a rescue and at each poll.
 */
export type WakeCause = 'hint' | 'rescue' | 'poll' | 'slots';

/** What one round found. */
export interface RoundReport {
  readonly jobs: readonly ClaimedJob[];
  /** True when nothing but a poll had asked for the round. */
  readonly onlyPolled: boolean;
  /** True while a name had more due jobs than were asked for last; left out when nothing was asked for. */
  readonly isSaturated?: boolean;
}

type ClaimerContext = Pick<
  EngineContext,
  'ledger' | 'ledgerTime' | 'clock' | 'random' | 'health' | 'metrics' | 'report' | 'log'
>;

/** The parts a claimer works between. */
export interface ClaimerParts {
  readonly workers: ReadonlyMap<string, Worker>;
  readonly executor: Executor;
  readonly settler: Settler;
  readonly lease: Lease;
  readonly pauses: Pauses;
  readonly awaited: AwaitedClaims;
  readonly permits: Permits;
  readonly onRound: (report: RoundReport) => void;
  /** True while nobody announces due jobs. */
  readonly hintsRest: () => boolean;
  /** Called when the rate of a group lets a due job of this name start. */
  readonly onStartsLater: (name: string, at: Date) => void;
}

/** Runs claim rounds whenever there is reason to. */
export class Claimer {
  readonly #context: ClaimerContext;
  readonly #parts: ClaimerParts;
  readonly #stopped = new AbortController();
  readonly #causes = new Set<WakeCause>();
  readonly #rounds = new SingleFlight(() => this.#runRounds());
  readonly #sources: ClaimSources;
  readonly #looks: SuspectLooks;
  readonly #verdicts = new NameVerdicts();
  readonly #widening = new Widening();
  #roundMs = 10;
  #rotation = 0;
  #failures = 0;
  #reported: unknown;

  constructor(context: ClaimerContext, parts: ClaimerParts) {
    this.#context = context;
    this.#parts = parts;
    this.#sources = new ClaimSources(context.ledger, parts.workers);
    this.#looks = new SuspectLooks(parts.executor, parts.permits);
  }

  /** Asks for a round. Many calls during one round make one more. */
  wake(cause: WakeCause): void {
    this.#causes.add(cause);
    if (cause !== 'hint' && cause !== 'slots') this.#sources.lookForSuspects();
    this.#rounds.runAgain();
  }

  /** True when the last look found no due job of this name left, in lanes neither. */
  foundEmpty(name: string): boolean {
    return this.#verdicts.isEmpty(name) && this.#sources.lanesAreDrained(name);
  }

  /** A job of this name is due, and there was no place for it here. */
  noteWaiting(name: string): void {
    this.#verdicts.noteWaiting(name);
  }

  /** Somebody announced a due job of this name: the next round looks for it, if there is a place for it here. */
  noteDue(name: string): void {
    this.#verdicts.noteDue(name);
    this.wake('hint');
  }

  /** A place in a lane of this name is free: the next job of the lane may start. */
  noteLaneFree(name: string): void {
    this.#sources.noteLaneFree(name);
    this.wake('slots');
  }

  /** How many jobs of a name may wait here ahead of free slots. */
  prefetchOf(name: string): number {
    const worker = this.#parts.workers.get(name);
    // A place in a limit or in a group is not for jobs that wait, and those of a noisy group would wait before others.
    if (this.#parts.permits.covers(name) || worker?.groups || this.#looks.waitsFor(name)) return 0;
    const mayPrefetch = this.#parts.executor.bufferedCount() < MOST_BUFFERED;
    return worker !== undefined && mayPrefetch ? worker.prefetch(this.#horizonMs()) : 0;
  }

  /** True while claims fail: the last round that asked for jobs got an error. */
  get isFailing(): boolean {
    return this.#failures > 0;
  }

  /** Ends the rounds; resolves when none is under way. What a last round wins is released. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#rounds.idle();
  }

  async #runRounds(): Promise<void> {
    while (this.#causes.size > 0 && !this.#stopped.signal.aborted) {
      const { hint, poll } = this.#takeCauses();
      const sources = this.#sources.inTurn();
      if (hint || poll) for (const { drained } of sources) drained.clear();
      try {
        const suspectsFirst = this.#looks.isShort;
        if (suspectsFirst) await this.#suspectRound(sources);
        for (const source of sources) {
          // The claim before this one may have been under way when the stop began.
          if (!this.#stopped.signal.aborted) await this.#round(source, poll && !hint);
        }
        if (!suspectsFirst) await this.#suspectRound(sources);
        this.#failures = 0;
      } catch (error) {
        this.#causes.add('hint');
        await this.#backOff(error);
      }
    }
  }

  async #round(source: ClaimSource, onlyPolled: boolean): Promise<void> {
    void this.#parts.pauses.refresh();
    const { demand, someSitOut } = this.#demand(source);
    if (source === this.#sources.plain) this.#verdicts.beginLook(demand, this.#parts.hintsRest());
    if (demand.length === 0) {
      this.#parts.onRound({ jobs: [], onlyPolled: false });
      return;
    }
    const {
      jobs,
      attempted,
      saturated,
      drained,
      filled = [],
      startsLater = [],
    } = await this.#claim(source, {
      demand,
      suspects: false,
      widening: this.#widening.places,
    });
    this.#parts.permits.drained(source, [...drained, ...filled]);
    source.satOut = new Set(saturated);
    for (const name of drained) source.drained.add(name);
    if (drained.length + filled.length < demand.length || someSitOut) this.#causes.add('slots');
    for (const { name, at } of startsLater) this.#parts.onStartsLater(name, at);
    if (source !== this.#sources.plain) {
      // That one waited long for its turn says nothing of hints.
      this.#handOver({ jobs, onlyPolled: false });
      return;
    }
    this.#verdicts.endLook(demand, { saturated, drained });
    this.#widening.adapt(jobs.length, attempted, saturated.length > 0);
    this.#handOver({ jobs, onlyPolled, isSaturated: this.#verdicts.isBacklogged });
  }

  /** A suspect is claimed alone, and only one is in this process at a time. */
  async #suspectRound(sources: readonly ClaimSource[]): Promise<void> {
    this.#looks.begin();
    for (const source of sources) {
      if (this.#stopped.signal.aborted || !this.#parts.lease.isHeld()) return;
      const demand = this.#rotate(this.#looks.demand(source, this.#unpaused(source)));
      if (demand.length === 0) continue;
      const found = await this.#claim(source, { demand, suspects: true, widening: 1 });
      if (this.#looks.looked(source, demand, found)) this.#causes.add('slots');
      this.#handOver({ jobs: found.jobs, onlyPolled: false });
      if (found.jobs.length > 0) return;
    }
  }

  /** What can be started soon. Names that filled the last batch sit out, unless nothing else is wanted. */
  #demand(source: ClaimSource): {
    readonly demand: readonly Demand[];
    readonly someSitOut: boolean;
  } {
    const { executor, settler, lease } = this.#parts;
    const supplied = this.#unpaused(source).map((worker) => {
      return { worker, ahead: this.prefetchOf(worker.name) };
    });
    const prefetch = supplied.reduce((sum, { ahead }) => sum + ahead, 0);
    const share = Math.floor(MOST_JOBS_A_CLAIM / this.#widening.factor);
    const most = Math.max(share, MOST_JOBS_AMONG_RIVALS);
    const slots = executor.roomFor(prefetch);
    const { permits } = this.#parts;
    // Without a free slot only batches grow that gather in theirs.
    const onlyFills = slots === 0;
    if ((onlyFills && !executor.fits(prefetch)) || !settler.hasRoom() || !lease.isHeld()) {
      // A place that cannot be used is not wanted: others may have it.
      return { demand: permits.allowed(source, []), someSitOut: false };
    }
    const supply = supplied
      .map(({ worker, ahead }) => {
        const { name } = worker;
        const wanted = onlyFills ? source.fills(worker) : source.wants(worker, ahead);
        return { name, limit: wanted - executor.reservedOf(name) };
      })
      .filter(({ name, limit }) => limit > 0 && !source.drained.has(name));
    const wanting = permits.allowed(source, supply);
    const others = wanting.filter(({ name }) => !source.satOut.has(name));
    const asked = others.length > 0 ? others : wanting;
    const names = onlyFills ? MOST_NAMES_A_CLAIM : Math.min(MOST_NAMES_A_CLAIM, slots);
    const demand = this.#rotate(asked, names);
    const cutOf = (name: string): Cut => {
      const worker = this.#parts.workers.get(name) as Worker;
      return { size: worker.jobsASlot, fills: source.fills(worker) };
    };
    return {
      demand: cutDemand(demand, { slots, jobs: most }, cutOf),
      someSitOut: demand.length < wanting.length,
    };
  }

  /** How long a claim takes to bring new jobs. */
  #horizonMs(): number {
    return Math.max(2 * this.#roundMs, SHORTEST_HORIZON_MS);
  }

  #unpaused(source: ClaimSource): Worker[] {
    const { workers, pauses } = this.#parts;
    return [...workers.values()].filter(
      (worker) => source.serves(worker) && !pauses.wasPaused(worker.name),
    );
  }

  /** At most so many names as one claim may look for, others in the next. */
  #rotate<T>(items: readonly T[], most = MOST_NAMES_A_CLAIM): T[] {
    if (items.length <= most) return [...items];
    this.#rotation = (this.#rotation + most) % items.length;
    const doubled = [...items, ...items];
    return doubled.slice(this.#rotation, this.#rotation + most);
  }

  async #claim(
    source: ClaimSource,
    params: Pick<ClaimParams, 'demand' | 'suspects' | 'widening'>,
  ): Promise<SourceResult & { readonly jobs: readonly ClaimedJob[] }> {
    const { ledgerTime, clock, random, health } = this.#context;
    const { instanceId } = this.#parts.lease;
    const { awaited, permits } = this.#parts;
    const claimToken = random.token();
    awaited.begin(claimToken);
    const claimed = permits.claiming(params.demand);
    let won: readonly ClaimedJob[] = [];
    const startedMs = clock.monotonic();
    try {
      const result = await source.claim({
        ...params,
        instanceId,
        claimToken,
        now: ledgerTime.now(),
      });
      const tookMs = clock.monotonic() - startedMs;
      this.#roundMs += (tookMs - this.#roundMs) * NEWEST_WEIGHT;
      this.#context.log?.write('claimed', {
        ...{ names: params.demand.length, attempted: result.attempted },
        ...{ claimed: result.jobs.length, suspects: params.suspects, tookMs },
      });
      if (result.attempted > 0) awaited.mayHaveWon();
      this.#measureClaim(result);
      won = result.jobs as readonly ClaimedJob[];
      health.claimed(won, ledgerTime.now());
      return result as SourceResult & { readonly jobs: readonly ClaimedJob[] };
    } catch (error) {
      won = await this.#readAfter(error, { instanceId, claimToken });
      // How many it tried for is lost with its answer; those that it won are known.
      this.#context.metrics.count('claimCandidates', {}, won.length);
      return { jobs: won, attempted: 0, saturated: [], drained: [] };
    } finally {
      claimed(won);
      this.#context.clock.setImmediate(() => awaited.end(claimToken));
    }
  }

  /** What a claim won that ended with an error: also one that is refused may stand. Throws where it won nothing. */
  async #readAfter(error: unknown, claim: ReadClaimParams): Promise<readonly ClaimedJob[]> {
    // It was not sent.
    if (error instanceof ConnectionError) throw error;
    this.#parts.awaited.mayHaveWon();
    this.#context.report(error);
    this.#reported = error;
    const isRefused = !(error instanceof UnknownOutcomeError);
    const failures = this.#failures;
    if (isRefused) this.#failures += 1;
    const won = await this.#readUntilAnswered(claim, isRefused ? 0 : 1);
    this.#failures = failures;
    if (isRefused && won.length === 0) throw error;
    return won;
  }

  /** Gives up when the claim can no longer be of use; the claim is then rescued. */
  async #readUntilAnswered(
    { instanceId, claimToken }: ReadClaimParams,
    failedBefore: number,
  ): Promise<readonly ClaimedJob[]> {
    const { ledger, report } = this.#context;
    const { signal } = this.#stopped;
    const answered = await retrying({
      ...this.#retryPlan('readClaim'),
      failedBefore,
      call: () => ledger.readClaim({ instanceId, claimToken }),
      onFailed: report,
      mayGoOn: () => !signal.aborted && this.#parts.lease.instanceId === instanceId,
    });
    return (answered?.value ?? []) as readonly ClaimedJob[];
  }

  /** What arrives when it may no longer start is given back. */
  #handOver(report: RoundReport): void {
    const { executor, lease, onRound } = this.#parts;
    const { jobs } = report;
    for (const { name } of jobs) this.#context.metrics.count('claimed', { name });
    const [first] = jobs;
    const ownClaim = first === undefined || first.claimedBy === lease.instanceId;
    if (this.#stopped.signal.aborted || !ownClaim) executor.release(jobs);
    else executor.accept(jobs);
    onRound(report);
  }

  #takeCauses(): { readonly hint: boolean; readonly poll: boolean } {
    const taken = {
      hint: this.#causes.has('hint') || this.#causes.has('rescue'),
      poll: this.#causes.has('poll'),
    };
    this.#causes.clear();
    return taken;
  }

  #measureClaim({ jobs, attempted, lost = 0 }: SourceResult): void {
    const { metrics } = this.#context;
    metrics.count('lanesLost', {}, lost);
    metrics.count('claimCandidates', {}, attempted);
    if (jobs.length > 0) metrics.record('batchSize', { verb: 'claim' }, jobs.length);
  }

  async #backOff(error: unknown): Promise<void> {
    this.#failures += 1;
    if (error !== this.#reported) this.#context.report(error);
    await pauseBeforeRetry(this.#retryPlan('claim'), this.#failures);
  }

  #retryPlan(verb: string): RetryPlan {
    return retryPlan(this.#context, verb, this.#stopped.signal);
  }
}
