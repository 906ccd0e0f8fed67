import { describe, expect, it } from 'vitest';
import { volume } from '../setup/volume.ts';
import { minimise } from './minimise.ts';
import { BEFORE_LATER_FEATURES, CALM, type Profile } from './profile.ts';
import { type RunResult, runSeed } from './simulation.ts';
import { printStory } from './trace.ts';

const SEEDS = Number(process.env.MONQUE_SIMULATION_SEEDS ?? volume(10, 3));

/** Each with a dozen flows. */
const FLOW_SEEDS = volume(12, 3);

/** Where a rule was broken once. */
const KEPT: readonly {
  readonly story: string;
  readonly seeds: readonly number[];
  readonly profile?: Partial<Profile>;
}[] = [
  {
    story: 'a look ahead is under way when its instance is stopped',
    seeds: [11, 99, 157],
  },
  {
    story: 'a sample of the time is under way when its instance is stopped',
    seeds: [5063, 5085],
    profile: { hasSuspends: true, pauseRate: 0.002 },
  },
  {
    story: 'a machine is suspended while it asks for the time',
    seeds: [6],
    profile: { hasSuspends: true, lateRate: 0, pauseRate: 0.008, crashRate: 0, outages: 0 },
  },
  {
    story: 'a stop has no time left to record what was finished',
    seeds: [6075, 6146],
    profile: { hasSuspends: false, wallSteps: 8, stops: 8, outages: 3 },
  },
  {
    story: 'a machine was suspended while a name was paused',
    seeds: [71],
  },
  {
    story: 'a request to cancel is told of when the job runs again',
    seeds: [437, 1318],
  },
  {
    story: 'a claim arrives after the ledger showed none',
    seeds: [660],
  },
  {
    story: 'an enqueue is sent again after its machine stood still',
    seeds: [119],
    profile: { hasRetention: true, lossRate: 0.1, pauseRate: 0.01, hasSuspends: true, jobs: 300 },
  },
  {
    story: 'a machine stood still until its lease was over while it recorded a stage',
    seeds: [7],
    profile: {
      ...{ stagedJobs: 80, jobs: 60, series: 0 },
      ...{ pauseRate: 0.006, crashRate: 0, lateRate: 0.1 },
    },
  },
  {
    story: 'nobody looked at a job of a flow when the last of several sets of its parents ended',
    seeds: [192],
    profile: { jobs: 10, series: 0, flows: 14, hasRetention: true },
  },
];

describe('Many instances over one ledger', () => {
  it('break no rule, whatever goes wrong', { timeout: 3_600_000 }, async () => {
    const totals = {
      ...{ claims: 0, rescues: 0, crashes: 0, pauses: 0, faults: 0, stops: 0 },
      ...{ repeats: 0, replans: 0, amends: 0, pausedNames: 0, pruned: 0 },
      ...{ stages: 0, blocks: 0, gates: 0, expiries: 0, births: 0, burials: 0 },
      ...{ orderedClaims: 0, limitsSet: 0, shares: 0 },
      ...{ batches: 0, transactions: 0, conflicts: 0, messages: 0, overdue: 0 },
    };
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { violations, stats } = await runSeed(seed);
      if (violations.length > 0) expect.fail(printStory((await minimise(seed)).result));
      for (const name of Object.keys(totals) as (keyof typeof totals)[]) {
        totals[name] += stats[name];
      }
    }
    console.log(`simulation: ${SEEDS} seeds, ${JSON.stringify(totals)}`);
    // A search that met no trouble proves nothing.
    for (const [name, total] of Object.entries(totals)) {
      expect(total, name).toBeGreaterThan(SEEDS / 4);
    }
  });

  it('keep the jobs of flows in their order', { timeout: 600_000 }, async () => {
    const profile = { ...BEFORE_LATER_FEATURES, jobs: 10, series: 0, flows: 14 };
    const totals = { releases: 0, failedChildren: 0, crashes: 0 };
    for (let seed = 1; seed <= FLOW_SEEDS; seed += 1) {
      const options = { profile: { ...profile, hasRetention: false } };
      const { violations, stats } = await runSeed(seed, options);
      if (violations.length > 0) {
        expect.fail(printStory(await runSeed(seed, { ...options, trace: true })));
      }
      for (const name of Object.keys(totals) as (keyof typeof totals)[]) {
        totals[name] += stats[name];
      }
    }
    for (const [name, total] of Object.entries(totals)) expect(total, name).toBeGreaterThan(0);
  });

  it('run every job once and rescue none while nothing goes wrong', {
    timeout: 300_000,
  }, async () => {
    for (const ledger of volume(['memory', 'stepped'] as const, ['stepped'] as const)) {
      const result = await runSeed(1, { profile: { ...CALM, ledger, jobs: 50 }, trace: true });
      expect(result.violations, printStory(result)).toEqual([]);
      expect(result.stats).toMatchObject({ crashes: 0, pauses: 0, faults: 0, rescues: 0 });
      expect(result.stats.claims).toBeGreaterThan(100);
    }
  });

  it('do the same again with the same seed', { timeout: 300_000 }, async () => {
    const [one, again, other] = [await runTraced(1), await runTraced(1), await runTraced(2)];
    expect(one.trace.length).toBeGreaterThan(100);
    expect(again).toEqual(one);
    expect(other.trace).not.toEqual(one.trace);
  });

  for (const { story, seeds, profile = {} } of KEPT) {
    it(`stay right where ${story}`, async () => {
      for (const seed of volume(seeds, seeds.slice(0, 1))) {
        const result = await runSeed(seed, {
          profile: { ...BEFORE_LATER_FEATURES, ...profile },
          trace: true,
        });
        expect(result.violations, printStory(result)).toEqual([]);
      }
    });
  }
});

function runTraced(seed: number): Promise<RunResult> {
  return runSeed(seed, { profile: { jobs: 50 }, trace: true });
}
