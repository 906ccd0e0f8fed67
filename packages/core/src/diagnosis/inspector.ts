/**
 * Shows the instances, what they hold, and what waits, by bounded reads.
 *
 * @module
 */
import { type LimitInfo, readLimits } from '../client/limits.ts';
import type { EngineContext } from '../context/scheduler-context.ts';
import type {
  ClaimCounts,
  DueCount,
  GroupRecord,
  InstanceInfo,
  LeaseRecord,
  PauseRecord,
} from '../ledger/ledger-repository.ts';
import { type OwnInstance, withOwnInfo } from './explainer.ts';
import { isAlive } from './facts.ts';

const MOST_INSTANCES = 200;
const MOST_CLAIMS = 1_000;
const MOST_NAMES = 200;
const MOST_DUE_JOBS = 1_000;
const MOST_AT_ONCE = 8;
const MOST_GROUPED_NAMES = 10;
const MOST_GROUPS_READ = 100;
const MOST_GROUPS = 20;
const MOST_LIMITS = 200;

/** One instance, as it is on record. Milliseconds are estimates: instances are judged by their counters alone. */
export interface InspectedInstance {
  readonly instanceId: string;
  /** True for the instance of the process that asks. */
  readonly isOwn: boolean;
  /**
   * `alive`: its lease is live; `silent`: live, and not renewed for longer than it lasts; `dead`: declared dead, or
   * stopped while it held jobs; `unknown`: it has no lease on record, only claims.
   */
  readonly state: 'alive' | 'silent' | 'dead' | 'unknown';
  /** Since it renewed its lease; absent where that is not known. */
  readonly leaseAgeMs?: number;
  /** How long its lease lasts; absent when it has none. */
  readonly leaseDurationMs?: number;
  /** What it says of itself; absent for older versions. */
  readonly info?: InstanceInfo;
  /** The jobs it has claimed, of which at most 1000 are counted; absent beyond the first 200 instances. */
  readonly claims?: ClaimCounts;
}

/** One job name. */
export interface InspectedName {
  readonly name: string;
  readonly isPaused: boolean;
  /** Since when, by whom and why it is paused; absent when it is not. */
  readonly pause?: Omit<PauseRecord, 'name'>;
  /** Live instances that name a worker for it. */
  readonly instances: number;
  /** Its due jobs, up to 1000. */
  readonly due: number;
  /** True when there may be more. */
  readonly dueIsCut: boolean;
  /** How long the job that waits longest has been due; 0 when none is. */
  readonly queueLagMs: number;
}

/** One of the fullest groups. */
export interface InspectedGroup extends GroupRecord {
  readonly name: string;
}

/** What {@link MonquePublicAPI.inspect} answers. */
export interface Inspection {
  /** When it was, by the ledger's clock. */
  readonly at: Date;
  /** The instances, the own first, then the living. */
  readonly instances: readonly InspectedInstance[];
  /** The jobs that are processing for tools that keep no lease. */
  readonly withoutLease: ClaimCounts;
  /** Every name that has pending jobs, a worker, or a pause; of those with pending jobs the first 200. */
  readonly names: readonly InspectedName[];
  /** True when there are more names with pending jobs, or more workers than an instance names. */
  readonly namesAreCut: boolean;
  readonly pausedNames: readonly string[];
  /**
   * The groups with most jobs that wait and run, at most 20: of 101 groups of each of 10 names whose workers run
   * jobs with a group.
   */
  readonly fullestGroups: readonly InspectedGroup[];
  /** True when there are more groups or names than were looked at, so that a fuller group may be missing. */
  readonly groupsAreCut: boolean;
  /** The limits with who holds how much of them, the first 200 by key. */
  readonly limits: readonly LimitInfo[];
}

type InspectorContext = Pick<EngineContext, 'ledger' | 'ledgerTime' | 'ready'>;

/** Looks at all of a scheduler's instances. */
export class Inspector {
  readonly #context: InspectorContext;
  readonly #ownInstance: () => OwnInstance | undefined;

  /** @param ownInstance - the instance of this process, while it runs */
  constructor(context: InspectorContext, ownInstance: () => OwnInstance | undefined) {
    this.#context = context;
    this.#ownInstance = ownInstance;
  }

