/**
 * The limits of an in-memory ledger.
 *
 * @module
 */
import type { Clock } from '../../foundation/clock.ts';
import type {
  BackOffParams,
  InstanceParams,
  LimitRecord,
  LimitVerbs,
  SetLimitParams,
  TakeShareParams,
  TakeShareResult,
} from '../ledger-repository.ts';
import { chooseShare, nextStartAt, usedUpUnder } from '../limit-share.ts';
import type { Hints } from './hints.ts';

/** A limit as it is kept. */
interface StoredLimit {
  readonly record: LimitRecord;
  readonly usedUpMs: number | undefined;
  /** The last call of each instance that has a share. */
  readonly calls: ReadonlyMap<string, number>;
}

/** What limits share with the rest of the ledger. */
export interface MemoryLimitsParts {
  readonly hints: Hints;
  readonly clock: Clock;
  /** True while an instance may still claim, or holds claims. */
  readonly isInUse: (instanceId: string) => boolean;
}

/** Limits by their keys. */
export class MemoryLimits implements LimitVerbs {
  readonly #limits = new Map<string, StoredLimit>();
  readonly #parts: MemoryLimitsParts;

  constructor(parts: MemoryLimitsParts) {
    this.#parts = parts;
  }

  /** Makes a limit, or changes what it allows; shares stay as they are. */
  async setLimit({ key, concurrency, rate }: SetLimitParams): Promise<void> {
    const before = this.#limits.get(key);
    const { shares = [], blockedUntil } = before?.record ?? {};
    const usedUpMs = usedUpUnder(rate, before?.usedUpMs, this.#parts.clock.now());
    const record: LimitRecord = {
      ...{ key, shares },
      ...(concurrency !== undefined && { concurrency }),
      ...(rate && { rate: { ...rate } }),
      ...(blockedUntil && { blockedUntil }),
    };
    this.#limits.set(key, { record, usedUpMs, calls: before?.calls ?? new Map() });
    this.#notify();
  }

  async readLimits(): Promise<readonly LimitRecord[]> {
    const limits = [...this.#limits.values()].map(shown);
    return limits.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Sets the share of an instance, by its newest call. */
  async takeShare(params: TakeShareParams): Promise<TakeShareResult> {
    const { key, instanceId, seq, wants } = params;
    const stored = this.#limits.get(key);
    if (stored === undefined) return { outcome: 'missing', count: 0, starts: 0, limit: null };
    const { record, usedUpMs } = stored;
    if (seq <= (stored.calls.get(instanceId) ?? 0)) {
      return { outcome: 'stale', count: 0, starts: 0, limit: shown(stored) };
    }
    const choice = chooseShare(record, stored, params, this.#parts.clock.now());
    const { count, starts } = choice;
    const others = record.shares.filter((share) => share.instanceId !== instanceId);
    const taken: StoredLimit = {
      record: { ...record, shares: [...others, { instanceId, count, wants }] },
      usedUpMs: choice.usedUpMs ?? usedUpMs,
      calls: new Map([...stored.calls, [instanceId, seq]]),
    };
    this.#limits.set(key, taken);
    if (choice.isNews) this.#notify();
    return { outcome: 'taken', count, starts, limit: shown(taken) };
  }

  /** Takes the shares of an instance back that is dead and owns nothing. */
  async freeShares({ instanceId }: InstanceParams): Promise<boolean> {
    if (this.#parts.isInUse(instanceId)) return false;
    for (const [key, { record, usedUpMs, calls }] of this.#limits) {
      if (!calls.has(instanceId)) continue;
      const shares = record.shares.filter((share) => share.instanceId !== instanceId);
      const left = [...calls].filter(([id]) => id !== instanceId);
      this.#limits.set(key, { record: { ...record, shares }, usedUpMs, calls: new Map(left) });
    }
    this.#notify();
    return true;
  }

  /** Lets nothing start before a time. */
  async backOff({ key, until }: BackOffParams): Promise<boolean> {
    const stored = this.#limits.get(key);
    if (stored === undefined) return false;
    const { blockedUntil = until } = stored.record;
    const later = new Date(Math.max(blockedUntil.getTime(), until.getTime()));
    this.#limits.set(key, { ...stored, record: { ...stored.record, blockedUntil: later } });
    this.#notify();
    return true;
  }

  #notify(): void {
    this.#parts.hints.send({ kind: 'limitsChanged' });
  }
}

function shown({ record, usedUpMs }: StoredLimit): LimitRecord {
  const startAt = nextStartAt(record.rate, usedUpMs);
  return {
    ...record,
    shares: record.shares.map((share) => ({ ...share })),
    ...(record.rate && { rate: { ...record.rate } }),
    ...(record.blockedUntil && { blockedUntil: new Date(record.blockedUntil) }),
    ...(startAt && { nextStartAt: startAt }),
  };
}
