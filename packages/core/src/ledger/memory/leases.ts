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
  InstanceInfo,
  InstanceParams,
  LeaseRecord,
  LeaseVerbs,
  OpenLeaseParams,
  ReadLeasesParams,
  RenewLeaseParams,
} from '../ledger-repository.ts';

/** One lease an instance. */
export class MemoryLeases implements LeaseVerbs {
  readonly #leases = new Map<string, LeaseRecord>();
  readonly #hasClaims: (instanceId: string) => boolean;

  /** @param hasClaims - whether claims stand under an instance's id */
  constructor(hasClaims: (instanceId: string) => boolean) {
    this.#hasClaims = hasClaims;
  }

  /** Every lease; what the instances say of themselves only where that is asked for. */
  async readLeases({ informed = false }: ReadLeasesParams = {}): Promise<readonly LeaseRecord[]> {
    const leases = [...this.#leases.values()];
    return informed ? structuredClone(leases) : leases.map(({ info: _, ...lease }) => lease);
  }

  /** True while the instance has a lease that is not dead. */
  isLive(instanceId: string): boolean {
    return this.#leases.get(instanceId)?.status === 'live';
  }

  /** What an instance said of its workers; undefined when it said nothing. */
  workersOf(instanceId: string): InstanceInfo['workers'] | undefined {
    return this.#leases.get(instanceId)?.info?.workers;
  }

  /** Writes the first proof of life, unless there is one. */
  async openLease({ instanceId, leaseDurationMs, info }: OpenLeaseParams): Promise<void> {
    if (this.#leases.has(instanceId)) return;
    this.#leases.set(instanceId, {
      ...{ instanceId, counter: 0, status: 'live', leaseDurationMs },
      ...(info && { info: structuredClone(info) }),
    });
  }

  /** Raises the counter of a live lease, and notes what its instance says of itself. */
  async renewLease({ instanceId, info }: RenewLeaseParams): Promise<boolean> {
    return this.#change(instanceId, ({ counter }) => ({
      counter: counter + 1,
      ...(info && { info: structuredClone(info) }),
    }));
  }

  /** Marks a live lease as dead if its counter is the one that was seen. */
  async declareDead({ instanceId, counter }: DeclareDeadParams): Promise<boolean> {
    if (this.#leases.get(instanceId)?.counter !== counter) return false;
    return this.end(instanceId);
  }

  /** Ends the instance's own lease: dead, and off the record once it owns nothing. */
  async endLease({ instanceId }: InstanceParams): Promise<void> {
    this.end(instanceId);
    if (!this.#hasClaims(instanceId)) this.takeOff(instanceId);
  }

  /** Takes a dead lease off the record. */
  async removeLease({ instanceId }: InstanceParams): Promise<void> {
    this.takeOff(instanceId);
  }

  /** Marks a live lease as dead. */
  end(instanceId: string): boolean {
    return this.#change(instanceId, () => ({ status: 'dead' }));
  }

  /** Takes a dead lease off the record. */
  takeOff(instanceId: string): void {
    if (!this.isLive(instanceId)) this.#leases.delete(instanceId);
  }

  #change(instanceId: string, change: (lease: LeaseRecord) => Partial<LeaseRecord>): boolean {
    const lease = this.#leases.get(instanceId);
    if (lease?.status !== 'live') return false;
    this.#leases.set(instanceId, { ...lease, ...change(lease) });
    return true;
  }
}