  /** Looks at them now. */
  async inspect(): Promise<Inspection> {
    await this.#context.ready();
    const { ledger, ledgerTime } = this.#context;
    const at = ledgerTime.now();
    const [leases, pauses, withoutLease, waiting, limits] = await Promise.all([
      ledger.readLeases({ informed: true }),
      ledger.readPaused(),
      ledger.countClaims({ limit: MOST_CLAIMS }),
      ledger.countDue({ now: at, mostNames: MOST_NAMES, mostJobs: MOST_DUE_JOBS }),
      readLimits(this.#context),
    ]);
    const except = leases.map(({ instanceId }) => instanceId);
    const strangers = await ledger.findClaimants({ except });
    const known = leases.map((lease) => this.#describe(lease, at));
    const unknown = strangers.map(
      (id) => ({ instanceId: id, isOwn: false, state: 'unknown' }) as const,
    );
    const instances = await this.#withClaims([...known.sort(byImportance), ...unknown]);
    const names = namesOf(instances, waiting.names, pauses);
    const pausedNames = pauses.map(({ name }) => name);
    // An instance with very many workers does not name them all.
    const unnamed = instances.some(({ info }) => (info?.unnamedWorkers ?? 0) > 0);
    const namesAreCut = waiting.isCut || unnamed;
    const groups = await this.#readGroups(instances, at);
    return {
      ...{ at, instances, withoutLease, names, namesAreCut, pausedNames },
      ...{ fullestGroups: groups.fullest, groupsAreCut: groups.areCut || unnamed },
      limits: limits.slice(0, MOST_LIMITS),
    };
  }

  /** Groups come in the order of their hashes: of very many the first are any. */
  async #readGroups(
    instances: readonly InspectedInstance[],
    now: Date,
  ): Promise<{ readonly fullest: readonly InspectedGroup[]; readonly areCut: boolean }> {
    const workers = instances.flatMap(({ info }) => info?.workers ?? []);
    const names = new Set(workers.flatMap(({ name, groups }) => (groups ? [name] : [])));
    const found: InspectedGroup[] = [];
    let areCut = names.size > MOST_GROUPED_NAMES;
    for (const name of [...names].sort().slice(0, MOST_GROUPED_NAMES)) {
      const page = { name, limit: MOST_GROUPS_READ + 1, now };
      const groups = await this.#context.ledger.readGroups(page);
      areCut ||= groups.length > MOST_GROUPS_READ;
      found.push(...groups.map((group) => ({ name, ...group })));
    }
    const fullness = ({ waiting, running }: GroupRecord): number => waiting + running;
    const fullest = found.sort((a, b) => fullness(b) - fullness(a)).slice(0, MOST_GROUPS);
    return { fullest, areCut };
  }

  #describe(lease: LeaseRecord, at: Date): InspectedInstance {
    const own = this.#ownInstance();
    const { instanceId, status, leaseDurationMs, info } = withOwnInfo(lease, own);
    const silentOrDead = status === 'dead' ? 'dead' : 'silent';
    // The age is that of the record, whatever this process knows of itself.
    const reportedAt = lease.info?.reportedAt;
    return {
      instanceId,
      isOwn: instanceId === own?.id,
      state: isAlive(lease, at) ? 'alive' : silentOrDead,
      leaseDurationMs,
      ...(reportedAt && { leaseAgeMs: Math.max(0, at.getTime() - reportedAt.getTime()) }),
      ...(info && { info }),
    };
  }

  /** A few instances at a time, in their order. */
  async #withClaims(instances: readonly InspectedInstance[]): Promise<InspectedInstance[]> {
    const counts = new Map<string, ClaimCounts>();
    const waiting = instances.slice(0, MOST_INSTANCES).values();
    const lanes = Array.from({ length: MOST_AT_ONCE }, async () => {
      for (const { instanceId } of waiting) {
        const params = { instanceId, limit: MOST_CLAIMS };
        counts.set(instanceId, await this.#context.ledger.countClaims(params));
      }
    });
    await Promise.all(lanes);
    return instances.map((instance) => {
      const claims = counts.get(instance.instanceId);
      return claims === undefined ? instance : { ...instance, claims };
    });
  }
}

const STATES = ['alive', 'silent', 'dead', 'unknown'] as const;

function byImportance(a: InspectedInstance, b: InspectedInstance): number {
  const order = STATES.indexOf(a.state) - STATES.indexOf(b.state);
  return Number(b.isOwn) - Number(a.isOwn) || order || (a.instanceId < b.instanceId ? -1 : 1);
}

function namesOf(
  instances: readonly InspectedInstance[],
  waiting: readonly DueCount[],
  pauses: readonly PauseRecord[],
): InspectedName[] {
  const able = new Map<string, number>();
  const alive = instances.filter(({ state }) => state === 'alive');
  for (const { name } of alive.flatMap(({ info }) => info?.workers ?? [])) {
    able.set(name, (able.get(name) ?? 0) + 1);
  }
  const due = new Map(waiting.map((row) => [row.name, row]));
  const paused = new Map(pauses.map(({ name, ...pause }) => [name, pause]));
  const names = new Set([...due.keys(), ...able.keys(), ...paused.keys()]);
  return [...names].sort().map((name) => ({
    name,
    isPaused: paused.has(name),
    ...pauseOf(paused.get(name)),
    instances: able.get(name) ?? 0,
    due: due.get(name)?.due ?? 0,
    dueIsCut: due.get(name)?.isCut ?? false,
    queueLagMs: due.get(name)?.queueLagMs ?? 0,
  }));
}

function pauseOf(pause: InspectedName['pause']): Pick<InspectedName, 'pause'> {
  return pause === undefined ? {} : { pause };
}
