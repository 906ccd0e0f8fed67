/** Makes a failing run smaller: fewer kinds of faults, jobs and machines, as long as the same rule is broken. */
import type { Profile } from './profile.ts';
import { CALM } from './profile.ts';
import { type RunResult, runSeed } from './simulation.ts';

const SMALLER: readonly Partial<Profile>[] = [
  ...Object.entries(CALM).map(([name, value]): Partial<Profile> => ({ [name]: value })),
  { ledger: 'memory' },
  { hints: 'all' },
  { producers: 0 },
  { workers: 2 },
  { workers: 3 },
  { stagedJobs: 0 },
  { flows: 0 },
  { batchedJobs: 0 },
  { messages: 0 },
  { patientJobs: 0 },
  { claimsOnEnqueue: false },
  { jobs: 10 },
  { jobs: 30 },
  { jobs: 80 },
];

/** The smallest run that was found, with what had to be fixed for it. */
export interface SmallRun {
  readonly result: RunResult;
  readonly profile: Partial<Profile>;
}

/** Tries one thing less after the other. Another profile changes what chance brings, so some tries prove nothing. */
export async function minimise(seed: number, given: Partial<Profile> = {}): Promise<SmallRun> {
  let profile = given;
  let result = await runSeed(seed, { profile, trace: true });
  const [broken] = result.violations;
  if (broken === undefined) return { result, profile };
  for (const smaller of SMALLER) {
    const isTried = (name: string): boolean => name in profile && !(name in given);
    if (Object.keys(smaller).some(isTried)) continue;
    const candidate = { ...profile, ...smaller };
    const tried = await runSeed(seed, { profile: candidate, trace: true });
    if (tried.violations[0]?.rule !== broken.rule) continue;
    profile = candidate;
    result = tried;
  }
  return { result, profile };
}
