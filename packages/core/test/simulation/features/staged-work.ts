/** The stages and gates of simulated jobs, and what each stage does. */
import { gate, type Job, type Stage, stage } from '../../../src/index.ts';
import type { Gate, StageHandler } from '../../../src/workers/stages.ts';
import { type Task, taskOf } from '../facts.ts';

/** The name of the jobs with stages. */
export const STAGED_NAME = 'import';
export const STAGED_CONCURRENCY = 4;

/** The stages in their order. */
export const STAGES: readonly string[] = ['download', 'parse', 'store'];

/** A gate that is not opened in this time fails its job. */
const SCANNED_WITHIN_MS = 2_000;

/** The gates, each with the stage that lies behind it. */
export const GATES: Readonly<Record<string, string>> = { scanned: 'parse', approved: 'store' };

/** The gate that a job waits at for as long as it takes. */
export const ENDLESS_GATE = 'approved';

/** What the worker is registered with. */
export function stepsOf(handler: StageHandler): readonly (Stage | Gate)[] {
  const [download, parse, store] = STAGES.map((name) => stage(name, handler));
  const steps = [
    download,
    gate('scanned', { timeout: SCANNED_WITHIN_MS }),
    parse,
    gate(ENDLESS_GATE),
    store,
  ];
  return steps.filter((step) => step !== undefined);
}

/** What one stage does: one of them does what the task says, the others just take their time. */
export function taskOfStage(job: Job, name: string): Task {
  const task = taskOf(job);
  return STAGES.indexOf(name) === task.number % STAGES.length ? task : { ...task, kind: 'working' };
}

/** What a stage returns. */
export function resultOfStage(job: Job, name: string): unknown {
  return { stage: name, number: taskOf(job).number };
}
