/**
 * The leases of instances and what rescues the jobs of dead ones, each command one step.
 */
import type { Job } from '../../src/index.ts';
import type {
  DeclareDeadParams,
  FindClaimantsParams,
  InstanceParams,
  LeaseRecord,
  OpenLeaseParams,
  ReadClaimsParams,
  RenewLeaseParams,
  RescueParams,
  RescueResult,
  StandingClaim,
} from '../../src/ledger/ledger-repository.ts';
import { MemoryLeases } from '../../src/ledger/memory/leases.ts';
import { chooseRescue } from '../../src/ledger/rescue-choice.ts';
import type { SteppedJobs } from './stepped-jobs.ts';
import type { SteppedLedgerParams } from './stepped-params.ts';

const RESCUE_VERBS = [
  'rescue',
  'rescueToNextRun',
  'rescueToDeadLetter',
  'rescueToFailed',
  'rescueToCancelled',
] as const;

export class SteppedLeases {
  readonly #jobs: SteppedJobs;
  readonly #params: Pick<SteppedLedgerParams, 'observer' | 'letOthersIn'>;
  readonly #leases = new MemoryLeases(() => false);

  constructor(jobs: SteppedJobs, params: Pick<SteppedLedgerParams, 'observer' | 'letOthersIn'>) {
    this.#jobs = jobs;
    this.#params = params;
  }

  isLive(instanceId: string): boolean {
    return this.#leases.isLive(instanceId);
  }

  async openLease(params: OpenLeaseParams): Promise<void> {
    await this.#leases.openLease(params);
    this.#params.observer.leaseRenewed(params.instanceId);
  }

  async renewLease(params: RenewLeaseParams): Promise<boolean> {
    const isLive = await this.#leases.renewLease(params);
    if (isLive) this.#params.observer.leaseRenewed(params.instanceId);
    return isLive;
  }

  async readLeases(): Promise<readonly LeaseRecord[]> {
    return this.#leases.readLeases({ informed: true });
  }

  async declareDead(params: DeclareDeadParams): Promise<boolean> {
    const isDead = await this.#leases.declareDead(params);
    if (isDead) this.#params.observer.leaseDied(params.instanceId, true);
    return isDead;
  }

  async endLease({ instanceId }: InstanceParams): Promise<void> {
    this.#leases.end(instanceId);
    this.#params.observer.leaseDied(instanceId, false);
    await this.#params.letOthersIn();
    if (this.claimsOf(instanceId).length > 0) return;
    await this.#params.letOthersIn();
    this.#leases.takeOff(instanceId);
  }

  async removeLease({ instanceId }: InstanceParams): Promise<void> {
    this.#leases.takeOff(instanceId);
  }

  async findClaimants({ except }: FindClaimantsParams): Promise<readonly string[]> {
    const claimants = new Set<string>();
    for (const { claimedBy } of this.#jobs.all()) if (claimedBy) claimants.add(claimedBy);
    return [...claimants].filter((instanceId) => !except.includes(instanceId)).sort();
  }

  async readClaims(params: ReadClaimsParams): Promise<readonly StandingClaim[]> {
    return this.claimsOf(params.instanceId).slice(0, params.limit).map(toStandingClaim);
  }

  async rescue(params: RescueParams): Promise<RescueResult> {
    const { deadInstanceId, limit } = params;
    const moved = {
      ...{ rescue: 0, rescueToNextRun: 0, rescueToDeadLetter: 0 },
      ...{ rescueToFailed: 0, rescueToCancelled: 0 },
    };
    const refused = this.#leases.isLive(deadInstanceId);
    if (refused) return { pending: 0, failed: 0, cancelled: 0, more: false, refused };
    await this.#params.letOthersIn();
    const workers = this.#leases.workersOf(deadInstanceId);
    const claims = this.claimsOf(deadInstanceId).slice(0, limit);
    const choices = claims.map((job) => ({
      jobId: job._id,
      ...chooseRescue(job, params, workers),
    }));
    for (const rescueVerb of RESCUE_VERBS) {
      await this.#params.letOthersIn();
      for (const { jobId, verb, params: values } of choices) {
        if (verb === rescueVerb && this.#jobs.move(verb, jobId, values) !== null) moved[verb] += 1;
      }
    }
    return {
      pending: moved.rescue + moved.rescueToNextRun + moved.rescueToDeadLetter,
      failed: moved.rescueToFailed,
      cancelled: moved.rescueToCancelled,
      more: claims.length === limit,
      refused,
    };
  }

  /** The jobs that an instance has. */
  claimsOf(instanceId: string): Job[] {
    return [...this.#jobs.all()].filter(
      ({ claimedBy, status }) => status === 'processing' && claimedBy === instanceId,
    );
  }
}

function toStandingClaim({ _id, claimToken, fence, cancelRequestedAt }: Job): StandingClaim {
  return {
    jobId: _id,
    claimToken: claimToken as string,
    fence,
    ...(cancelRequestedAt && { cancelRequestedAt }),
  };
}
