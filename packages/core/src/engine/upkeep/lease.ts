/**
 * This instance's proof of life.
 *
 * States: held while the last acknowledged renewal is younger than the lease; lapsed when it is older, until a renewal
 * is acknowledged; refused when the ledger says that others declared the lease dead, until a new one is open under a
 * new id. Only a refusal aborts handlers: an outage or a step of the clock aborts nothing.
 *
 * What always holds: the deadline runs from before the last acknowledged renewal was sent, by the larger of monotonic
 * and wall time, so it ends before any observer, who counts from later, can call this instance dead.
 *
 * @module
 */
import type { EngineContext } from '../../context/scheduler-context.ts';
import { ServiceLoop } from '../../foundation/service-loop.ts';
import type { InstanceInfo } from '../../ledger/ledger-repository.ts';

const RETRY_PART = 60;

type LeaseContext = Pick<
  EngineContext,
  'ledger' | 'clock' | 'random' | 'options' | 'emit' | 'health' | 'report' | 'log'
>;

/** What a lease notifies its neighbours of. */
export interface LeaseHooks {
  /** After every acknowledged renewal, and after a new lease; with whether the lease was not held before. */
  readonly onRenewed: (hadLapsed: boolean) => void;
  /** The lease was declared dead by others. */
  readonly onRefused: () => void;
  /** What the instance says of itself now. */
  readonly describe: () => InstanceInfo;
  /** After each try to renew, whatever came of it: every third of the lease, more often while the ledger is silent. */
  readonly onTurn: () => void;
}

/** Holds and renews a lease. */
export class Lease {
  readonly #context: LeaseContext;
  readonly #hooks: LeaseHooks;
  readonly #renewals: ServiceLoop;
  #instanceId: string;
  #sent = { monotonicMs: Number.NEGATIVE_INFINITY, wallMs: 0 };
  #delayMs = 0;
  /** False when the last try to renew it was not confirmed. */
  #isRenewed = true;
  #refused = false;
  /** When the next renewal is due; monotonic time. */
  #dueMs = 0;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(context: LeaseContext, hooks: LeaseHooks) {
    this.#context = context;
    this.#hooks = hooks;
    this.#instanceId = context.random.token();
    const waitMs = (): number => this.#waitMs();
    this.#renewals = new ServiceLoop({
      clock: context.clock,
      firstWaitMs: waitMs,
      round: () => this.#turn().then(waitMs),
      onFailed: waitMs,
    });
  }

  /** The id under which claims are made now. */
  get instanceId(): string {
    return this.#instanceId;
  }

  /** True while claims may be sent and handlers started. */
  isHeld(): boolean {
    if (this.#refused || this.#renewals.isStopped) return false;
    const { clock, options } = this.#context;
    const monotonicMs = clock.monotonic() - this.#sent.monotonicMs;
    const wallMs = clock.now() - this.#sent.wallMs;
    if (Math.max(monotonicMs, wallMs) < options.leaseDurationMs) return true;
    this.#renewals.wake();
    return false;
  }

  /** Opens the first lease; the error of the ledger when that fails. */
  open(): Promise<void> {
    this.#opening ??= this.#openFirst();
    return this.#opening;
  }

  async #openFirst(): Promise<void> {
    if (this.#renewals.isStopped) return;
    await this.#openUnder(this.#instanceId);
    this.#renewals.start();
  }

  /** Ends the lease. A ledger that does not answer is sent nothing more: the lease then dies of age. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#renewals.stop();
    if (this.#opening === undefined) return;
    // Also one whose opening was not confirmed: it may be open all the same.
    await Promise.allSettled([this.#opening]);
    await this.#attempt(() =>
      this.#context.ledger.endLease({
        instanceId: this.#instanceId,
        deadlineMs: this.#deadlineMs(),
      }),
    );
  }

  async #turn(): Promise<void> {
    this.#reportDelay();
    this.#isRenewed = false;
    const done = await this.#attempt(() => (this.#refused ? this.#reopen() : this.#renew()));
    this.#isRenewed = done && !this.#refused;
    this.#hooks.onTurn();
  }

  /** Cut short when somebody finds that the lease has lapsed. */
  #waitMs(): number {
    const { clock, options } = this.#context;
    const waitMs = options.leaseDurationMs / (this.#isRenewed ? 3 : RETRY_PART);
    this.#dueMs = clock.monotonic() + waitMs;
    return waitMs;
  }

  /** How late the last turn was, in milliseconds. */
  get delayMs(): number {
    return this.#delayMs;
  }

  #reportDelay(): void {
    const { clock, emit, options } = this.#context;
    const delay = clock.monotonic() - this.#dueMs;
    this.#delayMs = Math.max(0, delay);
    if (delay > options.leaseDurationMs / 3) emit('loop:delayed', { delayMs: delay });
  }

  async #renew(): Promise<void> {
    const sent = this.#timeNow();
    const live = await this.#context.ledger.renewLease({
      instanceId: this.#instanceId,
      deadlineMs: this.#deadlineMs(),
      info: this.#hooks.describe(),
    });
    if (this.#renewals.isStopped) return;
    if (live) {
      const hadLapsed = !this.isHeld();
      this.#sent = sent;
      this.#context.log?.write('leaseRenewed', { instanceId: this.#instanceId, hadLapsed });
      this.#hooks.onRenewed(hadLapsed);
      return;
    }
    this.#refused = true;
    this.#context.log?.write('leaseRefused', { instanceId: this.#instanceId });
    this.#hooks.onRefused();
  }

  async #reopen(): Promise<void> {
    this.#instanceId = this.#context.random.token();
    await this.#openUnder(this.#instanceId);
    this.#refused = false;
    this.#hooks.onRenewed(true);
  }

  async #openUnder(instanceId: string): Promise<void> {
    const sent = this.#timeNow();
    const { leaseDurationMs } = this.#context.options;
    const info = this.#hooks.describe();
    await this.#context.ledger.openLease({ instanceId, leaseDurationMs, info });
    this.#sent = sent;
    this.#context.log?.write('leaseOpened', { instanceId });
  }

  /** True when it went well; a failure is reported, and tried again by who calls. */
  async #attempt(action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      this.#context.health.answered();
      return true;
    } catch (error) {
      this.#context.report(error);
      return false;
    }
  }

  #deadlineMs(): number {
    return this.#context.options.leaseDurationMs / 6;
  }

  #timeNow(): { monotonicMs: number; wallMs: number } {
    const { clock } = this.#context;
    return { monotonicMs: clock.monotonic(), wallMs: clock.now() };
  }
}
