/**
 * What is simulated. A feature of the engine joins the simulation here: with what users do with it while faults happen,
 * and with the rules that must hold of it.
 */
import { batches } from './features/batches.ts';
import { deadLetters } from './features/dead-letters.ts';
import { flows } from './features/flows.ts';
import { groups } from './features/groups.ts';
import { limits } from './features/limits.ts';
import { manualVerbs } from './features/manual-verbs.ts';
import { oneOffJobs } from './features/one-off-jobs.ts';
import { orders } from './features/orders.ts';
import { outbox } from './features/outbox.ts';
import { patience } from './features/patience.ts';
import { pauses } from './features/pauses.ts';
import { retention } from './features/retention.ts';
import { series } from './features/series.ts';
import { stagedJobs } from './features/staged-jobs.ts';
import { superseding } from './features/superseding.ts';
import type { Feature } from './features/users.ts';

/** Everything that is simulated. */
export const FEATURES: readonly Feature[] = [
  oneOffJobs,
  manualVerbs,
  series,
  pauses,
  retention,
  stagedJobs,
  deadLetters,
  groups,
  limits,
  orders,
  flows,
  superseding,
  batches,
  outbox,
  patience,
];
