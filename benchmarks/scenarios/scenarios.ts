/**
 * All scenarios, in the order in which they are run and shown.
 *
 * @module
 */
import { backlogScenario } from './backlog.ts';
import { costScenario } from './cost.ts';
import { drainScenario } from './drain.ts';
import { enqueueScenario } from './enqueue.ts';
import { idleScenario } from './idle.ts';
import { latencyScenario } from './latency.ts';
import { memoryScenario } from './memory.ts';
import { namesScenario } from './names.ts';
import { pickupScenario } from './pickup.ts';
import { processesScenario } from './processes.ts';
import { ratesScenario } from './rates.ts';
import { rulesScenario } from './rules.ts';
import type { Scenario } from './scenario.ts';
import { steadyScenario } from './steady.ts';

/** Every scenario. */
export const SCENARIOS: readonly Scenario[] = [
  ratesScenario,
  drainScenario,
  enqueueScenario,
  pickupScenario,
  steadyScenario,
  processesScenario,
  namesScenario,
  backlogScenario,
  latencyScenario,
  costScenario,
  idleScenario,
  memoryScenario,
  rulesScenario,
];
