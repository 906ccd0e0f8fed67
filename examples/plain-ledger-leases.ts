/**
 * The leases of the plain ledger.
 *
 * What always holds: a lease that is dead never lives again.
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
} from '@monque/core/ledger';
import type { JobTable } from './plain-ledger-jobs.ts';

/** Leases by the ids of their instances. */
export class PlainLeases implements LeaseVerbs {
  readonly #leases = new Map<string, LeaseRecord>();
  readonly #jobs: JobTable;

  constructor(jobs: JobTable) {
    this.#jobs = jobs;
  }

  isLive(instanceId: string): boolean {
    return this.#leases.get(instanceId)?.status === 'live';
  }

  /** What an instance said of its workers, by which its jobs become dead letters. */
  workersOf(instanceId: string): InstanceInfo['workers'] | undefined {
    return this.#leases.get(instanceId)?.info?.workers;
  }

  /** Changes nothing when the instance has a lease, also a dead one. */
  async openLease({ instanceId, leaseDurationMs, info }: OpenLeaseParams): Promise<void> {
    if (this.#leases.has(instanceId)) return;
    const lease = { instanceId, counter: 0, status: 'live', leaseDurationMs } as const;
    this.#leases.set(instanceId, structuredClone({ ...lease, ...(info && { info }) }));
  }

  async renewLease({ instanceId, info }: RenewLeaseParams): Promise<boolean> {
    return this.#change(instanceId, ({ counter }) => ({
      counter: counter + 1,
      ...(info && { info: structuredClone(info) }),
    }));
  }

  async readLeases({ informed }: ReadLeasesParams = {}): Promise<readonly LeaseRecord[]> {
    const leases = structuredClone([...this.#leases.values()]);
    return informed ? leases : leases.map(({ info: _, ...lease }) => lease);
  }

  /** Only while the counter is the one that was seen: who renewed meanwhile lives. */
  async declareDead({ instanceId, counter }: DeclareDeadParams): Promise<boolean> {
    return this.#leases.get(instanceId)?.counter === counter && this.#end(instanceId);
  }

  async endLease({ instanceId }: InstanceParams): Promise<void> {
    this.#end(instanceId);
    if (this.#jobs.claimsOf(instanceId).length === 0) this.#leases.delete(instanceId);
  }

  async removeLease({ instanceId }: InstanceParams): Promise<void> {
    if (!this.isLive(instanceId)) this.#leases.delete(instanceId);
  }

  #end(instanceId: string): boolean {
    return this.#change(instanceId, () => ({ status: 'dead' }));
  }

  #change(instanceId: string, change: (lease: LeaseRecord) => Partial<LeaseRecord>): boolean {
    const lease = this.#leases.get(instanceId);
    if (lease?.status !== 'live') return false;
    this.#leases.set(instanceId, { ...lease, ...change(lease) });
    return true;
  }
}
