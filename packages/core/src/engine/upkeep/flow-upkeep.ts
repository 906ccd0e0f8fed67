/**
 * Lets the jobs of flows go on when their parents have come to an end: at once when this process ended them, and for
 * all others by looking now and then at what jobs wait for.
 *
 * A process that dies between the end of a job and the look at its children leaves them to that look, which every
 * instance takes, and at once who declares it dead; a look that is asked for goes through all without a pause. The ends
 * of flows are noticed by the same looks, in fewer of them: an end that nobody noticed holds nobody up. Where no job
 * waits, and every flow has ended, it costs three reads in ten minutes.
 *
 * @module
 */
import {
  abandonedBefore,
  type ReleaseContext,
  releaseChildren,
} from '../../context/release-children.ts';
import type { EngineContext } from '../../context/scheduler-context.ts';
import { ServiceLoop } from '../../foundation/service-loop.ts';
import { isEndToken } from '../../job/flow-tokens.ts';
import type { Job } from '../../job/job.ts';

/** How often it is looked while jobs wait, in milliseconds. */
const ROUND_MS = 5_000;

/** How often the ends of flows are looked at while one has not ended: a look costs a read for each such flow. */
const ENDS_ROUND_MS = 60_000;

/** How often while there is none and no instance dies, in milliseconds. */
const IDLE_ROUND_MS = 600_000;

const TOKENS_A_STEP = 200;
const MOST_STEPS = 10;

type FlowUpkeepContext = ReleaseContext &
  Pick<EngineContext, 'clock' | 'random' | 'options' | 'report'>;

/** One walk through what jobs wait for, over one or more rounds. */
interface Walk {
  /** True when the ends of flows are among it. */
  readonly hasEnds: boolean;
  /** True when somebody asked for it, and so it is taken without a pause. */
  readonly isAsked: boolean;
  position: string | undefined;
  foundWaiting: boolean;
  foundOpen: boolean;
}

/** Releases the children of jobs. */
export class FlowUpkeep {
  readonly #context: FlowUpkeepContext;
  readonly #onReleased: (names: readonly string[]) => void;
  readonly #loop: ServiceLoop;
  #ended = new Set<string>();
  #releasing: Promise<void> | undefined;
  #walk: Walk | undefined;
  /** True from when a look is asked for until the walk begins that is for it. */
  #isAsked = false;
  /** From when on the next walk is one through the ends of flows too, in monotonic time. */
  #endsDueMs = Number.NEGATIVE_INFINITY;

  /** @param onReleased - called with the names of jobs that became pending */
  constructor(context: FlowUpkeepContext, onReleased: (names: readonly string[]) => void) {
    this.#context = context;
    this.#onReleased = onReleased;
    this.#loop = new ServiceLoop({
      clock: context.clock,
      kind: 'upkeep',
      // Instances that were started together need not look together.
      firstWaitMs: () => ROUND_MS * context.random.fraction(),
      round: () => this.#sweep(),
      onFailed: (error) => {
        context.report(error);
        return ROUND_MS;
      },
    });
  }

  start(): void {
    this.#loop.start();
  }

  /** Looks now at all that jobs wait for, and at the ends of flows. */
  look(): void {
    this.#isAsked = true;
    this.beginLook();
  }

  /** Begins such a look now, and takes it with pauses: for what may happen every few seconds. */
  beginLook(): void {
    this.#endsDueMs = Number.NEGATIVE_INFINITY;
    this.#loop.wake();
  }

  /** Ends the looks, after those that are on their way. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#releasing;
  }

  /** The end of a job was recorded by this process. What ends meanwhile goes together in the next look. */
  ended({ feeds, finishedAt }: Job): void {
    if (feeds === undefined || finishedAt === undefined) return;
    for (const token of feeds) this.#ended.add(token);
    this.#releasing ??= this.#releaseAll();
  }

  async #releaseAll(): Promise<void> {
    // What was settled in one flush is looked at together.
    await undefined;
    while (this.#ended.size > 0) {
      const tokens = [...this.#ended];
      this.#ended = new Set();
      try {
        await this.#release(tokens);
      } catch (error) {
        this.#context.report(error);
        // Others may not look for minutes.
        this.look();
      }
    }
    this.#releasing = undefined;
  }

  async #release(tokens: readonly string[]): Promise<void> {
    const names = await releaseChildren(this.#context, tokens);
    if (names.length > 0) this.#onReleased(names);
  }

  /** One round of the walk; gives the milliseconds until the next. */
  async #sweep(): Promise<number> {
    const { ledger } = this.#context;
    const walk = this.#walk ?? this.#beginWalk();
    this.#walk = walk;
    for (let step = 0; step < MOST_STEPS && !this.#loop.isStopped; step += 1) {
      const { tokens, position } = await ledger.sweepFlows({
        ...{ limit: TOKENS_A_STEP, createdBefore: abandonedBefore(this.#context) },
        ...(walk.position !== undefined && { after: walk.position }),
        ...(!walk.hasEnds && { waitingOnly: true }),
      });
      if (tokens.length > 0) await this.#release(tokens);
      walk.foundOpen ||= tokens.some(isEndToken);
      walk.foundWaiting ||= !tokens.every(isEndToken);
      walk.position = position;
      if (position === undefined) return this.#endWalk(walk);
    }
    // Whoever asks during a walk waits for its end, and then for one through all.
    return walk.isAsked || this.#isAsked ? 0 : ROUND_MS;
  }

  #beginWalk(): Walk {
    const nowMs = this.#context.clock.monotonic();
    const hasEnds = nowMs >= this.#endsDueMs;
    if (hasEnds) this.#endsDueMs = nowMs + ENDS_ROUND_MS;
    const isAsked = this.#isAsked;
    this.#isAsked = false;
    return { hasEnds, isAsked, position: undefined, foundWaiting: false, foundOpen: false };
  }

  /** Gives the milliseconds until the next walk. */
  #endWalk({ hasEnds, foundWaiting, foundOpen }: Walk): number {
    this.#walk = undefined;
    const untilEndsMs = Math.max(0, this.#endsDueMs - this.#context.clock.monotonic());
    if (foundWaiting) return Math.min(ROUND_MS, untilEndsMs);
    // That another look was asked for meanwhile cut no wait short.
    return hasEnds && !foundOpen && untilEndsMs > 0 ? IDLE_ROUND_MS : untilEndsMs;
  }
}
