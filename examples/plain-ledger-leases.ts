/**
 * The leases of the plain ledger.
 *
 * What always holds: a lease that is dead never lives again.
 *
 * @module
 */
import type {
  DeclareDeadParams,
  LeaseRecord,
  OpenLeaseParams,
  ReadLeasesParams,
  RenewLeaseParams,
} from '@monque/core/ledger';

/** Leases by the ids of their instances. */
export class LeaseTable {
  readonly #leases = new Map<string, LeaseRecord>();

  isLive(instanceId: string): boolean {
    return this.#leases.get(instanceId)?.status === 'live';
  }

  /** Changes nothing when the instance has a lease, also a dead one. */
  open({ instanceId, leaseDurationMs, info }: OpenLeaseParams): void {
    if (this.#leases.has(instanceId)) return;
    const lease = { instanceId, counter: 0, status: 'live', leaseDurationMs } as const;
    this.#leases.set(instanceId, structuredClone({ ...lease, ...(info && { info }) }));
  }

  renew({ instanceId, info }: RenewLeaseParams): boolean {
    return this.#change(instanceId, ({ counter }) => ({
      counter: counter + 1,
      ...(info && { info: structuredClone(info) }),
    }));
  }

  read({ informed }: ReadLeasesParams): LeaseRecord[] {
    const leases = structuredClone([...this.#leases.values()]);
    return informed ? leases : leases.map(({ info: _, ...lease }) => lease);
  }

  /** Only while the counter is the one that was seen: who renewed meanwhile lives. */
  declareDead({ instanceId, counter }: DeclareDeadParams): boolean {
    return this.#leases.get(instanceId)?.counter === counter && this.end(instanceId);
  }

  end(instanceId: string): boolean {
    return this.#change(instanceId, () => ({ status: 'dead' }));
  }

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
