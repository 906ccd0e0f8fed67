import { EventEmitter, once } from 'node:events';
import { within } from '../setup/until.ts';
import type { WireRequest } from './wire.ts';

/** Which requests a fault is for. */
export interface FaultOptions {
  /** The command's name, for example `findAndModify`; every command by default. */
  readonly command?: string;
  readonly when?: (request: WireRequest) => boolean;
  /** For how many requests. @default 1 */
  readonly times?: number;
}

export interface DropOptions extends FaultOptions {
  /** After the loss the connection is cut, or stays open and silent for good. @default 'cut' */
  readonly ending?: 'cut' | 'hang';
}

export type FaultEffect = 'cut' | 'hang' | 'hold';

/** A fault in force: says how often it has struck. */
export class FaultRule {
  readonly effect: FaultEffect;
  readonly on: 'request' | 'reply';
  readonly #options: FaultOptions;
  readonly #struck = new EventEmitter();
  #left: number;
  #hits = 0;

  constructor(on: 'request' | 'reply', effect: FaultEffect, options: FaultOptions) {
    this.on = on;
    this.effect = effect;
    this.#options = options;
    this.#left = options.times ?? 1;
  }

  /** How often it has struck: a request lost, or the reply lost or held. */
  get hits(): number {
    return this.#hits;
  }

  /** Resolves when it has struck `times` times in all. */
  async entered(times = 1, deadlineMs = 10_000): Promise<void> {
    const enough = async (): Promise<void> => {
      while (this.#hits < times) await once(this.#struck, 'hit');
    };
    await within(`Hit ${times} of the fault on a ${this.on}`, enough(), deadlineMs);
  }

  /** Reserves one strike if the rule is for this request. */
  claim(request: WireRequest): boolean {
    const { command = request.command, when } = this.#options;
    if (this.#left === 0 || command !== request.command || when?.(request) === false) return false;
    this.#left--;
    return true;
  }

  hit(): void {
    this.#hits++;
    this.#struck.emit('hit');
  }

  /** Lets no further request match. */
  end(): void {
    this.#left = 0;
  }
}

/** Replies kept back; the server has executed their commands already. */
export class HeldReplies extends FaultRule {
  readonly #held: (() => void)[] = [];

  constructor(options: FaultOptions) {
    super('reply', 'hold', options);
  }

  hold(deliver: () => void): void {
    this.#held.push(deliver);
    this.hit();
  }

  /** Delivers what is held and holds no more. */
  release(): void {
    this.end();
    for (const deliver of this.#held.splice(0)) deliver();
  }
}
