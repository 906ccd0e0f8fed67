/** Claims of groups that always have more due jobs than are claimed, and how many starts each of them gets. */
import { expect } from 'vitest';
import { systemRandom } from '../../src/foundation/random.ts';
import type { Job } from '../../src/job/job.ts';
import { groupFields } from '../../src/job/lanes.ts';
import type {
  ClaimGroupsResult,
  GroupSettings,
  LedgerRepository,
} from '../../src/ledger/ledger-repository.ts';
import { MANUAL_CLOCK_START, makeJob, SeededRandom } from '../../src/testing/index.ts';
import { volume } from '../setup/volume.ts';

const CLAIMS = volume(24, 12);
const MOST_TURNS = 8;
/** What a group may get beyond its share. */
const SPARE_TURNS = 8;
const NOISY_JOBS = 300;
const SETTLED_PART = 0.7;
const EARLIER = new Date(MANUAL_CLOCK_START.getTime() - 60_000);

/** Groups, what each of them may do, and from where chance begins. */
export interface Tenants {
  readonly groups: number;
  readonly seed: number;
  /** Of all groups. */
  readonly settings?: GroupSettings;
  /** How much each group weighs; they repeat. */
  readonly weights?: readonly number[];
  readonly batchSize?: number;
}

/** The groups of one name, which is not used by others. The first of them had many jobs before the others had any. */
class Backlog {
  readonly name: string;
  readonly #ledger: LedgerRepository;
  readonly #tenants: Tenants;
  readonly #random: SeededRandom;
  readonly #stored = new Map<string, number>();
  readonly #starts = new Map<string, number>();

  constructor(ledger: LedgerRepository, tenants: Tenants) {
    this.name = `turns ${JSON.stringify(tenants)}`;
    this.#ledger = ledger;
    this.#tenants = tenants;
    this.#random = new SeededRandom(tenants.seed);
  }

  async store(): Promise<void> {
    const { groups, settings, batchSize = 1 } = this.#tenants;
    const { name } = this;
    const now = MANUAL_CLOCK_START;
    const indexes = Array.from({ length: groups }, (_, index) => index);
    const whole = indexes.reduce((sum, index) => sum + this.#weightOf(index), 0);
    for (const index of indexes) {
      const group = `group ${index}`;
      const weight = this.#weightOf(index);
      const share = (CLAIMS * MOST_TURNS * weight) / whole + SPARE_TURNS * weight;
      const count = Math.ceil(share * batchSize);
      await this.#put(group, index === 0 ? { count: count + NOISY_JOBS, at: EARLIER } : { count });
      if (weight > 1) await this.#ledger.setGroup({ name, group, weight, now });
    }
    if (settings) await this.#ledger.setGroup({ name, ...settings, now });
  }

  #weightOf(index: number): number {
    const { weights = [1] } = this.#tenants;
    return weights[index % weights.length] as number;
  }

  async #put(group: string, { count, at }: { count: number; at?: Date }): Promise<void> {
    const fields = { name: this.name, ...(at && { createdAt: at }), ...groupFields(group, 0) };
    await this.#ledger.enqueue({ jobs: Array.from({ length: count }, () => makeJob(fields)) });
    this.#stored.set(group, count);
    this.#starts.set(group, 0);
  }

  /** One of these, by chance. */
  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random.fraction() * items.length)] as T;
  }

  /** Claims for so many turns, from one to eight. */
  claim(ledger: LedgerRepository, now: Date, mostTurns = MOST_TURNS): Promise<ClaimGroupsResult> {
    const { batchSize } = this.#tenants;
    const turns = 1 + Math.floor(this.#random.fraction() * mostTurns);
    const demand = { name: this.name, limit: turns * (batchSize ?? 1) };
    return ledger.claimGroups({
      demand: [batchSize === undefined ? demand : { ...demand, batchSize, begun: [] }],
      ...{ instanceId: 'instance-a', claimToken: systemRandom.token(), now, suspects: false },
    });
  }

  /** Counts what was won, and ends a part of it. */
  async count(jobs: readonly Job[], now: Date): Promise<void> {
    for (const { group = '' } of jobs) this.#starts.set(group, (this.#starts.get(group) ?? 0) + 1);
    const settlements = jobs
      .filter(() => this.#random.fraction() < SETTLED_PART)
      .map(({ _id: jobId, claimToken = '', fence }) => {
        return { verb: 'complete', jobId, claimToken, fence } as const;
      });
    if (settlements.length > 0) await this.#ledger.settle({ settlements, now });
  }

  /** How many turns the group had that had fewest, and the one that had most; all have jobs that still wait. */
  turns(): { readonly fewest: number; readonly most: number; readonly starts: string } {
    const { batchSize = 1 } = this.#tenants;
    for (const [group, count] of this.#starts) {
      expect(this.#stored.get(group), `${group} has no job that waits`).toBeGreaterThan(count);
    }
    const starts = [...this.#starts.values()];
    const turns = starts.map((count, index) => count / batchSize / this.#weightOf(index));
    return { fewest: Math.min(...turns), most: Math.max(...turns), starts: starts.join(' ') };
  }
}

/**
 * Claims one after the other, each of any of these instances. Each instance gives every group one turn before any a
 * second, so of all of them together a group has at most as many turns more than another as there are instances.
 */
export async function assertTakesTurns(
  instances: readonly LedgerRepository[],
  tenants: Tenants,
): Promise<void> {
  const [first] = instances as [LedgerRepository];
  const backlog = new Backlog(first, tenants);
  await backlog.store();
  const now = await first.readTime();
  for (let claims = 1; claims <= CLAIMS; claims += 1) {
    const { jobs } = await backlog.claim(backlog.pick(instances), now);
    await backlog.count(jobs, now);
    const { fewest, most, starts } = backlog.turns();
    expect(most - fewest, `${claims} claims: ${starts}`).toBeLessThanOrEqual(instances.length);
  }
}

/**
 * Claims of all these instances at once, of at most one job of each group. Who loses a job to another has given that
 * group its turn, so groups whose jobs are contended have fewer starts. But where claims meet at a group one of them
 * wins: it has at least as many starts as any one instance gave it turns, and that is its part of all turns.
 *
 * @returns how many jobs were lost to others
 */
export async function assertStarvesNone(
  instances: readonly LedgerRepository[],
  tenants: Tenants,
): Promise<number> {
  const [first] = instances as [LedgerRepository];
  const backlog = new Backlog(first, tenants);
  await backlog.store();
  const now = await first.readTime();
  const mostTurns = Math.min(MOST_TURNS, tenants.groups);
  let lost = 0;
  for (let claims = 0; claims < CLAIMS; claims += instances.length) {
    const results = await Promise.all(instances.map((one) => backlog.claim(one, now, mostTurns)));
    const won = results.flatMap(({ jobs }) => jobs);
    await backlog.count(won, now);
    lost += results.reduce((sum, { attempted }) => sum + attempted, 0) - won.length;
    const { fewest, most, starts } = backlog.turns();
    expect(most, starts).toBeLessThanOrEqual(instances.length * (fewest + 1));
  }
  return lost;
}
