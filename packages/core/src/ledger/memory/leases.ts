/**
 * The leases of an in-memory ledger.
 *
 * A lease is live from its opening until it is declared dead or ended; dead is for ever, so a second opening under
 * the same id changes nothing.
 *
 * @module
 */
import type {
  DeclareDeadParams,
  LeaseRecord,
  OpenLeaseParams,
  ReadLeasesParams,
  RenewLeaseParams,
} from '../ledger-repository.ts';

/** One lease an instance. */
export class LeaseRegister {
  readonly #leases = new Map<string, LeaseRecord>();

  /** Every lease, dead ones too. */
  all(): readonly LeaseRecord[] {
    return [...this.#leases.values()];
  }

  /** Every lease; what the instances say of themselves only where that is asked for. */
  read({ informed = false }: ReadLeasesParams): readonly LeaseRecord[] {
    return informed
      ? structuredClone(this.all())
      : this.all().map(({ info: _, ...lease }) => lease);
  }

  /** True while the instance has a lease that is not dead. */
  isLive(instanceId: string): boolean {
    return this.#leases.get(instanceId)?.status === 'live';
  }

  /** Writes the first proof of life, unless there is one. */
  open({ instanceId, leaseDurationMs, info }: OpenLeaseParams): void {
    if (this.#leases.has(instanceId)) return;
    this.#leases.set(instanceId, {
      ...{ instanceId, counter: 0, status: 'live', leaseDurationMs },
      ...(info && { info: structuredClone(info) }),
    });
  }

  /** Raises the counter of a live lease, and notes what its instance says of itself. */
  renew({ instanceId, info }: RenewLeaseParams): boolean {
    return this.#change(instanceId, ({ counter }) => ({
      counter: counter + 1,
      ...(info && { info: structuredClone(info) }),
    }));
  }

  /** Marks a live lease as dead if its counter is the one that was seen. */
  declareDead({ instanceId, counter }: DeclareDeadParams): boolean {
    if (this.#leases.get(instanceId)?.counter !== counter) return false;
    return this.end(instanceId);
  }

  /** Marks a live lease as dead. */
  end(instanceId: string): boolean {
    return this.#change(instanceId, () => ({ status: 'dead' }));
  }

  /** Takes a dead lease off the record. */
  remove(instanceId: string): void {
    if (!this.isLive(instanceId)) this.#leases.delete(instanceId);
  }

  #change(instanceId: string, change: (lease: LeaseRecord) => Partial<LeaseRecord>): boolean {
    const lease = this.#leases.get(instanceId);
    if (lease?.status !== 'live') return false;
    this.#leases.set(instanceId, { ...lease, ...change(lease) });
    return true;
  }
}
