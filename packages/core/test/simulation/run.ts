/** The simulation on the command line: many seeds, one seed with its story, or one guard less at a time. */
import { parseArgs } from 'node:util';
import { loadSimulation } from './bundle.ts';
import { GUARDS, type Guard } from './guards.ts';
import { minimise } from './minimise.ts';
import { ALL_FEATURES, BEFORE_LATER_FEATURES, type Profile } from './profile.ts';
import { type RunResult, runSeed } from './simulation.ts';
import { printStory } from './trace.ts';

const REPORT_EVERY_MS = 10_000;
const SEEDS_A_GUARD = 1_000;

// The stacks of the errors that are made on purpose cost more than what is looked for.
Error.stackTraceLimit = 0;

type Stats = RunResult['stats'];

/**
 * Runs what the arguments ask for.
 *
 * @param directory - where the simulation's source is
 * @returns the exit code: 1 when a rule was broken, or a guard is missed by no seed
 */
export async function main(directory: string, args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: '1' },
      seconds: { type: 'string' },
      seeds: { type: 'string' },
      only: { type: 'string' },
      all: { type: 'boolean', default: false },
      guards: { type: 'boolean', default: false },
      guard: { type: 'string' },
    },
  });
  const profile = values.all ? ALL_FEATURES : {};
  if (values.only !== undefined) return runOne(Number(values.only), profile);
  const first = Number(values.seed);
  if (values.guards || values.guard !== undefined) {
    return removeGuards(directory, first, values.guard);
  }
  const seeds = Number(values.seeds ?? (values.seconds === undefined ? 100 : Infinity));
  return runMany(first, { seeds, forMs: Number(values.seconds ?? Infinity) * 1_000, profile });
}

async function runOne(seed: number, profile: Partial<Profile>): Promise<number> {
  const result = await runSeed(seed, { profile, trace: true });
  console.log(printStory(result, Number.POSITIVE_INFINITY));
  return result.violations.length > 0 ? 1 : 0;
}

/** How much is run. */
interface Search {
  readonly seeds: number;
  readonly forMs: number;
  readonly profile: Partial<Profile>;
}

async function runMany(first: number, { seeds, forMs, profile }: Search): Promise<number> {
  const startedMs = performance.now();
  const totals = new Map<string, number>();
  let reportedMs = startedMs;
  let seed = first;
  for (; seed < first + seeds && performance.now() - startedMs < forMs; seed += 1) {
    const result = await runSeed(seed, { profile });
    addTo(totals, result.stats);
    if (result.violations.length > 0) return tellFailure(result, profile);
    if (performance.now() - reportedMs < REPORT_EVERY_MS) continue;
    reportedMs = performance.now();
    console.log(`seeds ${first} to ${seed}: ${totals.get('claims')} claims`);
  }
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
  console.log(`${seed - first} seeds, from ${first}, in ${seconds} s: no rule broken`);
  for (const [name, count] of totals) console.log(`${name.padEnd(12)} ${Math.round(count)}`);
  return 0;
}

async function tellFailure({ seed }: RunResult, given: Partial<Profile>): Promise<number> {
  const { result, profile } = await minimise(seed, given);
  console.log(printStory(result));
  console.log(`The smallest profile that still breaks it: ${JSON.stringify(profile)}`);
  console.log(`Seed ${seed} breaks a rule; all of it: --only ${seed}`);
  return 1;
}

async function removeGuards(
  directory: string,
  first: number,
  only: string | undefined,
): Promise<number> {
  let missed = 0;
  for (const guard of GUARDS) {
    if (only !== undefined && !guard.name.includes(only)) continue;
    const caught = await findWithout(directory, guard, first);
    if (caught === undefined && guard.secondOf === undefined) missed += 1;
    console.log(`${guard.name}: ${caught ?? `no seed from ${first} on of ${SEEDS_A_GUARD}`}`);
  }
  return missed > 0 ? 1 : 0;
}

async function findWithout(
  directory: string,
  { name, alterations, profile = {}, rules }: Guard,
  first: number,
): Promise<string | undefined> {
  const simulation = await loadSimulation(directory, alterations);
  const others = new Map<string, number>();
  for (let seed = first; seed < first + SEEDS_A_GUARD; seed += 1) {
    const { violations } = await simulation.runSeed(seed, {
      profile: { ...BEFORE_LATER_FEATURES, ...profile },
    });
    const [violation] = violations;
    if (violation === undefined) continue;
    if (rules.includes(violation.rule)) {
      return `seed ${seed}: ${violation.rule}: ${violation.detail}${listOthers(others)}`;
    }
    if (!others.has(violation.rule)) others.set(violation.rule, seed);
  }
  if (others.size > 0) console.log(`${name}${listOthers(others)}`);
  return undefined;
}

/** Rules that tell of something else, each with its first seed. */
function listOthers(others: ReadonlyMap<string, number>): string {
  return [...others].map(([rule, seed]) => `; seed ${seed}: ${rule}`).join('');
}

function addTo(totals: Map<string, number>, stats: Stats): void {
  for (const [name, count] of Object.entries(stats)) {
    totals.set(name, (totals.get(name) ?? 0) + count);
  }
}
