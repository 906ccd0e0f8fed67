/** One place in the fleet: a machine with a scheduler on it, and after a crash another machine in its stead. */
import type { Outbox } from '../../src/client/outbox.ts';
import { sleep } from '../../src/foundation/clock.ts';
import type { Session } from '../../src/foundation/driver-shapes.ts';
import { assert } from '../../src/foundation/errors.ts';
import { type Job, type JobContext, Monque, type StageContext } from '../../src/index.ts';
import { ShutdownTimeoutError } from '../../src/job/job-errors.ts';
import type {
  ClaimParams,
  LedgerRepository,
  LedgerTransactions,
} from '../../src/ledger/ledger-repository.ts';
import {
  type FaultyLedgerOptions,
  FaultyLedgerRepository,
} from '../../src/testing/faulty-ledger-repository.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import type { BatchContext, BatchDefinition } from '../../src/workers/batches.ts';
import type { Chance } from './chance.ts';
import type { Task } from './facts.ts';
import { BATCH_SIZE, BATCH_WAIT_MS, BATCHED_NAME } from './features/batch-work.ts';
import { FLOW_NAME } from './features/flow-work.ts';
import { OUTBOX_NAME, outboxOptions } from './features/outbox-work.ts';
import { STAGED_CONCURRENCY, STAGED_NAME, stepsOf } from './features/staged-work.ts';
import {
  DEAD_LETTER_NAME,
  GROUPED_NAME,
  LIMIT_OF_GROUPS,
  limitOptionsOf,
  ORDERED_NAME,
  PATIENT_NAME,
  patienceOptionsOf,
  SUPERSEDING_NAME,
} from './features/users.ts';
import type { Machine } from './machine.ts';
import type { Network } from './network.ts';
import type { Observer } from './observer.ts';
import { engineOptions, OPERATION_TIMEOUT_MS } from './profile.ts';
import type { Report } from './rules/rule.ts';
import { HostTransactions } from './transactions/host-transactions.ts';
import type { TransactionServer } from './transactions/server-transactions.ts';
import type { World } from './world.ts';

/** The verbs that take jobs. */
const CLAIM_VERBS = new Set<string>(['claim', 'claimOrders', 'claimGroups']);

const START_AGAIN_MS = 200;
const LONGEST_REPAIR_MS = 3_000;
const REPORTS = ['job:complete', 'job:fail', 'job:cancelled', 'job:lost'] as const;

/** A ledger with a server of transactions. */
export interface SimulatedLedger extends LedgerRepository {
  readonly transactionServer: TransactionServer;
}

/** A machine's way to the ledger, with its own side of transactions. */
class HostLedger extends FaultyLedgerRepository {
  readonly #transactions: LedgerTransactions;

  constructor(
    inner: LedgerRepository,
    options: FaultyLedgerOptions,
    transactions: LedgerTransactions,
  ) {
    super(inner, options);
    this.#transactions = transactions;
  }

  override get transactions(): LedgerTransactions {
    return this.#transactions;
  }
}

/** What the fleet's places share. */
export interface Surroundings {
  readonly world: World;
  readonly chance: Chance;
  readonly observer: Observer;
  readonly network: Network;
  readonly ledger: SimulatedLedger;
  readonly makeMachine: (name: string) => Machine;
  readonly runBatch: (
    host: Host,
    machine: Machine,
    jobs: readonly Job[],
    context: BatchContext,
  ) => unknown;
  readonly runHandler: (
    host: Host,
    machine: Machine,
    job: Job,
    context: JobContext | StageContext,
  ) => unknown;
}

/** What one place is given. */
export interface HostParams {
  readonly name: string;
  /** Concurrency by job name; none for a place that only enqueues. */
  readonly workers: ReadonlyMap<string, number>;
  /** True for every second one. */
  readonly isEven: boolean;
}

/** One place in the fleet. */
export class Host {
  readonly #shared: Surroundings;
  readonly #params: HostParams;
  readonly #givenUp = new Set<string>();
  #machine: Machine;
  #monque: Monque;
  #transactions: HostTransactions | undefined;
  #outbox: Outbox<Task> | undefined;
  #boots = 0;
  #callsInFlight = 0;
  #state: 'starting' | 'up' | 'stopping' | 'stopped' | 'down' = 'down';

