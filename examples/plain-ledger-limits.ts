/**
 * The limits of the plain ledger.
 *
 * What always holds: what an instance gets is chosen by `chooseShare`, as in every ledger.
 *
 * @module
 */
import type * as verbs from '@monque/core/ledger';
import { type Clock, chooseShare, nextStartAt, usedUpUnder } from '@monque/core/ledger';
import type { PlainWatches } from './plain-ledger-reads.ts';

/** A limit, with what is kept beside what is shown. */
interface PlainLimit {
  record: verbs.LimitRecord;
  usedUpMs: number | undefined;
  /** The number of the last call by the id of its instance. */
  readonly calls: Map<string, number>;
}

/** Limits by their keys. */
export class PlainLimits implements verbs.LimitVerbs {
  readonly #limits = new Map<string, PlainLimit>();
  readonly #watches: PlainWatches;
  readonly #clock: Clock;
  readonly #isInUse: (instanceId: string) => boolean;

  constructor(watches: PlainWatches, clock: Clock, isInUse: (instanceId: string) => boolean) {
    this.#watches = watches;
    this.#clock = clock;
    this.#isInUse = isInUse;
  }

  /** Shares stay as they are, also those beyond the limit. */
  async setLimit({ key, concurrency, rate }: verbs.SetLimitParams): Promise<void> {
    const { record, usedUpMs, calls } = this.#limits.get(key) ?? { calls: new Map() };
    const { shares = [], blockedUntil } = record ?? {};
    this.#limits.set(key, {
      record: {
        ...{ key, shares },
        ...(concurrency !== undefined && { concurrency }),
        ...(rate && { rate }),
        ...(blockedUntil && { blockedUntil }),
      },
      usedUpMs: usedUpUnder(rate, usedUpMs, this.#clock.now()),
      calls,
    });
    this.#notify();
  }

  async readLimits(): Promise<readonly verbs.LimitRecord[]> {
    const limits = [...this.#limits.values()].map(shown);
    return limits.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** A call that was overtaken by another changes nothing. */
  async takeShare(params: verbs.TakeShareParams): Promise<verbs.TakeShareResult> {
    const { instanceId, seq, wants } = params;
    const limit = this.#limits.get(params.key);
    if (limit === undefined) return { outcome: 'missing', count: 0, starts: 0, limit: null };
    if (seq <= (limit.calls.get(instanceId) ?? 0)) {
      return { outcome: 'stale', count: 0, starts: 0, limit: shown(limit) };
    }
    const { count, starts, isNews, usedUpMs } = chooseShare(
      limit.record,
      limit,
      params,
      this.#clock.now(),
    );
    limit.calls.set(instanceId, seq);
    limit.usedUpMs = usedUpMs ?? limit.usedUpMs;
    const shares = [...withoutShare(limit, instanceId), { instanceId, count, wants }];
    limit.record = { ...limit.record, shares };
    if (isNews) this.#notify();
    return { outcome: 'taken', count, starts, limit: shown(limit) };
  }

  /** Who may still claim, or holds claims, keeps its shares. */
  async freeShares({ instanceId }: verbs.InstanceParams): Promise<boolean> {
    if (this.#isInUse(instanceId)) return false;
    for (const limit of this.#limits.values()) {
      limit.calls.delete(instanceId);
      limit.record = { ...limit.record, shares: withoutShare(limit, instanceId) };
    }
    this.#notify();
    return true;
  }

  async backOff({ key, until }: verbs.BackOffParams): Promise<boolean> {
    const limit = this.#limits.get(key);
    if (limit === undefined) return false;
    const { blockedUntil = until } = limit.record;
    limit.record = { ...limit.record, blockedUntil: blockedUntil > until ? blockedUntil : until };
    this.#notify();
    return true;
  }

  #notify(): void {
    this.#watches.notify({ kind: 'limitsChanged' });
  }
}

function withoutShare({ record }: PlainLimit, instanceId: string): readonly verbs.LimitShare[] {
  return record.shares.filter((share) => share.instanceId !== instanceId);
}

function shown({ record, usedUpMs }: PlainLimit): verbs.LimitRecord {
  const startAt = nextStartAt(record.rate, usedUpMs);
  return structuredClone({ ...record, ...(startAt && { nextStartAt: startAt }) });
}
