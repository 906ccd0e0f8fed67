/** Many seeds of a random model, and what they show. */

/** One run of a model. */
export interface SeededModel<Fault extends string> {
  run(): void;
  /** How many jobs were claimed. */
  readonly claims: number;
  readonly fault: Fault | undefined;
}

/** What some seeds show. */
export interface ModelRuns<Fault extends string> {
  readonly claims: number;
  readonly faults: Readonly<Record<Fault, number>>;
}

/** How many seeds are run. */
export interface ModelSearch<Fault extends string> {
  readonly seeds: number;
  /** Ends the search with the first seed that shows it. */
  readonly until?: Fault | undefined;
}

/** Runs seeds from 1 on. */
export function runSeeds<Fault extends string>(
  { seeds, until }: ModelSearch<Fault>,
  none: Readonly<Record<Fault, number>>,
  makeModel: (seed: number) => SeededModel<Fault>,
): ModelRuns<Fault> {
  const faults: Record<Fault, number> = { ...none };
  let claims = 0;
  for (let seed = 1; seed <= seeds; seed += 1) {
    const model = makeModel(seed);
    model.run();
    claims += model.claims;
    if (model.fault === undefined) continue;
    faults[model.fault] += 1;
    if (model.fault === until) break;
  }
  return { claims, faults };
}