  constructor(shared: Surroundings, params: HostParams) {
    this.#shared = shared;
    this.#params = params;
    [this.#machine, this.#monque] = this.#boot();
  }

  get machine(): Machine {
    return this.#machine;
  }

  /** Where messages are added here. */
  get outbox(): Outbox<Task> {
    assert(this.#outbox !== undefined, 'nobody adds messages where there are none');
    return this.#outbox;
  }

  /** A write of the user's own in a transaction that began here. */
  get write(): (session: Session, document: string) => Promise<void> {
    const transactions = this.#transactions;
    return async (session, document) => transactions?.write(session, document);
  }

  /** True while it does what it is there for. */
  get isUp(): boolean {
    return this.#state === 'up' && this.#machine.isRunning;
  }

  get isWorker(): boolean {
    return this.#params.workers.size > 0;
  }

  /** Ends the machine; another one takes its place after a while. */
  crash(): void {
    if (this.#machine.isCrashed) return;
    const { world, chance, observer } = this.#shared;
    observer.trace.note(this.#machine.name, () => 'crashes');
    observer.facts.counts.crashes += 1;
    observer.facts.workers.delete(this.#machine);
    this.#machine.crash();
    this.#state = 'down';
    world.in(chance.between(20, LONGEST_REPAIR_MS), () => {
      [this.#machine, this.#monque] = this.#boot();
    });
  }

  /** Asks something of the scheduler as the user does. */
  async call<T>(ask: (monque: Monque) => Promise<T>): Promise<T> {
    const machine = this.#machine;
    this.#callsInFlight += 1;
    try {
      return await ask(this.#monque);
    } finally {
      if (machine === this.#machine) this.#callsInFlight -= 1;
    }
  }

  /** Stops the scheduler in order; with a time it is started again after that. */
  async stop(againAfterMs?: number): Promise<void> {
    if (this.#state !== 'up') return;
    const [machine, monque] = [this.#machine, this.#monque];
    const { world, observer } = this.#shared;
    this.#state = 'stopping';
    observer.trace.note(machine.name, () => 'is told to stop');
    observer.facts.counts.stops += 1;
    observer.facts.workers.delete(machine);
    const calledMs = world.nowMs;
    await monque.stop();
    const tookMs = world.nowMs - calledMs;
    const [givenUp, callsInFlight] = [this.#givenUp, this.#callsInFlight];
    observer.stopped({ machine, tookMs, givenUp, callsInFlight });
    this.#state = 'stopped';
    if (againAfterMs === undefined) return;
    await sleep(machine.userClock, againAfterMs);
    this.#start(machine, monque);
  }

  #boot(): [Machine, Monque] {
    const { makeMachine, chance, ledger, network, observer, world } = this.#shared;
    this.#boots += 1;
    this.#callsInFlight = 0;
    this.#givenUp.clear();
    const machine = makeMachine(`${this.#params.name}.${this.#boots}`);
    const server = ledger.transactionServer;
    const transactions = new HostTransactions({ world, machine, network, server });
    const options: FaultyLedgerOptions = {
      clock: machine,
      networkClock: networkClock(world),
      operationTimeoutMs: OPERATION_TIMEOUT_MS,
      chooseFault: (call) => {
        if (call.verb === 'openLease') observer.leaseAsked(instanceIdOf(call.params), machine);
        if (CLAIM_VERBS.has(call.verb)) {
          this.#checkClaim(machine);
          observer.claimSent((call.params as { readonly claimToken: string }).claimToken);
          if (call.verb === 'claim') observer.plainClaimSent(call.params as ClaimParams);
        }
        return network.faultFor(machine, call);
      },
    };
    const faulty = new HostLedger(ledger, options, transactions);
    this.#transactions = transactions;
    const random = new SeededRandom(chance.seed());
    const engine = engineOptions(observer.facts.profile);
    const monque = new Monque(faulty, { ...engine, clock: machine, random });
    this.#listen(machine, monque);
    const handler = (job: Job, context: JobContext | StageContext): unknown =>
      this.#shared.runHandler(this, machine, job, context);
    const batch = { size: BATCH_SIZE, wait: BATCH_WAIT_MS };
    const together: BatchDefinition = {
      ...batch,
      batch: (jobs, context) => this.#shared.runBatch(this, machine, jobs, context),
    };
    const hasBatches = observer.facts.profile.batchedJobs > 0;
    const someAtATime = hasBatches && this.#params.isEven ? together : handler;
    if (this.isWorker && hasBatches) {
      const letters = observer.facts.profile.deadLetters > 0 && { deadLetter: DEAD_LETTER_NAME };
      monque.worker(BATCHED_NAME, together, { concurrency: 3, ...letters });
    }
    this.#outbox =
      observer.facts.profile.messages > 0
        ? monque.outbox(OUTBOX_NAME, outboxOptions(observer, machine, this.isWorker))
        : undefined;
    for (const [name, concurrency] of this.#params.workers) {
      const { deadLetters } = observer.facts.profile;
      monque.worker(name, handler, {
        concurrency,
        ...(deadLetters > 0 && { deadLetter: DEAD_LETTER_NAME }),
        ...limitOptionsOf(name, observer.facts.profile),
        ...patienceOptionsOf(name, observer.facts.profile),
      });
    }
    if (this.isWorker && observer.facts.profile.patientJobs > 0) {
      // Some claim one by one, some several at once.
      const concurrency = this.#params.isEven ? 1 : 4;
      const letters = observer.facts.profile.deadLetters > 0 && { deadLetter: DEAD_LETTER_NAME };
      const options = patienceOptionsOf(PATIENT_NAME, observer.facts.profile);
      monque.worker(PATIENT_NAME, handler, { concurrency, ...letters, ...options });
    }
    if (this.isWorker && observer.facts.profile.deadLetters > 0) {
      // What failed there for good must not go back by itself.
      monque.worker(DEAD_LETTER_NAME, handler, { concurrency: 2, deadLetter: 'mail' });
    }
    if (this.isWorker && observer.facts.profile.groupedJobs > 0) {
      const { hasFreeGroups } = observer.facts.profile;
      const groups = hasFreeGroups ? {} : { concurrency: LIMIT_OF_GROUPS };
      const work = someAtATime === together ? { ...together, by: 'group' as const } : handler;
      monque.worker(GROUPED_NAME, work, { concurrency: 4, groups });
    }
    if (this.isWorker && observer.facts.profile.stagedJobs > 0) {
      const options = { concurrency: STAGED_CONCURRENCY };
      monque.worker(STAGED_NAME, { stages: stepsOf(handler) }, options);
    }
    if (this.isWorker && observer.facts.profile.flows > 0) {
      monque.worker(FLOW_NAME, handler, { concurrency: 4 });
    }
    if (this.isWorker && observer.facts.profile.orders > 0) {
      monque.worker(ORDERED_NAME, someAtATime, {
        concurrency: 3,
        order: { whenFailed: observer.facts.profile.orderHalts ? 'halt' : 'next' },
        ...limitOptionsOf(ORDERED_NAME, observer.facts.profile),
      });
    }
    if (this.isWorker && observer.facts.profile.superseding > 0) {
      monque.worker(SUPERSEDING_NAME, handler, { concurrency: 3, order: {} });
    }
    this.#start(machine, monque);
    return [machine, monque];
  }

  #start(machine: Machine, monque: Monque): void {
    this.#state = this.isWorker ? 'starting' : 'up';
    if (this.isWorker) void this.#startUntilItWorks(machine, monque);
  }

  async #startUntilItWorks(machine: Machine, monque: Monque): Promise<void> {
    const { observer } = this.#shared;
    for (;;) {
      try {
        await monque.start();
        break;
      } catch {
        await sleep(machine.userClock, START_AGAIN_MS);
      }
    }
    if (machine.isCrashed) return;
    observer.trace.note(machine.name, () => 'has started');
    observer.facts.workers.add(machine);
    machine.trouble(this.#shared.world.nowMs);
    this.#state = 'up';
  }

  #checkClaim(machine: Machine): void {
    if (this.#state !== 'stopping' || machine.isCrashed) return;
    this.#shared.observer.violate('a claim is sent by who stops', machine.name);
  }

  #listen(machine: Machine, monque: Monque): void {
    const { observer } = this.#shared;
    for (const name of REPORTS) {
      monque.on(name, (payload: unknown) => {
        if (!machine.isCrashed) observer.reported(machine, { name, payload } as Report);
      });
    }
    monque.on('flow:ended', ({ flow }) => {
      if (!machine.isCrashed) observer.facts.flowEnded(flow.toHexString(), true);
    });
    monque.on('job:error', ({ error }) => {
      if (machine.isCrashed) return;
      if ('code' in error && error.code === 'INTERNAL') {
        observer.violate('the engine finds a fault in itself', error.message);
      }
      if (!(error instanceof ShutdownTimeoutError)) return;
      for (const { _id } of error.incompleteJobs) this.#givenUp.add(_id.toHexString());
    });
  }
}

/** Delays on the way, whatever happens to the machines. */
function networkClock(world: World) {
  return {
    now: () => world.nowMs,
    monotonic: () => world.nowMs,
    setTimer(callback: () => void, delayMs: number) {
      const happening = world.in(delayMs, callback);
      return {
        cancel(): void {
          happening.isCancelled = true;
        },
      };
    },
    setImmediate: (callback: () => void) => {
      world.in(0, callback);
    },
  };
}

function instanceIdOf(params: unknown): string {
  return (params as { readonly instanceId: string }).instanceId;
}
