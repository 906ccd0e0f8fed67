/**
 * Which names are paused, as this instance knows it.
 *
 * What always holds: nothing is said about a name on knowledge older than {@link OLDEST_KNOWLEDGE_MS}; then the ledger
 * is asked, and until it answers nothing starts. Hints of the ledger and each round of claims keep it fresh.
 *
 * @module
 */
import type { EngineContext } from '../../context/scheduler-context.ts';
import { SingleFlight } from '../../foundation/single-flight.ts';

/** How old, in milliseconds, the knowledge may be on which a handler starts. */
const OLDEST_KNOWLEDGE_MS = 2_000;

/** Knowledge that is younger serves a round of claims, whose jobs start or go back within a second. */
const FRESH_MS = 900;

/** What is known of a name. */
export type PauseState = 'running' | 'paused' | 'unknown';

type PausesContext = Pick<EngineContext, 'ledger' | 'clock' | 'report' | 'log'>;

/** The paused names. */
export class Pauses {
  readonly #context: PausesContext;
  readonly #onRead: (someResumed: boolean) => void;
  #names: ReadonlySet<string> = new Set();
  /** Names that this process paused since the read that is under way, or the last one, was sent. */
  readonly #pausedSince = new Set<string>();
  #readAt = { monotonicMs: Number.NEGATIVE_INFINITY, wallMs: 0 };
  readonly #reads = new SingleFlight(() => this.#read());

  /** @param onRead - called when the ledger has answered, with whether a name is no longer paused */
  constructor(context: PausesContext, onRead: (someResumed: boolean) => void) {
    this.#context = context;
    this.#onRead = onRead;
  }

  /** The names that were paused when the ledger was asked last. */
  get names(): readonly string[] {
    return [...this.#names];
  }

  /** Whether a job of this name may start now. */
  stateOf(name: string): PauseState {
    if (this.#ageMs() > OLDEST_KNOWLEDGE_MS) {
      void this.#reads.run();
      return 'unknown';
    }
    return this.#names.has(name) ? 'paused' : 'running';
  }

  /** True when the name was paused when the ledger was asked last. */
  wasPaused(name: string): boolean {
    return this.#names.has(name);
  }

  /** Asks the ledger, unless it was asked a moment ago. Never rejects. */
  async refresh(): Promise<void> {
    if (this.#ageMs() > FRESH_MS) await this.#reads.run();
  }

  /** Something was paused or resumed: asks the ledger, whatever was known before. */
  changed(): void {
    this.#reads.runAgain();
  }

  /** This process has paused a name, or let it go on: what it paused starts nothing here from now on. */
  changedHere(name: string, isPaused: boolean): void {
    if (isPaused) {
      this.#pausedSince.add(name);
      this.#set([...this.#names, name]);
    } else this.#pausedSince.delete(name);
    this.changed();
  }

  /** Resolves when the ledger is not being asked. */
  idle(): Promise<void> {
    return this.#reads.idle();
  }

  /** Of a machine that was suspended only the wall clock went on. */
  #ageMs(): number {
    const { clock } = this.#context;
    const { monotonicMs, wallMs } = this.#readAt;
    return Math.max(clock.monotonic() - monotonicMs, clock.now() - wallMs);
  }

  async #read(): Promise<void> {
    const { ledger, clock, report } = this.#context;
    const sent = { monotonicMs: clock.monotonic(), wallMs: clock.now() };
    try {
      this.#pausedSince.clear();
      const read = await ledger.readPaused();
      const someResumed = this.#set([...read, ...this.#pausedSince]);
      this.#readAt = sent;
      this.#onRead(someResumed);
    } catch (error) {
      report(error);
    }
  }

  /** True when a name is no longer paused. */
  #set(names: readonly string[]): boolean {
    const before = this.#names;
    this.#names = new Set(names);
    const someResumed = [...before].some((name) => !this.#names.has(name));
    if (someResumed || before.size !== this.#names.size) {
      this.#context.log?.write('pausesChanged', { pausedNames: this.names });
    }
    return someResumed;
  }
}
