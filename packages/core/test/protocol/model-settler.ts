/**
 * Records outcomes: gathered while a flush is in flight (at most two are), grouped by claim token,
 * sent again until answered cleanly; what was not matched is read back and judged.
 */
import type { ModelJob, SettleStatement, SettleVerb } from './model-ledger.ts';
import { TIMES } from './model-settings.ts';
import { type ClaimMemory, type Held, ledgerNow, untilKnown, type World } from './model-world.ts';
import { type Task, type VirtualProcess, wait } from './virtual-scheduler.ts';

interface Outcome {
  readonly held: Held;
  readonly verb: SettleVerb;
}

type Belief = 'done' | 'lost' | 'unknown' | 'still mine';

export class Settler {
  readonly #world: World;
  readonly #process: VirtualProcess;
  readonly #memory: ClaimMemory;
  readonly #buffer: Outcome[] = [];
  #wake: (() => void)[] = [];

  constructor(world: World, process: VirtualProcess, memory: ClaimMemory) {
    this.#world = world;
    this.#process = process;
    this.#memory = memory;
  }

  push(held: Held, verb: SettleVerb): void {
    this.#buffer.push({ held, verb });
    const wake = this.#wake;
    this.#wake = [];
    for (const resume of wake) resume();
  }

  *run(): Task<void> {
    for (;;) {
      if (this.#buffer.length === 0) yield* wait<void>((resume) => this.#wake.push(resume));
      yield* this.#flush(this.#buffer.splice(0));
    }
  }

  *#flush(outcomes: readonly Outcome[]): Task<void> {
    if (outcomes.length === 0) return;
    const { ledger, guards, network } = this.#world;
    const groups = this.#group(outcomes);
    const statements = groups.map((group) => group.statement);
    const send = () => ledger.settle(statements);
    if (!guards.settleResend) {
      const reply = yield* network.send(this.#process, send());
      if (!reply.isKnown) for (const { held } of outcomes) this.#memory.forget(held);
      return;
    }
    const matched = yield* untilKnown(this.#world, this.#process, send);
    const unmatched: Outcome[] = [];
    for (const [index, group] of groups.entries()) {
      if (matched[index] !== group.outcomes.length) unmatched.push(...group.outcomes);
      else for (const outcome of group.outcomes) this.#conclude(outcome, 'done');
    }
    if (unmatched.length > 0) yield* this.#readBack(unmatched);
  }

  *#readBack(outcomes: readonly Outcome[]): Task<void> {
    const ids = outcomes.map((outcome) => outcome.held.jobId);
    const jobs = yield* untilKnown(this.#world, this.#process, () =>
      this.#world.ledger.readJobs(ids),
    );
    for (const outcome of outcomes) {
      const job = jobs.get(outcome.held.jobId);
      const belief = this.#judge(outcome, job);
      if (belief !== 'still mine') this.#conclude(outcome, belief);
      // Only what cannot become pending gives way to a cancel; a success stays a success.
      else if (job?.isCancelAsked === true && isPendingAfter(outcome.verb)) {
        this.push(outcome.held, 'cancelled');
      } else this.push(outcome.held, outcome.verb);
    }
  }

  #judge({ held }: Outcome, job: ModelJob | undefined): Belief {
    if (job === undefined) return 'unknown';
    if (job.lastToken === held.token) return 'done';
    if (job.claimToken === held.token) return 'still mine';
    if (job.fence === held.fence) return 'lost';
    return job.fence === held.fence + 1 && job.status === 'processing' ? 'lost' : 'unknown';
  }

  #conclude({ held }: Outcome, belief: Belief): void {
    this.#world.invariants.claimReported(this.#process, held.jobId, held.token, belief);
    this.#memory.forget(held);
  }

  #group(outcomes: readonly Outcome[]): { statement: SettleStatement; outcomes: Outcome[] }[] {
    const groups = new Map<string, Outcome[]>();
    for (const outcome of outcomes) {
      const { token, jobId } = outcome.held;
      // A retry has a due time of its own and so a statement of its own.
      const key = `${token} ${outcome.verb} ${outcome.verb === 'retry' ? jobId : ''}`;
      groups.set(key, [...(groups.get(key) ?? []), outcome]);
    }
    return [...groups.values()].map((group) => ({
      statement: this.#statement(group),
      outcomes: group,
    }));
  }

  #statement(group: readonly Outcome[]): SettleStatement {
    const [first] = group;
    const failCount = (first?.held.failCount ?? 0) + 1;
    return {
      verb: first?.verb ?? 'release',
      token: first?.held.token ?? '',
      ids: group.map((outcome) => outcome.held.jobId),
      nextRunAt: ledgerNow(this.#world) + 2 ** failCount * TIMES.backoffMs,
    };
  }
}

function isPendingAfter(verb: SettleVerb): boolean {
  return verb === 'retry' || verb === 'release';
}
