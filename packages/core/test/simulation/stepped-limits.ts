/** The limits of a stepped ledger: each write is one step, as it is on MongoDB; only the look at claims is one more. */
import type {
  BackOffParams,
  InstanceParams,
  LimitRecord,
  LimitVerbs,
  SetLimitParams,
  TakeShareParams,
  TakeShareResult,
} from '../../src/ledger/ledger-repository.ts';
import type { Hints } from '../../src/ledger/memory/hints.ts';
import { MemoryLimits } from '../../src/ledger/memory/limits.ts';
import type { SteppedLedgerParams } from './stepped-params.ts';

/** What limits are kept with. */
export interface SteppedLimitsParts extends Pick<SteppedLedgerParams, 'clock' | 'observer'> {
  readonly hints: Hints;
  readonly letOthersIn: () => Promise<void>;
  readonly isLive: (instanceId: string) => boolean;
  readonly hasClaims: (instanceId: string) => boolean;
}

/** Keeps limits, and tells of every write. */
export class SteppedLimits implements LimitVerbs {
  readonly #parts: SteppedLimitsParts;
  readonly #limits: MemoryLimits;

  constructor(parts: SteppedLimitsParts) {
    this.#parts = parts;
    const { hints, clock } = parts;
    this.#limits = new MemoryLimits({ hints, clock, isInUse: () => false });
  }

  async setLimit(params: SetLimitParams): Promise<void> {
    await this.#limits.setLimit(params);
    const records = await this.#limits.readLimits();
    this.#tell(
      records.filter(({ key }) => key === params.key),
      params.key,
    );
  }

  readLimits(): Promise<readonly LimitRecord[]> {
    return this.#limits.readLimits();
  }

  async takeShare(params: TakeShareParams): Promise<TakeShareResult> {
    const result = await this.#limits.takeShare(params);
    // The others are as they were.
    if (result.limit !== null) this.#tell([result.limit]);
    return result;
  }

  async freeShares({ instanceId }: InstanceParams): Promise<boolean> {
    const { isLive, hasClaims, letOthersIn } = this.#parts;
    if (isLive(instanceId)) return false;
    await letOthersIn();
    if (hasClaims(instanceId)) return false;
    await letOthersIn();
    await this.#limits.freeShares({ instanceId });
    this.#tell(await this.#limits.readLimits());
    return true;
  }

  backOff(params: BackOffParams): Promise<boolean> {
    return this.#limits.backOff(params);
  }

  #tell(records: readonly LimitRecord[], changedKey?: string): void {
    this.#parts.observer.limitsWritten(records, changedKey);
  }
}
